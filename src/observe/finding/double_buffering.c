// observe/finding/double_buffering.c -- the same data held twice: blocks that come in pairs.
// SPDX-License-Identifier: MIT
//
// Two places whose live blocks have the same sizes, one after the other, hold copies more often
// than not.  Where the last look saw what large blocks hold, that decides.
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

struct twins {
  size_t same;          // blocks that have one of their size at the same place of the other row
  size_t known, equal;  // of these: whose contents are known; and are equal
};

static const struct mid_content *content_of(const struct mid_last_facts *facts, uint64_t block) {
  size_t low = 0, high = facts != NULL ? facts->contents : 0;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const struct mid_content *c = &facts->content[middle];
    if (c->block == block) return c;
    *(c->block < block ? &low : &high) = c->block < block ? middle + 1 : middle;
  }
  return NULL;
}

// Whether there are so many that it means something, and in so many sizes.
static bool are_twins(const struct mid_last_facts *facts, const struct row *a, const struct row *b,
                      struct twins *t) {
  size_t sizes = 1;
  *t = (struct twins){0};
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++) {
    sizes += i > 0 && a->sample[i]->asked != a->sample[i - 1]->asked;
    if (a->sample[i]->asked != b->sample[i]->asked) continue;
    const struct mid_content *x = content_of(facts, a->sample[i]->block);
    const struct mid_content *y = content_of(facts, b->sample[i]->block);
    t->same++;
    t->known += x != NULL && y != NULL;
    t->equal += x != NULL && y != NULL && x->hash == y->hash;
  }
  return (double)t->same >= MID_DOUBLE_SHARE * (double)a->count && sizes >= MID_DOUBLE_SIZES;
}

// Of two rows that differ in what they hold neither is a copy.
static bool is_compared(const struct twins *t) { return t->known >= MID_DOUBLE_BLOCKS; }
static bool is_copy(const struct twins *t) {
  return !is_compared(t) || (double)t->equal >= MID_DOUBLE_SHARE * (double)t->known;
}

// The copy is the one that comes later.
static void double_buffering_tell(const struct mid_last_facts *facts, const struct row *a,
                                  const struct row *b, const struct twins *t,
                                  struct mid_findings *out) {
  bool first = a->sample[0]->born <= b->sample[0]->born;
  const struct row *copy = first ? b : a, *from = first ? a : b;
  const struct mid_profile_frame *place = mid_profile_place(&from->place->sum);
  double bytes = 0;
  for (size_t i = 0; i < copy->count; i++) bytes += (double)copy->sample[i]->asked;
  struct mid_finding *f =
      mid_finding_add(out, "double-buffering", is_compared(t) ? MID_LIKELY : MID_POSSIBLE,
                      &copy->place->sum, bytes, (double)t->same);
  struct mid_words size;
  mid_finding_what(f,
                   "%zu live blocks, %s, have a twin of the same size from %s, allocated just "
                   "before",
                   t->same, mid_words_size((uint64_t)bytes, &size), place->function);
  if (is_compared(t))
    mid_finding_why(f,
                    "sizes and order agree, and so do the contents of %zu of the %zu pairs that "
                    "were compared",
                    t->equal, t->known);
  else
    mid_finding_why(f, "sizes and order agree; the contents were not compared: %s",
                    facts == NULL ? "its memory was not looked at"
                                  : "too few of the blocks were there then with something in them");
  mid_finding_advise(f, "%shand the first block on, or share it: saves %s",
                     is_compared(t) ? "" : "if these are copies, ",
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
      struct twins t;
      if (are_twins(e->facts, &row[i], &row[k], &t) && is_copy(&t))
        double_buffering_tell(e->facts, &row[i], &row[k], &t, out);
    }
  for (size_t i = 0; i < rows; i++) free(row[i].sample);
}

const struct mid_finding_rule mid_rule_double_buffering = {
    .kind = "double-buffering",
    .source = "sizes, births and contents of live samples",
    .find = double_buffering_find,
};
