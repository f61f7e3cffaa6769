// observe/page_sites.c -- see page_sites.h.
// SPDX-License-Identifier: MIT
#include "observe/page_sites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "observe/json.h"
#include "observe/page_words.h"

// ---- the largest first --------------------------------------------------------------------------

struct ranked {
  size_t place;
  double share;
};

static int site_is_larger(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (x->share != y->share) return x->share < y->share ? 1 : -1;
  return x->place < y->place ? -1 : x->place > y->place;
}

// Large by any of the page's measures is large.
static void rank(const struct mid_profile *p, struct ranked *r) {
  double live = 1, allocated = 1, peak = 1;
  for (size_t i = 0; i < p->sites; i++) {
    live += p->site[i].live_bytes;
    allocated += p->site[i].allocated_bytes;
    peak += p->site[i].peak_live_bytes;
  }
  for (size_t i = 0; i < p->sites; i++) {
    const struct mid_profile_site *s = &p->site[i];
    r[i] = (struct ranked){
        i, s->live_bytes / live + s->allocated_bytes / allocated + s->peak_live_bytes / peak};
  }
  qsort(r, p->sites, sizeof *r, site_is_larger);
}

struct mid_page_sites mid_page_sites_open(const struct mid_process *process, size_t most) {
  struct mid_page_sites s = {.process = process, .most = most};
  const struct mid_profile *p = process->profile;
  if (p == NULL) return s;
  struct ranked *r = calloc(p->sites + 1, sizeof *r);
  s.order = calloc(p->sites + 1, sizeof *s.order);
  s.rank = calloc(p->sites + 1, sizeof *s.rank);
  if (r == NULL || s.order == NULL || s.rank == NULL) abort();
  rank(p, r);
  for (size_t i = 0; i < p->sites; i++) {
    s.order[i] = r[i].place;
    s.rank[r[i].place] = i;
  }
  free(r);
  return s;
}

void mid_page_sites_close(struct mid_page_sites *s) {
  free(s->order);
  free(s->rank);
  *s = (struct mid_page_sites){0};
}

json_t *mid_page_site(const struct mid_page_sites *s, uint32_t stack) {
  const struct mid_profile *p = s->process->profile;
  const struct mid_profile_site *site = p != NULL ? mid_profile_site_of(p, stack) : NULL;
  if (site == NULL) return json_null();
  return mid_json_number(mid_min(s->rank[site - p->site], s->most));
}

// ---- one site -----------------------------------------------------------------------------------

static void set_figure(json_t *object, const char *key, double value) {
  json_object_set_new(object, key, mid_json_round(value));
}

static json_t *lives_json(const struct mid_profile_site *site) {
  json_t *j = json_array();
  for (size_t i = 0; i < MID_SAMPLE_LIVES; i++)
    json_array_append_new(j, mid_json_round(site->lives[i]));
  return j;
}

static json_t *site_json(struct mid_page_words *w, const struct mid_profile_site *site,
                         double at_peak) {
  json_t *j = json_object(), *stack = json_array();
  for (size_t i = 0; i < site->frames; i++)
    json_array_append_new(stack, json_integer(mid_page_words_frame(w, &site->frame[i])));
  if (site->frames == 0)
    json_array_append_new(stack, json_integer(mid_page_words_frame(w, mid_profile_place(site))));
  json_object_set_new(j, "stack", stack);
  json_object_set_new(j, "cut", json_boolean(site->cut));
  set_figure(j, "place", (double)site->place);
  set_figure(j, "live_bytes", site->live_bytes);
  set_figure(j, "live_error", site->live_error);
  set_figure(j, "live_blocks", site->live);
  set_figure(j, "allocated_bytes", site->allocated_bytes);
  set_figure(j, "allocated_blocks", site->allocated);
  set_figure(j, "remote_blocks", site->remote);
  set_figure(j, "peak_bytes", site->peak_live_bytes);
  set_figure(j, "at_peak_bytes", at_peak);
  set_figure(j, "samples", (double)site->samples);
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

// ---- all of them --------------------------------------------------------------------------------

static void sum_up(struct mid_profile_site *sum, const struct mid_profile_site *site) {
  sum->samples += site->samples;
  sum->live += site->live;
  sum->live_bytes += site->live_bytes;
  sum->live_error = hypot(sum->live_error, site->live_error);
  sum->allocated += site->allocated;
  sum->allocated_bytes += site->allocated_bytes;
  sum->remote += site->remote;
  sum->peak_live_bytes += site->peak_live_bytes;
  for (size_t i = 0; i < MID_SAMPLE_LIVES; i++) sum->lives[i] += site->lives[i];
}

// The sites from the `most`-th on, as one of a frame that says what it is.
static json_t *small_sites_json(const struct mid_page_sites *s, struct mid_page_words *w) {
  const struct mid_profile *p = s->process->profile;
  char name[64];
  struct mid_profile_frame frame = {.function = name, .file = "", .module = ""};
  struct mid_profile_site sum = {.frame = &frame, .frames = 1};
  double peak = 0;
  snprintf(name, sizeof name, "%zu smaller sites", p->sites - s->most);
  for (size_t i = s->most; i < p->sites; i++) {
    const struct mid_profile_site *site = &p->site[s->order[i]];
    sum_up(&sum, site);
    peak += page_at_peak(s->process->history, site->stack);
  }
  return site_json(w, &sum, peak);
}

void mid_page_sites_add(const struct mid_page_sites *s, json_t *process) {
  const struct mid_profile *p = s->process->profile;
  struct mid_page_words w = mid_page_words_open();
  json_t *sites = json_array();
  size_t count = p != NULL ? p->sites : 0;
  for (size_t i = 0; i < count && i < s->most; i++) {
    const struct mid_profile_site *site = &p->site[s->order[i]];
    json_array_append_new(sites,
                          site_json(&w, site, page_at_peak(s->process->history, site->stack)));
  }
  if (count > s->most) json_array_append_new(sites, small_sites_json(s, &w));
  json_object_set_new(process, "strings", mid_numbered_close(&w.string));
  json_object_set_new(process, "frames", mid_numbered_close(&w.frame));
  json_object_set_new(process, "sites", sites);
}
