// export/chrome.c -- a run as Chrome's trace events, which Perfetto and speedscope read.
// SPDX-License-Identifier: MIT
//
//   pid P, tid P            | the process's life, counters, findings |
//   pid P, tid P + ROW      |    pause        pause       pause      |
//   pid P, tid P + 2 * ROW  |       pause                            |  what overlaps the above
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "export/formats.h"
#include "observe/json.h"

static json_t *chrome_get(const struct mid_kept_process *p, const char *key) {
  return json_object_get(p->json, key);
}

// An event of the process, `seconds` after its beginning; times are whole microseconds.
static json_t *chrome_event(json_t *events, const struct mid_kept_process *p, const char *phase,
                            const char *name, double seconds) {
  json_t *j = json_object();
  double began = json_number_value(chrome_get(p, "began"));
  json_object_set_new(j, "ph", json_string(phase));
  json_object_set_new(j, "name", json_string(name));
  json_object_set_new(j, "pid", json_integer(p->pid));
  json_object_set_new(j, "tid", json_integer(p->pid));
  json_object_set_new(j, "ts", mid_json_round((began + seconds) * 1e6));
  json_array_append_new(events, j);
  return j;
}

// An event that lasts, in a row of its thread.
static json_t *chrome_slice(json_t *events, const struct mid_kept_process *p, const char *name,
                            double from, double to) {
  json_t *j = chrome_event(events, p, "X", name, from);
  double began = json_number_value(chrome_get(p, "began"));
  double start = (double)json_integer_value(json_object_get(j, "ts"));
  json_object_set_new(j, "dur", mid_json_round(fmax(round((began + to) * 1e6) - start, 0)));
  return j;
}

static json_t *chrome_name(json_t *events, const struct mid_kept_process *p, const char *what,
                           const char *name) {
  json_t *j = chrome_event(events, p, "M", what, 0);
  json_object_set_new(j, "args", json_pack("{s: s}", "name", name));
  json_object_del(j, "ts");
  return j;
}

static void chrome_life(json_t *events, const struct mid_kept_process *p) {
  char program[NAME_MAX + 1];
  chrome_name(events, p, "process_name", p->command);
  chrome_name(events, p, "thread_name", mid_kept_program(p, program, sizeof program));
  chrome_slice(events, p, p->command, 0, p->seconds);
}

// ---- collections --------------------------------------------------------------------------------

// Threads have numbers under 2^22 (the kernel's PID_MAX_LIMIT), so that these are nobody's.
static const json_int_t CHROME_ROW = 1 << 22;

// Heaps that collect at once wait for each other, and their pauses overlap: slices of a row may
// not, so what overlaps goes to the next row.
struct chrome_rows {
  double end[MID_FEED_LAST];
  size_t count;
};

static size_t chrome_row(struct chrome_rows *rows, double from, double to) {
  size_t row = 0;
  while (row < rows->count && row + 1 < MID_FEED_LAST && rows->end[row] > from) row++;
  if (row == rows->count) rows->count++;
  rows->end[row] = to;
  return row;
}

static void chrome_collection(json_t *events, const struct mid_kept_process *p, const json_t *c,
                              struct chrome_rows *rows) {
  static const char *const keys[] = {"number", "before", "after", "committed"};
  double opened =
      json_number_value(json_object_get(chrome_get(p, "collections"), "opened_seconds"));
  double from = opened + json_number_value(json_object_get(c, "at_seconds"));
  double to = from + json_number_value(json_object_get(c, "pause_seconds"));
  bool major = json_is_true(json_object_get(c, "major"));
  json_t *j = chrome_slice(events, p, major ? "major collection" : "minor collection", from, to);
  json_t *args = json_object();
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    json_t *value = json_object_get(c, keys[i]);
    if (value != NULL) json_object_set(args, keys[i], value);
  }
  json_object_set_new(j, "args", args);
  json_int_t row = (json_int_t)chrome_row(rows, from, to) + 1;
  json_object_set_new(j, "tid", json_integer(p->pid + row * CHROME_ROW));
}

static void chrome_collections(json_t *events, const struct mid_kept_process *p) {
  const json_t *last = json_object_get(chrome_get(p, "collections"), "last");
  struct chrome_rows rows = {.count = 0};
  for (size_t i = 0; i < json_array_size(last); i++)
    chrome_collection(events, p, json_array_get(last, i), &rows);
  for (size_t i = 0; i < rows.count; i++) {
    json_t *j = chrome_name(events, p, "thread_name", "collections");
    json_object_set_new(j, "tid", json_integer(p->pid + (json_int_t)(i + 1) * CHROME_ROW));
  }
}

// ---- series -------------------------------------------------------------------------------------

static void chrome_counter(json_t *events, const struct mid_kept_process *p, const char *name,
                           double seconds, json_t *args) {
  json_t *j = chrome_event(events, p, "C", name, seconds);
  json_object_set_new(j, "args", args);
}

// As in `add_listener service.c:12`.
static void chrome_line_name(const struct mid_kept_process *p, const json_t *line, char *room,
                             size_t bytes) {
  json_int_t at = json_integer_value(json_object_get(line, "site"));
  snprintf(room, bytes, "?");
  if (!json_is_integer(json_object_get(line, "site")) || at < 0 || (size_t)at >= p->sites) return;
  const struct mid_profile_frame *f = mid_profile_place(&p->site[at]);
  const char *slash = strrchr(f->file, '/');
  if (f->line > 0)
    snprintf(room, bytes, "%.200s %.100s:%u", f->function, slash != NULL ? slash + 1 : f->file,
             f->line);
  else
    snprintf(room, bytes, "%.300s", f->function);
}

// The lines that held most, at one look: a series each.
static json_t *chrome_lines(const struct mid_kept_process *p, const json_t *lines, size_t look) {
  json_t *args = json_object();
  char name[512];
  for (size_t i = 0; i < json_array_size(lines); i++) {
    const json_t *line = json_array_get(lines, i);
    chrome_line_name(p, line, name, sizeof name);
    json_t *bytes = json_array_get(json_object_get(line, "bytes"), look);
    if (json_is_number(bytes)) json_object_set(args, name, bytes);
  }
  return args;
}

static void chrome_history(json_t *events, const struct mid_kept_process *p) {
  const json_t *h = chrome_get(p, "history"), *lines = json_object_get(h, "lines");
  const json_t *seconds = json_object_get(h, "seconds");
  static const char *const keys[] = {"resident", "live"};
  for (size_t i = 0; i < json_array_size(seconds); i++) {
    double when = json_number_value(json_array_get(seconds, i));
    json_t *args = json_object();
    for (size_t k = 0; k < 2; k++) {
      json_t *bytes = json_array_get(json_object_get(h, keys[k]), i);
      if (json_is_number(bytes)) json_object_set(args, keys[k], bytes);
    }
    chrome_counter(events, p, "memory, bytes", when, args);
    if (json_array_size(lines) > 0)
      chrome_counter(events, p, "live by line, bytes", when, chrome_lines(p, lines, i));
  }
}

// ---- findings -----------------------------------------------------------------------------------

static void chrome_finding(json_t *events, const struct mid_kept_process *p,
                           const json_t *finding) {
  static const char *const keys[] = {"confidence", "bytes", "blocks", "what", "why", "advice"};
  const char *kind = json_string_value(json_object_get(finding, "kind"));
  const char *function = json_string_value(json_object_get(finding, "function"));
  char name[512];
  snprintf(name, sizeof name, "%.100s: %.300s", kind != NULL ? kind : "?",
           function != NULL ? function : "the process");
  json_t *j = chrome_event(events, p, "i", name, p->seconds), *args = json_object();
  json_object_set_new(j, "s", json_string("p"));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    json_t *value = json_object_get(finding, keys[i]);
    if (value != NULL) json_object_set(args, keys[i], value);
  }
  json_object_set_new(j, "args", args);
}

bool mid_export_chrome(const struct mid_kept *k, FILE *out) {
  json_t *all = json_object(), *events = json_array();
  for (size_t i = 0; i < k->count; i++) {
    const struct mid_kept_process *p = &k->process[i];
    const json_t *findings = chrome_get(p, "findings");
    chrome_life(events, p);
    chrome_collections(events, p);
    chrome_history(events, p);
    for (size_t n = 0; n < json_array_size(findings); n++)
      chrome_finding(events, p, json_array_get(findings, n));
  }
  json_object_set_new(all, "displayTimeUnit", json_string("ms"));
  json_object_set_new(all, "traceEvents", events);
  bool ok = json_dumpf(all, out, JSON_COMPACT) == 0 && fputc('\n', out) != EOF;
  json_decref(all);
  return ok;
}
