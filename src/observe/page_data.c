// observe/page_data.c -- what the page of a run shows, as JSON; docs/report.md tells each key.
// SPDX-License-Identifier: MIT
//
// Ten thousand stacks of thirty frames name few functions: words and frames are written once and
// then named by their numbers.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "midden/version.h"
#include "observe/diagnosis.h"
#include "observe/json.h"
#include "observe/page.h"

enum { TOP_LINES = 6 };  // of source, that the page draws over time

// ---- words and frames, each once ----------------------------------------------------------------

struct numbered {
  json_t *list;   // of what was added
  json_t *place;  // its place in `list`, by key
};

static struct numbered numbered_open(void) {
  return (struct numbered){json_array(), json_object()};
}

// The list, which is the caller's now.
static json_t *numbered_close(struct numbered *n) {
  json_decref(n->place);
  return n->list;
}

// The place of what `key` stands for; -1: it is not there yet.
static json_int_t numbered_find(const struct numbered *n, const char *key) {
  const json_t *place = json_object_get(n->place, key);
  return place != NULL ? json_integer_value(place) : -1;
}

static json_int_t numbered_add(struct numbered *n, const char *key, json_t *value) {
  json_int_t place = (json_int_t)json_array_size(n->list);
  json_object_set_new(n->place, key, json_integer(place));
  json_array_append_new(n->list, value);
  return place;
}

struct words {
  struct numbered string, frame;
};

static json_int_t words_add(struct words *w, const char *s) {
  json_t *value = mid_json_string(s);
  const char *key = json_string_value(value);
  json_int_t place = key != NULL ? numbered_find(&w->string, key) : 0;
  if (place >= 0) {
    json_decref(value);
    return place;
  }
  return numbered_add(&w->string, key, value);
}

static json_int_t words_frame(struct words *w, const struct mid_profile_frame *f) {
  json_int_t function = words_add(w, f->function), file = words_add(w, f->file),
             module = words_add(w, f->module);
  char key[128];
  snprintf(key, sizeof key, "%" PRId64 " %" PRId64 " %u %" PRId64 " %d", (int64_t)function,
           (int64_t)file, f->line, (int64_t)module, f->inlined);
  json_int_t place = numbered_find(&w->frame, key);
  if (place >= 0) return place;
  return numbered_add(
      &w->frame, key,
      json_pack("[I, I, I, I, i]", function, file, (json_int_t)f->line, module, (int)f->inlined));
}

// ---- sites --------------------------------------------------------------------------------------

static void set_round(json_t *object, const char *key, double value) {
  json_object_set_new(object, key, mid_json_round(value));
}

static json_t *lives_json(const struct mid_profile_site *site) {
  json_t *j = json_array();
  for (size_t i = 0; i < MID_SAMPLE_LIVES; i++)
    json_array_append_new(j, mid_json_round(site->lives[i]));
  return j;
}

static json_t *site_json(struct words *w, const struct mid_profile_site *site, double at_peak) {
  json_t *j = json_object(), *stack = json_array();
  for (size_t i = 0; i < site->frames; i++)
    json_array_append_new(stack, json_integer(words_frame(w, &site->frame[i])));
  if (site->frames == 0)
    json_array_append_new(stack, json_integer(words_frame(w, mid_profile_place(site))));
  json_object_set_new(j, "stack", stack);
  json_object_set_new(j, "cut", json_boolean(site->cut));
  set_round(j, "place", (double)site->place);
  set_round(j, "live_bytes", site->live_bytes);
  set_round(j, "live_error", site->live_error);
  set_round(j, "live_blocks", site->live);
  set_round(j, "allocated_bytes", site->allocated_bytes);
  set_round(j, "allocated_blocks", site->allocated);
  set_round(j, "remote_blocks", site->remote);
  set_round(j, "peak_bytes", site->peak_live_bytes);
  set_round(j, "at_peak_bytes", at_peak);
  set_round(j, "samples", (double)site->samples);
  json_object_set_new(j, "lives", lives_json(site));
  return j;
}

// The look at which most was live.
static size_t page_fullest_look(const struct mid_history *h) {
  size_t most = 0;
  for (size_t i = 1; i < h->looks; i++)
    if (h->look[i].live > h->look[most].live) most = i;
  return most;
}

// NAN: it is not known; one look knows no peak.
static double page_at_peak(const struct mid_history *h, uint32_t stack) {
  if (h == NULL || h->looks < 2) return (double)NAN;
  const struct mid_history_site *site = mid_history_of(h, stack);
  return site != NULL ? (double)site->live[page_fullest_look(h)] : 0;
}

static void add_sites(json_t *j, const struct mid_process *p) {
  struct words w = {numbered_open(), numbered_open()};
  json_t *sites = json_array();
  words_add(&w, "");
  for (size_t i = 0; p->profile != NULL && i < p->profile->sites; i++) {
    const struct mid_profile_site *site = &p->profile->site[i];
    json_array_append_new(sites, site_json(&w, site, page_at_peak(p->history, site->stack)));
  }
  json_object_set_new(j, "strings", numbered_close(&w.string));
  json_object_set_new(j, "frames", numbered_close(&w.frame));
  json_object_set_new(j, "sites", sites);
}

static json_t *sampling_json(const struct mid_profile *p) {
  if (p == NULL) return json_null();
  json_t *j = json_object();
  set_round(j, "mean", (double)p->mean);
  set_round(j, "taken", (double)p->taken);
  set_round(j, "lost", (double)p->lost);
  json_object_set_new(j, "seconds", json_real(p->spent));
  return j;
}

// A site's place among the process's; null where it is none of them.
static json_t *place_json(const struct mid_profile *p, uint32_t stack) {
  const struct mid_profile_site *site = p != NULL ? mid_profile_site_of(p, stack) : NULL;
  return site != NULL ? json_integer((json_int_t)(site - p->site)) : json_null();
}

// The findings say where their site is among the sites.
static void place_findings(json_t *j, const struct mid_process *p) {
  json_t *findings = json_object_get(j, "findings");
  for (size_t i = 0; i < json_array_size(findings); i++) {
    const struct mid_profile_site *site = p->diagnosis->findings.at[i].site;
    json_object_set_new(json_array_get(findings, i), "site",
                        place_json(p->profile, site != NULL ? site->stack : 0));
  }
}

// ---- over time ----------------------------------------------------------------------------------

// All sites with one place, since they are one line to those who read: their live bytes together.
struct line {
  size_t site;                     // the first of them, in the profile
  double live[MID_HISTORY_LOOKS];  // at each look
  double sum;                      // over all looks
};

static int line_holds_more(const void *a, const void *b) {
  const struct line *x = a, *y = b;
  return x->sum < y->sum ? 1 : x->sum > y->sum ? -1 : 0;
}

// The line of a site's place, a new one where it is the first there.
static struct line *line_of(struct numbered *places, struct words *w, struct line *lines,
                            const struct mid_profile *p, const struct mid_profile_site *site) {
  char key[32];
  snprintf(key, sizeof key, "%" PRId64, (int64_t)words_frame(w, mid_profile_place(site)));
  json_int_t place = numbered_find(places, key);
  if (place < 0) {
    place = numbered_add(places, key, json_null());
    lines[place].site = (size_t)(site - p->site);
  }
  return &lines[place];
}

// A line for each place of the history, those that held most first; *count of them.
static void lines_make(const struct mid_process *p, struct line *lines, size_t *count) {
  const struct mid_history *h = p->history;
  struct words w = {numbered_open(), numbered_open()};
  struct numbered places = numbered_open();
  for (size_t i = 0; i < h->sites; i++) {
    const struct mid_profile_site *site = mid_profile_site_of(p->profile, h->site[i]->stack);
    if (site == NULL) continue;
    struct line *line = line_of(&places, &w, lines, p->profile, site);
    for (size_t t = 0; t < h->looks; t++) {
      line->live[t] += (double)h->site[i]->live[t];
      line->sum += (double)h->site[i]->live[t];
    }
  }
  *count = json_array_size(places.list);
  qsort(lines, *count, sizeof *lines, line_holds_more);
  json_decref(numbered_close(&places));
  json_decref(numbered_close(&w.string));
  json_decref(numbered_close(&w.frame));
}

static json_t *lines_json(const struct mid_process *p) {
  const struct mid_history *h = p->history;
  json_t *j = json_array();
  size_t count = 0;
  struct line *lines = calloc(h->sites + 1, sizeof *lines);
  if (lines != NULL && p->profile != NULL) lines_make(p, lines, &count);
  for (size_t i = 0; i < count && i < TOP_LINES; i++) {
    json_t *one = json_object(), *bytes = json_array();
    for (size_t t = 0; t < h->looks; t++)
      json_array_append_new(bytes, mid_json_round(lines[i].live[t]));
    json_object_set_new(one, "site", json_integer((json_int_t)lines[i].site));
    json_object_set_new(one, "bytes", bytes);
    json_array_append_new(j, one);
  }
  free(lines);
  return j;
}

static json_t *history_json(const struct mid_process *p) {
  const struct mid_history *h = p->history;
  if (h == NULL) return json_null();
  json_t *j = json_object();
  json_t *seconds = json_array(), *resident = json_array(), *live = json_array();
  for (size_t t = 0; t < h->looks; t++) {
    json_array_append_new(seconds, json_real(h->look[t].when));
    json_array_append_new(resident, mid_json_round(h->look[t].rss));
    json_array_append_new(live, mid_json_round(h->look[t].live));
  }
  json_object_set_new(j, "seconds", seconds);
  json_object_set_new(j, "resident", resident);
  json_object_set_new(j, "live", live);
  json_object_set_new(j, "lines", lines_json(p));
  return j;
}

// ---- spans --------------------------------------------------------------------------------------

// Live blocks of each span, by size class; null where the heap was not walked.
static json_t *spans_json(const struct mid_last_facts *facts) {
  if (facts == NULL || facts->span == NULL) return json_null();
  struct numbered classes = numbered_open();
  for (size_t i = 0; i < facts->spans; i++) {
    const struct mid_filled_span *span = &facts->span[i];
    char key[32];
    snprintf(key, sizeof key, "%" PRIu64, span->block_bytes);
    json_int_t place = numbered_find(&classes, key);
    if (place < 0)
      place = numbered_add(&classes, key,
                           json_pack("{s: o, s: []}", "block_bytes",
                                     mid_json_number(span->block_bytes), "live_blocks"));
    json_t *one = json_array_get(classes.list, (size_t)place);
    json_array_append_new(json_object_get(one, "live_blocks"), mid_json_number(span->live));
  }
  return numbered_close(&classes);
}

// ---- all of it ----------------------------------------------------------------------------------

static json_t *page_process_json(const struct mid_run_story *story, size_t i) {
  const struct mid_process *p = story->watch->process[i];
  json_t *j = mid_json_process(story, i);
  place_findings(j, p);
  add_sites(j, p);
  json_object_set_new(j, "sampling", sampling_json(p->profile));
  json_object_set_new(j, "history", history_json(p));
  json_object_set_new(j, "spans", spans_json(p->facts));
  return j;
}

char *mid_page_data(const struct mid_run_story *story) {
  json_t *j = json_object(), *all = json_array();
  char made[32];
  time_t now = time(NULL);
  struct tm parts;
  strftime(made, sizeof made, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
  for (size_t i = 0; i < story->watch->count; i++)
    json_array_append_new(all, page_process_json(story, i));
  json_object_set_new(j, "format", json_string("midden-report"));
  json_object_set_new(j, "version", json_integer(1));
  json_object_set_new(j, "midden", json_string(MIDDEN_VERSION));
  json_object_set_new(j, "made", json_string(made));
  json_object_set_new(j, "processes", all);
  char *data = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(9));
  json_decref(j);
  return data;
}

const char *mid_page_check(const char *data, size_t bytes) {
  json_error_t error;
  json_t *j = json_loadb(data, bytes, 0, &error);
  const char *wrong = NULL, *format = json_string_value(json_object_get(j, "format"));
  const json_t *processes = json_object_get(j, "processes");
  if (j == NULL)
    wrong = "it is no JSON";
  else if (format == NULL || strcmp(format, "midden-report") != 0)
    wrong = "it is not the data of a report";
  else if (json_integer_value(json_object_get(j, "version")) != 1)
    wrong = "it is of another version of midden";
  else if (json_array_size(processes) == 0)
    wrong = "there is no process in it";
  json_decref(j);
  return wrong;
}
