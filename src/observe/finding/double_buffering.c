// observe/finding/double_buffering.c -- the same data held twice: blocks that come in pairs.
// SPDX-License-Identifier: MIT
//
// Two places whose live blocks have the same sizes, one after the other, hold copies more often
// than not; text is a byte longer than what it was made of.  Where the last look saw what large
// blocks hold, that decides.
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

// The large blocks that are judged: those that live at the last look, or, where most of them are
// freed by then, those that lived when they were most.
struct larges {
  struct large {
    const struct mid_profile_sample *sample;
    const struct mid_place *place;
  } * at;
  size_t count;
  const struct mid_last_facts *facts;  // that tell what is in them; NULL: nothing does
};

static void larges_take(const struct mid_evidence *e, const struct mid_profile_sample *sample,
                        size_t count, struct larges *out) {
  free(out->at);
  *out = (struct larges){.at = calloc(count + 1, sizeof *out->at)};
  if (out->at == NULL) abort();
  for (size_t i = 0; i < count; i++)
    if (sample[i].asked >= MID_DOUBLE_BLOCK)
      out->at[out->count++] = (struct large){&sample[i], mid_evidence_place(e, sample[i].stack)};
}

static void larges_open(const struct mid_evidence *e, struct larges *out) {
  double bytes = 0;
  *out = (struct larges){0};
  larges_take(e, e->profile->sample, e->profile->samples, out);
  out->facts = e->facts;
  for (size_t i = 0; i < out->count; i++) bytes += (double)out->at[i].sample->asked;
  if (e->history != NULL && bytes < 0.5 * e->history->large_bytes)
    larges_take(e, e->history->large, e->history->larges, out);
}

static bool row_take(const struct larges *all, const struct mid_place *place, struct row *r) {
  *r = (struct row){.place = place};
  if (place->sum.samples < MID_DOUBLE_BLOCKS || !mid_place_is_own(place)) return false;
  for (size_t i = 0; i < all->count; i++) r->count += all->at[i].place == place;
  if (r->count < MID_DOUBLE_BLOCKS) return false;
  r->sample = calloc(r->count, sizeof *r->sample);
  if (r->sample == NULL) abort();
  for (size_t i = 0, row = 0; i < all->count; i++)
    if (all->at[i].place == place) r->sample[row++] = all->at[i].sample;
  qsort(r->sample, r->count, sizeof *r->sample, by_birth);
  return true;
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

// Of the same size, or one of them is a string of the other's bytes, with its end.
static bool sizes_agree(const struct mid_profile_sample *a, const struct mid_profile_sample *b) {
  return a->asked == b->asked || a->asked + 1 == b->asked || a->asked == b->asked + 1;
}

static bool contents_agree(const struct mid_profile_sample *a, const struct mid_content *x,
                           const struct mid_profile_sample *b, const struct mid_content *y) {
  return (a->asked > b->asked ? x->but_last : x->hash) ==
         (b->asked > a->asked ? y->but_last : y->hash);
}

// Whether there are so many that it means something, and in so many sizes.
static bool are_twins(const struct mid_last_facts *facts, const struct row *a, const struct row *b,
                      struct twins *t) {
  size_t sizes = 1;
  *t = (struct twins){0};
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++) {
    sizes += i > 0 && a->sample[i]->asked != a->sample[i - 1]->asked;
    if (!sizes_agree(a->sample[i], b->sample[i])) continue;
    const struct mid_content *x = content_of(facts, a->sample[i]->block);
    const struct mid_content *y = content_of(facts, b->sample[i]->block);
    t->same++;
    t->known += x != NULL && y != NULL;
    t->equal += x != NULL && y != NULL && contents_agree(a->sample[i], x, b->sample[i], y);
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
                    facts == NULL ? "they were freed by the last look, or there was none"
                                  : "too few of the blocks were there then with something in them");
  mid_finding_advise(f, "%shand the first block on, or share it: saves %s",
                     is_compared(t) ? "" : "if these are copies, ",
                     mid_words_size((uint64_t)bytes, &size));
}

static void double_buffering_find(const struct mid_evidence *e, struct mid_findings *out) {
  enum { MOST = 64 };  // rows that are compared, each with each
  struct row row[MOST];
  size_t rows = 0;
  struct larges all;
  if (e->profile == NULL) return;
  larges_open(e, &all);
  for (size_t i = 0; i < e->places && rows < MOST; i++)
    rows += row_take(&all, &e->place[i], &row[rows]);
  for (size_t i = 0; i < rows; i++)
    for (size_t k = i + 1; k < rows; k++) {
      struct twins t;
      if (are_twins(all.facts, &row[i], &row[k], &t) && is_copy(&t))
        double_buffering_tell(all.facts, &row[i], &row[k], &t, out);
    }
  for (size_t i = 0; i < rows; i++) free(row[i].sample);
  free(all.at);
}

const struct mid_finding_rule mid_rule_double_buffering = {
    .kind = "double-buffering",
    .source = "sizes, births and contents of live samples",
    .find = double_buffering_find,
};
