// observe/finding/leaked.c -- blocks that nothing points to any more, by the last look's walk.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"
#include "observe/words.h"

#define SIZE(bytes) mid_words_size((uint64_t)(bytes), &(struct mid_words){0})
#define COUNT(n) mid_words_count((double)(n), &(struct mid_words){0})

// The blocks of one place, which several stacks may have lost.
struct lost_place {
  const struct mid_place *place;  // NULL: no stack is known
  struct mid_lost sum;            // with the stack, the confidence and the name of the one shown
  size_t stacks;
};

static const char *plural(double n) { return n > 0.5 && n < 1.5 ? "" : "s"; }

static void leaked_tell(const struct mid_evidence *e, const struct lost_place *l,
                        struct mid_findings *out) {
  const struct mid_lost *sum = &l->sum;
  double blocks = sum->blocks + sum->held, allocated = l->place ? l->place->sum.allocated : 0;
  struct mid_finding *f =
      mid_finding_add(out, "leaked", sum->sure,
                      l->place != NULL ? mid_profile_site_of(e->profile, sum->stack) : NULL,
                      sum->bytes + sum->held_bytes, blocks);
  f->badness *= 8;  // lost for ever, and the surest of all: before what may be mended later
  char held[160] = "", stacks[96] = "";
  if (sum->held > 0)
    snprintf(held, sizeof held, ", and %s block%s, %s, that only these led to", COUNT(sum->held),
             plural(sum->held), SIZE(sum->held_bytes));
  if (l->stacks > 1)
    snprintf(stacks, sizeof stacks, "; of %zu stacks, the one below lost most", l->stacks);
  mid_finding_what(f, "%s block%s, %s, that nothing points to any more%s%s%s%s", COUNT(sum->blocks),
                   plural(sum->blocks), SIZE(sum->bytes), held, stacks,
                   l->place == NULL && *sum->name ? ": " : "", l->place == NULL ? sum->name : "");
  mid_finding_why(f, "%s", sum->why);
  if (l->place == NULL)
    mid_finding_advise(f,
                       "these blocks were not sampled: run with --option sample=1 to learn who "
                       "allocates them, then free them when they are done with");
  else if (allocated > 2 * blocks)
    mid_finding_advise(
        f,
        "%.0f %% of the blocks of this line are freed, these are not: look for a way "
        "out of the function, such as an error, on which free is not reached",
        mid_words_share(allocated - blocks, allocated));
  else
    mid_finding_advise(f,
                       "free each block before its last pointer is overwritten or goes out of "
                       "scope");
}

// Of two stacks the one to show: the surest, then one that lost blocks are known to have.
static bool is_better(const struct mid_lost *a, const struct mid_lost *b) {
  if (a->sure != b->sure) return a->sure > b->sure;
  if (a->sampled != b->sampled) return a->sampled;
  return a->bytes + a->held_bytes > b->bytes + b->held_bytes;
}

// What something may still point to is told apart from what nothing does.
static void find_by_place(const struct mid_evidence *e, const struct mid_place *place,
                          bool possible, struct mid_findings *out) {
  struct lost_place l = {.place = place};
  const struct mid_lost *best = NULL;
  double blocks = 0, bytes = 0, held = 0, held_bytes = 0;
  for (size_t k = 0; k < e->facts->losts; k++) {
    const struct mid_lost *lost = &e->facts->lost[k];
    if ((lost->sure == MID_POSSIBLE) != possible || mid_evidence_place(e, lost->stack) != place)
      continue;
    blocks += lost->blocks;
    bytes += lost->bytes;
    held += lost->held;
    held_bytes += lost->held_bytes;
    l.stacks++;
    if (best == NULL || is_better(lost, best)) best = lost;
  }
  if (best == NULL) return;
  l.sum = *best;
  l.sum.blocks = blocks;
  l.sum.bytes = bytes;
  l.sum.held = held;
  l.sum.held_bytes = held_bytes;
  leaked_tell(e, &l, out);
}

static void leaked_find(const struct mid_evidence *e, struct mid_findings *out) {
  if (e->facts == NULL) return;
  for (size_t i = 0; i < e->places; i++)
    for (int possible = 0; possible < 2; possible++) find_by_place(e, &e->place[i], possible, out);
  for (size_t k = 0; k < e->facts->losts; k++)
    if (mid_evidence_place(e, e->facts->lost[k].stack) == NULL)
      leaked_tell(e, &(struct lost_place){.sum = e->facts->lost[k]}, out);
}

const struct mid_finding_rule mid_rule_leaked = {
    .kind = "leaked",
    .source = "H. Boehm, M. Weiser, Garbage Collection in an Uncooperative Environment, 1988",
    .find = leaked_find,
};
