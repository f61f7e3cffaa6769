// observe/finding/double_buffering.c -- the same data held twice: blocks that come in pairs.
// SPDX-License-Identifier: MIT
//
// Contents are not compared.  Two places whose live blocks have the same sizes, one after the
// other, hold copies more often than not.
#include <stdlib.h>

#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/words.h"

// The live blocks of one place that are large enough, by birth.
struct row {
  const struct mid_place *place;
  const struct mid_profile_sample **sample;
  size_t count;
};

static int by_birth(const void *a, const void *b) {
  const struct mid_profile_sample *x = *(const struct mid_profile_sample *const *)a;
  const struct mid_profile_sample *y = *(const struct mid_profile_sample *const *)b;
  return x->born < y->born ? -1 : x->born > y->born;
}

static bool row_take(const struct mid_evidence *e, const struct mid_place *place, struct row *r) {
  const struct mid_profile *p = e->profile;
  *r = (struct row){.place = place};
  if (place->sum.live_samples < MID_DOUBLE_BLOCKS || !mid_place_is_own(place)) return false;
  r->sample = calloc(place->sum.live_samples + 1, sizeof *r->sample);
  if (r->sample == NULL) abort();
  for (size_t i = 0; i < p->samples; i++)
    if (e->place_of[p->sample[i].site] == place && p->sample[i].asked >= MID_DOUBLE_BLOCK)
      r->sample[r->count++] = &p->sample[i];
  qsort(r->sample, r->count, sizeof *r->sample, by_birth);
  return r->count >= MID_DOUBLE_BLOCKS;
}

// How many have a twin at the same place of the other row; 0 when there are too few sizes for this
// to mean anything.
static size_t twins(const struct row *a, const struct row *b) {
  size_t same = 0, sizes = 1;
  if (a->count != b->count) return 0;
  for (size_t i = 0; i < a->count; i++) {
    same += a->sample[i]->asked == b->sample[i]->asked;
    sizes += i > 0 && a->sample[i]->asked != a->sample[i - 1]->asked;
  }
  bool many = (double)same >= MID_DOUBLE_SHARE * (double)a->count;
  return many && sizes >= MID_DOUBLE_SIZES ? same : 0;
}

// The copy is the one that comes later.
static void double_buffering_tell(const struct row *a, const struct row *b, size_t same,
                                  struct mid_findings *out) {
  bool first = a->sample[0]->born <= b->sample[0]->born;
  const struct row *copy = first ? b : a, *from = first ? a : b;
  const struct mid_profile_frame *place = mid_profile_place(&from->place->sum);
  double bytes = 0;
  for (size_t i = 0; i < copy->count; i++) bytes += (double)copy->sample[i]->asked;
  struct mid_finding *f = mid_finding_add(out, "double-buffering", MID_POSSIBLE, &copy->place->sum,
                                          bytes, (double)same);
  struct mid_words size;
  mid_finding_what(f,
                   "%zu live blocks, %s, have a twin of the same size from %s, allocated just "
                   "before",
                   same, mid_words_size((uint64_t)bytes, &size), place->function);
  mid_finding_why(f, "sizes and order agree; the contents were not compared");
  mid_finding_advise(f, "if these are copies, hand the first block on, or share it: saves %s",
                     mid_words_size((uint64_t)bytes, &size));
}

static void double_buffering_find(const struct mid_evidence *e, struct mid_findings *out) {
  enum { MOST = 64 };  // rows that are compared, each with each
  struct row row[MOST];
  size_t rows = 0;
  for (size_t i = 0; i < e->places && rows < MOST; i++) {
    if (row_take(e, &e->place[i], &row[rows]))
      rows++;
    else
      free(row[rows].sample);
  }
  for (size_t i = 0; i < rows; i++)
    for (size_t k = i + 1; k < rows; k++) {
      size_t same = twins(&row[i], &row[k]);
      if (same > 0) double_buffering_tell(&row[i], &row[k], same, out);
    }
  for (size_t i = 0; i < rows; i++) free(row[i].sample);
}

const struct mid_finding_rule mid_rule_double_buffering = {
    .kind = "double-buffering",
    .source = "sizes and births of live samples",
    .find = double_buffering_find,
};
