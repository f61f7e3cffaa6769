// observe/page_data.c -- what the page of a run shows, as JSON; docs/report.md tells each key.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "midden/version.h"
#include "observe/diagnosis.h"
#include "observe/json.h"
#include "observe/page.h"
#include "observe/page_sites.h"
#include "observe/page_words.h"

enum {
  TOP_LINES = 6,  // of source, that the page draws over time
  // Sites in a page, shared by its processes, but that each has some.  A site takes 40 bytes when
  // packed, and 150 where 30 frames are drawn by lot: pages stay under 5 MB.
  MOST_SITES = 30000,
  LEAST_SITES = 20
};

static void set_round(json_t *object, const char *key, double value) {
  json_object_set_new(object, key, mid_json_round(value));
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

// The findings say where their site is among those of the page.
static void place_findings(json_t *j, const struct mid_process *p,
                           const struct mid_page_sites *sites) {
  json_t *findings = json_object_get(j, "findings");
  for (size_t i = 0; i < json_array_size(findings); i++) {
    const struct mid_profile_site *site = p->diagnosis->findings.at[i].site;
    json_object_set_new(json_array_get(findings, i), "site",
                        mid_page_site(sites, site != NULL ? site->stack : 0));
  }
}

// ---- over time ----------------------------------------------------------------------------------

// All sites with one place, since they are one line to those who read: their live bytes together.
struct line {
  uint32_t stack;                  // of the first of them
  double live[MID_HISTORY_LOOKS];  // at each look
  double sum;                      // over all looks
};

static int line_holds_more(const void *a, const void *b) {
  const struct line *x = a, *y = b;
  return x->sum < y->sum ? 1 : x->sum > y->sum ? -1 : 0;
}

// The line of a site's place, a new one where it is the first there.
static struct line *line_of(struct mid_numbered *places, struct mid_page_words *w,
                            struct line *lines, const struct mid_profile_site *site) {
  char key[32];
  snprintf(key, sizeof key, "%" PRId64, (int64_t)mid_page_words_frame(w, mid_profile_place(site)));
  json_int_t place = mid_numbered_find(places, key);
  if (place < 0) {
    place = mid_numbered_add(places, key, json_null());
    lines[place].stack = site->stack;
  }
  return &lines[place];
}

// A line for each place of the history, those that held most first; *count of them.
static void lines_make(const struct mid_process *p, struct line *lines, size_t *count) {
  const struct mid_history *h = p->history;
  struct mid_page_words w = mid_page_words_open();
  struct mid_numbered places = mid_numbered_open();
  for (size_t i = 0; i < h->sites; i++) {
    const struct mid_profile_site *site = mid_profile_site_of(p->profile, h->site[i]->stack);
    if (site == NULL) continue;
    struct line *line = line_of(&places, &w, lines, site);
    for (size_t t = 0; t < h->looks; t++) {
      line->live[t] += (double)h->site[i]->live[t];
      line->sum += (double)h->site[i]->live[t];
    }
  }
  *count = json_array_size(places.list);
  qsort(lines, *count, sizeof *lines, line_holds_more);
  json_decref(mid_numbered_close(&places));
  json_decref(mid_numbered_close(&w.string));
  json_decref(mid_numbered_close(&w.frame));
}

static json_t *lines_json(const struct mid_process *p, const struct mid_page_sites *sites) {
  const struct mid_history *h = p->history;
  json_t *j = json_array();
  size_t count = 0;
  struct line *lines = calloc(h->sites + 1, sizeof *lines);
  if (lines != NULL && p->profile != NULL) lines_make(p, lines, &count);
  for (size_t i = 0; i < count && i < TOP_LINES; i++) {
    json_t *one = json_object(), *bytes = json_array();
    for (size_t t = 0; t < h->looks; t++)
      json_array_append_new(bytes, mid_json_round(lines[i].live[t]));
    json_object_set_new(one, "site", mid_page_site(sites, lines[i].stack));
    json_object_set_new(one, "bytes", bytes);
    json_array_append_new(j, one);
  }
  free(lines);
  return j;
}

static json_t *history_json(const struct mid_process *p, const struct mid_page_sites *sites) {
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
  json_object_set_new(j, "lines", lines_json(p, sites));
  return j;
}

// ---- spans --------------------------------------------------------------------------------------

// Live blocks of each span, by size class; null where the heap was not walked.
static json_t *spans_json(const struct mid_last_facts *facts) {
  if (facts == NULL || facts->span == NULL) return json_null();
  struct mid_numbered classes = mid_numbered_open();
  for (size_t i = 0; i < facts->spans; i++) {
    const struct mid_filled_span *span = &facts->span[i];
    char key[32];
    snprintf(key, sizeof key, "%" PRIu64, span->block_bytes);
    json_int_t place = mid_numbered_find(&classes, key);
    if (place < 0)
      place = mid_numbered_add(&classes, key,
                               json_pack("{s: o, s: []}", "block_bytes",
                                         mid_json_number(span->block_bytes), "live_blocks"));
    json_t *one = json_array_get(classes.list, (size_t)place);
    json_array_append_new(json_object_get(one, "live_blocks"), mid_json_number(span->live));
  }
  return mid_numbered_close(&classes);
}

// ---- all of it ----------------------------------------------------------------------------------

static json_t *page_process_json(const struct mid_run_story *story, size_t i, size_t most) {
  const struct mid_process *p = story->watch->process[i];
  struct mid_page_sites sites = mid_page_sites_open(p, most);
  json_t *j = mid_json_process(story, i);
  place_findings(j, p, &sites);
  mid_page_sites_add(&sites, j);
  json_object_set_new(j, "began", json_real(p->began));
  json_object_set_new(j, "sampling", sampling_json(p->profile));
  json_object_set_new(j, "history", history_json(p, &sites));
  json_object_set_new(j, "spans", spans_json(p->facts));
  mid_page_sites_close(&sites);
  return j;
}

char *mid_page_data(const struct mid_run_story *story) {
  json_t *j = json_object(), *all = json_array();
  char made[32];
  time_t now = time(NULL);
  struct tm parts;
  strftime(made, sizeof made, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
  size_t count = story->watch->count, most = mid_max(MOST_SITES / count, LEAST_SITES);
  for (size_t i = 0; i < count; i++) json_array_append_new(all, page_process_json(story, i, most));
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
