// live/snapshot.c -- everything that `midden top` shows, and every stack, as JSON.
// SPDX-License-Identifier: MIT
#include <jansson.h>
#include <time.h>

#include "live/top.h"

static json_t *whole(double n) { return json_integer((json_int_t)n); }

static json_t *stack_json(const struct mid_profile_site *site) {
  json_t *stack = json_array();
  for (size_t i = 0; i < site->frames; i++) {
    const struct mid_profile_frame *f = &site->frame[i];
    json_array_append_new(
        stack, json_pack("{s:s, s:s, s:I, s:s, s:b}", "function", f->function, "file", f->file,
                         "line", (json_int_t)f->line, "module", f->module, "inlined", f->inlined));
  }
  return stack;
}

static json_t *site_json(const struct mid_site_row *row) {
  const struct mid_profile_site *s = &row->now;
  struct mid_profile_frame place = mid_site_place(row);
  json_t *lives = json_array();
  for (int i = 0; i < MID_SAMPLE_LIVES; i++) json_array_append_new(lives, whole(s->lives[i]));
  json_t *growth = row->trend_known ? whole(mid_site_growth(row)) : json_null();
  return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}",
                   "function", place.function, "file", place.file, "line", (json_int_t)place.line,
                   "live_bytes", whole(s->live_bytes), "live_bytes_error", whole(s->live_error),
                   "live_blocks", whole(s->live), "peak_live_bytes", whole(s->peak_live_bytes),
                   "growth_per_hour", growth, "allocated_bytes", whole(s->allocated_bytes),
                   "allocated_blocks", whole(s->allocated), "allocated_bytes_per_second",
                   whole(row->rate), "samples", (json_int_t)s->samples, "live_samples",
                   (json_int_t)s->live_samples, "lives", lives, "stack", stack_json(s));
}

static json_t *process_json(const struct mid_live *p) {
  json_t *blocks = p->requests > 1 ? json_real(p->request.blocks) : json_null();
  json_t *bytes = p->requests > 1 ? json_real(p->request.bytes) : json_null();
  return json_pack(
      "{s:i, s:s, s:b, s:f, s:I, s:I, s:I, s:I, s:s, s:I, s:f, s:f, s:I, s:f, s:o, s:o}", "pid",
      (int)p->pid, "command", p->command, "lives", p->lives, "seconds",
      mid_proc_age(p->start_ticks), "resident", (json_int_t)p->memory.rss, "swapped",
      (json_int_t)p->memory.swap, "live", (json_int_t)p->live, "limit", (json_int_t)p->limit,
      "limit_of", p->limit_of, "threads", (json_int_t)p->threads, "allocations_per_second",
      p->live_rate, "free_share", p->free_share / 100, "requests", (json_int_t)p->requests,
      "requests_per_second", p->request_rate, "blocks_per_request", blocks, "bytes_per_request",
      bytes);
}

bool mid_top_snapshot(const struct mid_top *top, FILE *out) {
  char when[32];
  time_t now = time(NULL);
  struct tm parts;
  strftime(when, sizeof when, "%FT%TZ", gmtime_r(&now, &parts));
  json_t *sites = json_array();
  for (size_t i = 0; i < top->sites.count; i++)
    json_array_append_new(sites, site_json(top->sites.row[i]));
  json_t *all = json_pack("{s:s, s:o, s:o}", "time", when, "process", process_json(&top->process),
                          "sites", sites);
  bool ok = all != NULL && json_dumpf(all, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
  json_decref(all);
  return ok;
}
