// observe/finding/realloc_ladder.c -- arrays that grow by a little at a time and are copied each
// time.
// SPDX-License-Identifier: MIT
#include <math.h>

#include "observe/finding_pairs.h"

// How often arrays of this place would have been copied, had each step doubled them.
static double doublings(const struct mid_profile_site *s) {
  return log2((double)s->asked_most / (double)(s->asked_least > 16 ? s->asked_least : 16));
}

// By realloc: moves and the bytes of each are known.
static bool climbs(const struct mid_profile_site *s) {
  double moves = (double)s->longest_moves;
  return moves >= MID_LADDER_MOVES && moves >= 1.8 * doublings(s) + 2 &&
         s->moved_bytes >= MID_LADDER_BYTES;
}

// Each block is larger than the one before: temporary blocks of all sizes are smaller as often.
static bool rises(const struct mid_profile_site *s) {
  return s->rises >= MID_LADDER_RISES && s->rises >= MID_LADDER_RISES_A_FALL * s->falls;
}

// By a larger array, a copy and a free: sizes from small to large in even steps, and at no time
// more live than some of the largest.  Of one stack: two kinds of blocks in one line have many
// sizes as well.
static bool is_made_anew(const struct mid_place *place) {
  const struct mid_profile_site *s = place->most;
  double least = (double)(s->asked_least > 0 ? s->asked_least : 1), most = (double)s->asked_most;
  double mean = s->allocated_bytes / s->allocated;
  return s->allocated >= MID_LADDER_STEPS && most >= MID_LADDER_RANGE * least &&
         mean >= 0.35 * most && mean <= 0.65 * most &&
         s->allocated_bytes >= MID_LADDER_BYTES + MID_CHURN_TURNOVER * s->peak_live_bytes &&
         s->moved == 0 && rises(s);
}

static void advise(struct mid_finding *f, const struct mid_profile_site *s, double copied) {
  struct mid_words most, cost;
  mid_finding_advise(f,
                     "reserve %s at once where the size is known, else double the room each "
                     "time, which copies a byte once on average: saves about %s",
                     mid_words_size(s->asked_most, &most),
                     mid_words_seconds(copied * MID_COPY_SECONDS_A_BYTE, &cost));
}

static void tell_climb(const struct mid_place *place, struct mid_findings *out) {
  const struct mid_profile_site *s = &place->sum;
  bool much = s->moved_bytes >= MID_LADDER_COPIED * (double)s->asked_most;
  struct mid_finding *f = mid_finding_add(out, "realloc-ladder", much ? MID_LIKELY : MID_POSSIBLE,
                                          s, s->moved_bytes, s->moved);
  f->badness = mid_pairs_badness(s->moved_bytes * MID_COPY_SECONDS_A_BYTE);
  struct mid_words copied, moves, most;
  mid_finding_what(f,
                   "realloc moved blocks %s times and copied %s for it, one of them %llu times "
                   "on its way to at most %s",
                   mid_words_count(s->moved, &moves),
                   mid_words_size((uint64_t)s->moved_bytes, &copied),
                   (unsigned long long)s->longest_moves, mid_words_size(s->asked_most, &most));
  mid_finding_why(f, "doubling would have moved it %.0f times", ceil(doublings(s)));
  advise(f, s, s->moved_bytes);
}

static void tell_anew(const struct mid_place *place, struct mid_findings *out) {
  const struct mid_profile_site *s = &place->sum;
  struct mid_finding *f =
      mid_finding_add(out, "realloc-ladder", MID_POSSIBLE, s, s->allocated_bytes, s->allocated);
  f->badness = mid_pairs_badness(s->allocated_bytes * MID_COPY_SECONDS_A_BYTE);
  struct mid_words count, all, least, most;
  mid_finding_what(f,
                   "%s blocks of ever larger sizes, from %s to %s, were allocated one after the "
                   "other, %s in all",
                   mid_words_count(s->allocated, &count), mid_words_size(s->asked_least, &least),
                   mid_words_size(s->asked_most, &most),
                   mid_words_size((uint64_t)s->allocated_bytes, &all));
  mid_finding_why(f,
                  "the sizes rise evenly and the smaller ones are freed: it looks like an array "
                  "that is made anew for each element, which takes %.0f steps when doubled",
                  ceil(doublings(s)));
  advise(f, s, s->allocated_bytes);
}

static void realloc_ladder_find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; i < e->places; i++) {
    if (climbs(&e->place[i].sum))
      tell_climb(&e->place[i], out);
    else if (is_made_anew(&e->place[i]))
      tell_anew(&e->place[i], out);
  }
}

const struct mid_finding_rule mid_rule_realloc_ladder = {
    .kind = "realloc-ladder",
    .source = "moves that each sampled block went through",
    .find = realloc_ladder_find,
};
