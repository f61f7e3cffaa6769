// observe/evidence.c -- see evidence.h.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "observe/must.h"
#include "observe/profile_names.h"

// ---- places -------------------------------------------------------------------------------------

static int compare_words(const char *a, const char *b) { return a == b ? 0 : strcmp(a, b); }

// By place.  Where no line is known, each address is one of its own.
static int compare_places(const struct mid_profile_site *a, const struct mid_profile_site *b) {
  const struct mid_profile_frame *x = mid_profile_place(a), *y = mid_profile_place(b);
  int d = compare_words(x->function, y->function);
  if (d == 0) d = compare_words(x->module, y->module);
  if (d == 0) d = compare_words(x->file, y->file);
  if (d == 0) d = x->line < y->line ? -1 : x->line > y->line;
  if (d == 0 && x->line == 0) d = x->address < y->address ? -1 : x->address > y->address;
  return d;
}

static int by_place(const void *a, const void *b) {
  const struct mid_profile_site *x = *(const struct mid_profile_site *const *)a;
  const struct mid_profile_site *y = *(const struct mid_profile_site *const *)b;
  int d = compare_places(x, y);
  if (d != 0) return d;
  return x->stack < y->stack ? -1 : x->stack > y->stack;
}

// Errors of independent estimates add as squares; `live_error` holds them until all are in.  Peaks
// are of different times: their sum is at most what was, and the latest is the last that rose.
static void add_site(struct mid_place *place, const struct mid_profile_site *site) {
  struct mid_profile_site *sum = &place->sum;
  sum->samples += site->samples;
  sum->live_samples += site->live_samples;
#define ADD(field) sum->field += site->field
  ADD(allocated), ADD(allocated_bytes), ADD(live), ADD(live_bytes), ADD(brief), ADD(brief_bytes);
  ADD(remote), ADD(remote_bytes), ADD(moved), ADD(moved_bytes), ADD(pages_known);
  ADD(pages_touched), ADD(peak_live_bytes);
  for (int i = 0; i < MID_SAMPLE_LIVES; i++) ADD(lives[i]);
#undef ADD
  sum->live_error = __builtin_hypot(sum->live_error, site->live_error);
  sum->longest_moves = mid_max(sum->longest_moves, site->longest_moves);
  sum->asked_least = mid_min(sum->asked_least, site->asked_least);
  sum->asked_most = mid_max(sum->asked_most, site->asked_most);
  if (site->first < sum->first) sum->first = site->first;
  if (site->last > sum->last) sum->last = site->last;
  if (site->peak_live_bytes > place->most->peak_live_bytes) sum->peak_at = site->peak_at;
  if (site->allocated_bytes > place->most->allocated_bytes) place->most = site;
}

static void finish_place(struct mid_place *place) {
  place->sum.stack = place->most->stack;
  place->sum.raw = place->most->raw;
  place->sum.raws = place->most->raws;
  place->sum.cut = place->most->cut;
  place->sum.frame = place->most->frame;
  place->sum.frames = place->most->frames;
  place->sum.place = place->most->place;
}

// Of the sites that have names.
static void make_places(struct mid_evidence *e) {
  const struct mid_profile *p = e->profile;
  const struct mid_profile_site **sorted = mid_must(calloc(p->sites + 1, sizeof *sorted));
  size_t count = 0;
  e->place = mid_must(calloc(p->sites + 1, sizeof *e->place));
  e->place_of = mid_must(calloc(p->sites + 1, sizeof *e->place_of));
  e->stacks = mid_must(calloc(p->sites + 1, sizeof *e->stacks));
  for (size_t i = 0; i < p->sites; i++)
    if (p->site[i].frame != NULL) sorted[count++] = &p->site[i];
  qsort(sorted, count, sizeof *sorted, by_place);
  for (size_t i = 0; i < count; i++) {
    bool another = i == 0 || compare_places(sorted[i - 1], sorted[i]) != 0;
    struct mid_place *place = &e->place[another ? e->places++ : e->places - 1];
    if (another)
      *place = (struct mid_place){.sum = *sorted[i], .most = sorted[i], .stack = &e->stacks[i]};
    else
      add_site(place, sorted[i]);
    e->stacks[i] = sorted[i]->stack;
    place->stacks++;
    e->place_of[sorted[i] - p->site] = place;
  }
  for (size_t i = 0; i < e->places; i++) finish_place(&e->place[i]);
  free(sorted);
}

const struct mid_place *mid_evidence_place(const struct mid_evidence *e, uint32_t stack) {
  const struct mid_profile_site *site =
      e->profile == NULL ? NULL : mid_profile_site_of(e->profile, stack);
  return site == NULL ? NULL : e->place_of[site - e->profile->site];
}

bool mid_place_is_own(const struct mid_place *place) {
  return place->sum.frames > 0 && !mid_frame_is_runtime(mid_profile_place(&place->sum));
}

double mid_evidence_live(const struct mid_evidence *e, const struct mid_place *place, size_t look) {
  double sum = 0;
  for (size_t i = 0; i < place->stacks; i++) {
    const struct mid_history_site *site = mid_history_of(e->history, place->stack[i]);
    if (site != NULL) sum += (double)site->live[look];
  }
  return sum;
}

// ---- all of it ----------------------------------------------------------------------------------

static uint64_t room_of(const struct mid_figures *f, uint64_t limit) {
  uint64_t room = mid_proc_available();
  if (limit > 0) room = mid_min(room, limit > f->resident ? limit - f->resident : 1);
  if (f->limit > 0) room = mid_min(room, f->limit > f->used ? f->limit - f->used : 1);
  return room;
}

const struct mid_crash *mid_process_crash(const struct mid_process *p, const int *status) {
  const struct mid_crash *crash = p->facts != NULL ? p->facts->crash : NULL;
  bool well = status != NULL && *status == 0;
  return crash != NULL && crash->handled && well ? NULL : crash;
}

void mid_evidence_open(struct mid_evidence *e, const struct mid_process *process, uint64_t limit) {
  *e = (struct mid_evidence){.process = process,
                             .profile = process->profile,
                             .history = process->history,
                             .facts = process->facts,
                             .limit = limit};
  mid_figures_make(process, &e->figures);
  e->room = room_of(&e->figures, limit);
  if (e->profile != NULL) make_places(e);
}

void mid_evidence_close(struct mid_evidence *e) {
  free(e->place);
  free(e->place_of);
  free(e->stacks);
  *e = (struct mid_evidence){0};
}
