// trace/contest_json.c -- a replay as JSON; docs/replay.md tells each key.
// SPDX-License-Identifier: MIT
#include <jansson.h>

#include "midden/version.h"
#include "trace/contest.h"

static void set(json_t *object, const char *key, uint64_t n) {
  json_object_set_new(object, key, json_integer((json_int_t)n));
}

static void set_real(json_t *object, const char *key, double value) {
  json_object_set_new(object, key, json_real(value));
}

// A name that is no UTF-8, which jansson does not take, is left out.
static void set_words(json_t *object, const char *key, const char *words) {
  json_t *j = json_string(words);
  json_object_set_new(object, key, j != NULL ? j : json_null());
}

static json_t *trace_json(const struct mid_contest *c) {
  const struct mid_planned *p = c->planned;
  json_t *j = json_object();
  set_words(j, "file", c->trace);
  set_words(j, "command", c->command);
  set(j, "process", p->process);
  set(j, "processes", c->processes);
  set(j, "events", p->plan->ops);
  set(j, "all_events", p->all_events);
  set(j, "allocations", p->births);
  set(j, "never_freed", p->no_death);
  set(j, "never_seen", p->no_birth);
  set(j, "lost", p->lost);
  set(j, "threads", p->plan->threads);
  set(j, "threads_at_once", p->plan->lanes);
  set(j, "live_peak_bytes", p->live_peak);
  return j;
}

static json_t *row_json(const struct mid_row *r) {
  json_t *j = json_object();
  bool ended = r->failure[0] != 0;
  set_words(j, "name", r->name);
  json_object_set_new(j, "finished", json_boolean(!ended));
  set_words(j, "failure", r->failure);
  set(j, "failures", r->failures + ended);
  json_object_set_new(j, "failed_at",
                      r->failed > 0 ? json_integer((json_int_t)r->failed) : json_null());
  if (ended) return j;
  set_real(j, "seconds", r->seconds);
  set(j, "peak_rss", r->peak_rss);
  set(j, "mean_rss", r->mean_rss);
  set(j, "peak_extent", r->extent);
  set_real(j, "external", r->external);
  json_object_set_new(j, "internal", r->knows_internal ? json_real(r->internal) : json_null());
  return j;
}

static void set_best(json_t *j, const char *key, const struct mid_contest *c, int place) {
  json_object_set_new(j, key, place < 0 ? json_null() : json_string(c->row[place].name));
}

bool mid_contest_json(const struct mid_contest *c, FILE *out) {
  json_t *j = json_object(), *rows = json_array();
  set_words(j, "version", MIDDEN_VERSION);
  json_object_set_new(j, "trace", trace_json(c));
  set(j, "rounds", c->rounds);
  for (size_t i = 0; i < c->rows; i++) json_array_append_new(rows, row_json(&c->row[i]));
  bool ok = json_array_size(rows) == c->rows;
  json_object_set_new(j, "rows", rows);
  set_best(j, "best_time", c, c->best_time);
  set_best(j, "best_memory", c, c->best_memory);
  set_best(j, "knee", c, c->knee);
  set_words(j, "advice", c->advice);
  ok = ok && json_dumpf(j, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) == 0 &&
       fputc('\n', out) != EOF;
  json_decref(j);
  return ok;
}
