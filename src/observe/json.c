// observe/json.c -- the report as JSON; docs/json.md tells each key.
// SPDX-License-Identifier: MIT
#include "observe/json.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "base/bits.h"
#include "midden/version.h"
#include "observe/collections.h"
#include "observe/diagnosis.h"
#include "observe/words.h"

json_t *mid_json_number(uint64_t n) {
  return json_integer((json_int_t)(n <= INT64_MAX ? n : INT64_MAX));
}

json_t *mid_json_round(double value) {
  return isfinite(value) && fabs(value) < 9e18 ? json_integer((json_int_t)llround(value))
                                               : json_null();
}

// jansson takes no string that is not UTF-8.
json_t *mid_json_string(const char *s) {
  json_t *j = json_string(s);
  if (j != NULL) return j;
  char room[2048];
  snprintf(room, sizeof room, "%s", s);
  for (char *at = room; *at != 0; at++)
    if ((unsigned char)*at >= 0x80) *at = '?';
  return json_string(room);
}

static void set(json_t *object, const char *key, uint64_t n) {
  json_object_set_new(object, key, mid_json_number(n));
}

static void set_real(json_t *object, const char *key, double value) {
  json_object_set_new(object, key, json_real(value));
}

static json_t *process_json(const struct mid_process *p, const struct mid_figures *f,
                            const int *status) {
  json_t *j = json_object();
  set(j, "pid", (uint64_t)p->pid);
  json_object_set_new(j, "command", mid_json_string(p->command));
  json_object_set_new(j, "lives", json_boolean(p->lives));
  json_object_set_new(j, "seen_last", json_boolean(p->seen_last));
  json_object_set_new(j, "unseen", p->unseen != NULL ? mid_json_string(p->unseen) : json_null());
  json_object_set_new(
      j, "exit",
      status && WIFEXITED(*status) ? mid_json_number((uint64_t)WEXITSTATUS(*status)) : json_null());
  json_object_set_new(
      j, "signal",
      status && WIFSIGNALED(*status) ? mid_json_number((uint64_t)WTERMSIG(*status)) : json_null());
  set_real(j, "wall_seconds", f->seconds);
  set_real(j, "cpu_seconds", f->cpu_seconds);
  set(j, "peak_rss", f->peak_rss);
  set(j, "final_rss", f->resident);
  set(j, "live_bytes", f->live);
  set(j, "live_blocks", f->live_blocks);
  set(j, "peak_live_bytes", f->peak_live);
  json_object_set_new(j, "on_midden", json_boolean(p->has_feed));
  json_object_set_new(j, "final", json_boolean(f->final));
  set_real(j, "unseen_seconds", f->unseen_seconds);
  return j;
}

static json_t *memory_json(const struct mid_figures *f) {
  json_t *j = json_object();
#define X(name) set(j, #name, f->name);
  MID_MEMORY_FIGURES(X)
#undef X
  json_object_set_new(j, "spans_estimated", json_boolean(f->spans_estimated));
  return j;
}

static json_t *activity_json(const struct mid_process *p, const struct mid_figures *f) {
  json_t *j = json_object();
  set(j, "allocations", f->allocations);
  set(j, "frees", f->frees);
  set(j, "remote_frees", f->remote_frees);
  set(j, "refused", p->image.process.refused);
  set(j, "requests", f->requests);
  set_real(j, "requests_per_second", f->request_rate);
  json_object_set_new(j, "blocks_per_request",
                      f->requests > 1 ? json_real(f->request.blocks) : json_null());
  json_object_set_new(j, "bytes_per_request",
                      f->requests > 1 ? json_real(f->request.bytes) : json_null());
  set_real(j, "allocations_per_second", f->allocation_rate);
  set_real(j, "peak_allocations_per_second", f->peak_allocation_rate);
  set_real(j, "frees_per_second", f->free_rate);
  set_real(j, "remote_free_share",
           mid_words_share((double)f->remote_frees, (double)f->frees) / 100);
  return j;
}

static json_t *threads_json(const struct mid_process *p) {
  const struct mid_feed_process *feed = &p->image.process;
  json_t *j = json_object();
  set(j, "peak", p->peak_threads);
  set(j, "heaps_open", feed->heaps_open);
  set(j, "heaps_peak", feed->heaps_peak);
  set(j, "heaps_started", feed->heaps_started);
  return j;
}

static json_t *large_json(const struct mid_feed_process *feed) {
  json_t *j = json_object();
  set(j, "allocated", feed->large_allocated);
  set(j, "allocated_bytes", feed->large_allocated_bytes);
  set(j, "live", feed->large_blocks);
  set(j, "live_bytes", feed->large_bytes);
  set(j, "asked_bytes", feed->large_asked);
  return j;
}

static json_t *class_json(const struct mid_class_figures *k) {
  json_t *j = json_object();
  set(j, "block_bytes", k->block_bytes);
  set(j, "span_bytes", k->span_bytes);
  set(j, "spans", k->spans);
  set(j, "allocated", k->allocated);
  set(j, "freed", k->freed);
  set(j, "live", k->live);
  set(j, "live_bytes", k->live_bytes);
  set(j, "internal_waste", k->internal_waste);
  set(j, "free_blocks", k->free_blocks);
  return j;
}

static json_t *classes_json(const struct mid_figures *f) {
  json_t *j = json_array();
  for (uint32_t c = 0; c < f->classes; c++)
    if (f->klass[c].allocated > 0) json_array_append_new(j, class_json(&f->klass[c]));
  return j;
}

// ---- collected heaps ----

static json_t *gc_pauses_json(const struct mid_feed_gc_all *all) {
  json_t *j = json_array();
  for (unsigned i = 0; i < MID_FEED_PAUSES; i++) {
    if (all->pause[i].pauses == 0) continue;
    json_t *one = json_object();
    bool last = i + 1 == MID_FEED_PAUSES;
    set_real(one, "from_seconds", (double)all->pause[i].from / 1e9);
    set_real(one, "to_seconds", (double)(last ? all->work.longest : all->pause[i + 1].from) / 1e9);
    set(one, "times", all->pause[i].pauses);
    json_array_append_new(j, one);
  }
  return j;
}

static json_t *gc_utilisation_json(const struct mid_feed_gc_all *all) {
  json_t *j = json_array();
  for (unsigned k = 0; k < MID_FEED_WINDOWS && all->window[k].least <= 1000000; k++) {
    const struct mid_feed_gc_window *w = &all->window[k];
    if (w->window == 0) continue;
    json_t *one = json_object();
    set_real(one, "window_seconds", (double)w->window / 1e9);
    set_real(one, "least", (double)w->least / 1e6);
    set_real(one, "p1", (double)w->p1 / 100);
    set_real(one, "p50", (double)w->p50 / 100);
    json_array_append_new(j, one);
  }
  return j;
}

// Times are since the first collected heap was opened.
static json_t *gc_last_json(const struct mid_feed_image *image) {
  uint64_t count = mid_collections_count(image), number = count - mid_min(count, MID_FEED_LAST);
  json_t *j = json_array();
  for (; number < count; number++) {
    const struct mid_feed_gc_last *c = mid_collections_last(image, number);
    if (c == NULL) continue;
    json_t *one = json_object();
    set(one, "number", number);
    json_object_set_new(one, "major", json_boolean(c->is_major != 0));
    set_real(one, "at_seconds", (double)(c->began - image->gc.opened) / 1e9);
    set_real(one, "pause_seconds", (double)c->pause / 1e9);
    set(one, "before", c->before);
    set(one, "after", c->after);
    set(one, "committed", c->held);
    json_array_append_new(j, one);
  }
  return j;
}

// The clock of collections is that of the watch (CLOCK_MONOTONIC).
static double gc_opened(const struct mid_watch *watch, const struct mid_process *p) {
  return (double)p->image.gc.opened / 1e9 - watch->opened - p->began;
}

static json_t *collections_json(const struct mid_watch *watch, const struct mid_process *p) {
  const struct mid_feed_image *image = &p->image;
  const struct mid_feed_gc_all *all = &image->collections;
  if (image->gc.heaps == 0) return json_null();
  json_t *j = json_object();
  set(j, "heaps", image->gc.heaps);
  set_real(j, "opened_seconds", gc_opened(watch, p));
  set(j, "used", image->gc.used);
  set(j, "live", image->gc.live);
  set(j, "live_objects", image->gc.live_objects);
  set(j, "committed", image->gc.committed);
  set(j, "peak_committed", all->work.peak_committed);
  set(j, "promoted", all->work.promoted);
  set(j, "minor", all->work.minor);
  set(j, "major", all->work.major);
  set_real(j, "stopped_seconds", (double)all->work.stopped / 1e9);
  set_real(j, "cpu_seconds", (double)all->work.cpu / 1e9);
  set_real(j, "pause_p50", (double)all->work.p50 / 1e9);
  set_real(j, "pause_p90", (double)all->work.p90 / 1e9);
  set_real(j, "pause_p99", (double)all->work.p99 / 1e9);
  set_real(j, "pause_longest", (double)all->work.longest / 1e9);
  json_object_set_new(j, "pauses", gc_pauses_json(all));
  json_object_set_new(j, "utilisation", gc_utilisation_json(all));
  json_object_set_new(j, "last", gc_last_json(image));
  return j;
}

static json_t *feed_json(const struct mid_process *p) {
  json_t *j = json_object();
  set(j, "version", p->image.version);
  set(j, "slots", p->image.slots);
  set(j, "lost_slots", p->image.process.feed_lost);
  json_object_set_new(j, "torn", json_boolean(p->image.torn));
  return j;
}

// ---- findings ----

static json_t *frame_json(const struct mid_profile_frame *f) {
  json_t *j = json_object();
  json_object_set_new(j, "function", mid_json_string(f->function));
  json_object_set_new(j, "file", f->file[0] != 0 ? mid_json_string(f->file) : json_null());
  json_object_set_new(j, "line", f->line > 0 ? mid_json_number(f->line) : json_null());
  json_object_set_new(j, "module", f->module[0] != 0 ? mid_json_string(f->module) : json_null());
  json_object_set_new(j, "inlined", json_boolean(f->inlined));
  return j;
}

// The place to blame stands beside the stack, by the same keys.
void mid_json_set_place(json_t *j, const struct mid_profile_site *site) {
  json_t *place = site != NULL ? frame_json(mid_profile_place(site)) : json_object();
  static const char *const keys[] = {"function", "file", "line"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    json_t *value = json_object_get(place, keys[i]);
    json_object_set(j, keys[i], value != NULL ? value : json_null());
  }
  json_decref(place);
  json_t *stack = json_array();
  for (size_t i = 0; site != NULL && i < site->frames; i++)
    json_array_append_new(stack, frame_json(&site->frame[i]));
  json_object_set_new(j, "stack", stack);
}

static json_t *finding_json(const struct mid_finding *f) {
  json_t *j = json_object();
  json_object_set_new(j, "kind", mid_json_string(f->kind));
  mid_json_set_place(j, f->site);
  set(j, "bytes", (uint64_t)(f->bytes + 0.5));
  set(j, "blocks", (uint64_t)(f->blocks + 0.5));
  json_object_set_new(j, "confidence", mid_json_string(mid_confidence_name(f->confidence)));
  json_object_set_new(j, "what", mid_json_string(f->what));
  json_object_set_new(j, "why", mid_json_string(f->why));
  json_object_set_new(j, "advice", mid_json_string(f->advice));
  json_t *held_by = json_array();
  for (size_t i = 0; f->holder != NULL && i < f->holder->steps; i++)
    json_array_append_new(held_by, mid_json_string(f->holder->step[i]));
  json_object_set_new(j, "held_by", held_by);
  json_object_set_new(j, "retained",
                      f->holder != NULL ? mid_json_number(f->holder->retained) : json_null());
  return j;
}

static json_t *findings_json(const struct mid_process *p) {
  json_t *j = json_array();
  for (size_t i = 0; p->diagnosis != NULL && i < p->diagnosis->findings.count; i++)
    json_array_append_new(j, finding_json(&p->diagnosis->findings.at[i]));
  return j;
}

// Of a process that was not watched for it only the last words of libmidden are known.
static json_t *crash_json(const struct mid_process *p, const int *status) {
  const struct mid_crash *crash = mid_process_crash(p, status);
  if (crash == NULL && p->image.last_words[0] == 0) return json_null();
  json_t *j = json_object();
  json_object_set_new(j, "signal",
                      crash != NULL ? mid_json_number((uint64_t)crash->signal) : json_null());
  json_object_set_new(j, "thread",
                      crash != NULL ? mid_json_number((uint64_t)crash->thread) : json_null());
  json_object_set_new(j, "sentence",
                      mid_json_string(crash != NULL ? crash->sentence : p->image.last_words));
  mid_json_set_place(j, crash != NULL ? crash->site : NULL);
  return j;
}

json_t *mid_json_process(const struct mid_run_story *story, size_t i) {
  const struct mid_process *p = story->watch->process[i];
  struct mid_figures f;
  mid_figures_make(p, &f);
  json_t *j = json_object(), *notes = json_array();
  json_object_set_new(j, "version", json_string(MIDDEN_VERSION));
  json_object_set_new(j, "process",
                      process_json(p, &f, i == 0 && !p->lives ? &story->status : NULL));
  json_object_set_new(j, "memory", memory_json(&f));
  json_object_set_new(j, "activity", activity_json(p, &f));
  json_object_set_new(j, "threads", threads_json(p));
  json_object_set_new(j, "large", large_json(&p->image.process));
  json_object_set_new(j, "classes", classes_json(&f));
  json_object_set_new(j, "collections", collections_json(story->watch, p));
  json_object_set_new(j, "feed", feed_json(p));
  json_object_set_new(j, "crash", crash_json(p, i == 0 ? &story->status : NULL));
  json_object_set_new(j, "findings", findings_json(p));
  set(j, "suppressed", p->diagnosis != NULL ? p->diagnosis->suppressed : 0);
  for (size_t n = 0; i == 0 && n < story->notes; n++)
    json_array_append_new(notes, mid_json_string(story->note[n]));
  json_object_set_new(j, "notes", notes);
  return j;
}

bool mid_report_json(const struct mid_run_story *story, FILE *out) {
  json_t *all = json_array();
  for (size_t i = 0; i < story->watch->count; i++)
    json_array_append_new(all, mid_json_process(story, i));
  bool ok = json_array_size(all) == story->watch->count &&
            json_dumpf(all, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 &&
            fputc('\n', out) != EOF;
  json_decref(all);
  return ok;
}
