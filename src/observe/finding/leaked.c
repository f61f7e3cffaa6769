// observe/finding/leaked.c -- blocks that nothing points to any more, by the last look's walk.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"
#include "observe/words.h"

#define SIZE(bytes) mid_words_size((uint64_t)(bytes), &(struct mid_words){0})
#define COUNT(n) mid_words_count((double)(n), &(struct mid_words){0})

// Of the blocks of one place, which several stacks and several walks' groups may have.
struct lost_place {
  const struct mid_place *place;
  double blocks, bytes, held, held_bytes;
  enum mid_confidence sure;
};

static const char *plural(double n) { return n > 0.5 && n < 1.5 ? "" : "s"; }

static void leaked_say_why(struct mid_finding *f, const struct lost_place *l) {
  if (l->sure == MID_CERTAIN)
    mid_finding_why(f,
                    "registers, stacks, globals, thread-local storage and every block that these "
                    "lead to were searched: no word points to the start of one");
  else
    mid_finding_why(f,
                    "nothing points to their start, but a word points into them, or what leads to "
                    "them may be a stale copy");
}

static void leaked_tell(struct mid_findings *out, const struct lost_place *l, const char *name) {
  const struct mid_profile_site *site = l->place != NULL ? &l->place->sum : NULL;
  struct mid_finding *f =
      mid_finding_add(out, "leaked", l->sure, site, l->bytes + l->held_bytes, l->blocks + l->held);
  f->badness *= 8;  // lost for ever, and the surest of all: before what may be mended later
  char held[160] = "";
  if (l->held > 0)
    snprintf(held, sizeof held, ", and %s block%s, %s, that only these led to", COUNT(l->held),
             plural(l->held), SIZE(l->held_bytes));
  mid_finding_what(f, "%s block%s, %s, that nothing points to any more%s%s%s", COUNT(l->blocks),
                   plural(l->blocks), SIZE(l->bytes), held, *name ? ": " : "", name);
  leaked_say_why(f, l);
  if (site == NULL)
    mid_finding_advise(f,
                       "these blocks were not sampled: run with --option sample=1 to learn who "
                       "allocates them, then free them when they are done with");
  else if (site->allocated > 2 * (l->blocks + l->held))
    mid_finding_advise(
        f,
        "%.0f %% of the blocks of this line are freed, these are not: look for a way "
        "out of the function, such as an error, on which free is not reached",
        mid_words_share(site->allocated - l->blocks - l->held, site->allocated));
  else
    mid_finding_advise(f,
                       "free each block before its last pointer is overwritten or goes out of "
                       "scope");
}

static void find_by_place(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; i < e->places; i++) {
    struct lost_place l = {.place = &e->place[i], .sure = MID_POSSIBLE};
    for (size_t k = 0; k < e->facts->losts; k++) {
      const struct mid_lost *lost = &e->facts->lost[k];
      if (lost->stack == 0 || mid_evidence_place(e, lost->stack) != l.place) continue;
      l.blocks += lost->blocks;
      l.bytes += lost->bytes;
      l.held += lost->held;
      l.held_bytes += lost->held_bytes;
      if (lost->sure > l.sure) l.sure = lost->sure;
    }
    if (l.blocks > 0) leaked_tell(out, &l, "");
  }
}

static void leaked_find(const struct mid_evidence *e, struct mid_findings *out) {
  if (e->facts == NULL) return;
  find_by_place(e, out);
  for (size_t k = 0; k < e->facts->losts; k++) {
    const struct mid_lost *lost = &e->facts->lost[k];
    if (mid_evidence_place(e, lost->stack) != NULL) continue;
    struct lost_place l = {NULL,       lost->blocks,     lost->bytes,
                           lost->held, lost->held_bytes, lost->sure};
    leaked_tell(out, &l, lost->name);
  }
}

const struct mid_finding_rule mid_rule_leaked = {
    .kind = "leaked",
    .source = "H. Boehm, M. Weiser, Garbage Collection in an Uncooperative Environment, 1988",
    .find = leaked_find,
};
