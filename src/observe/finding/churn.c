// observe/finding/churn.c -- a hot path that allocates and frees the same little memory for ever.
// SPDX-License-Identifier: MIT
#include <math.h>

#include "observe/finding_pairs.h"

// Nearly all are free again, by the thread that allocated them, and at no time were there many.
static bool churns(const struct mid_profile_site *s) {
  double freed = s->allocated - s->live, own = freed - s->remote;
  double turnover = s->allocated_bytes / (s->peak_live_bytes + 1);
  return s->allocated >= MID_CHURN_BLOCKS && own >= MID_TEMPORARY_SHARE * s->allocated &&
         turnover >= MID_CHURN_TURNOVER;
}

static bool is_temporary(const struct mid_profile_site *s) {
  return s->brief >= MID_TEMPORARY_SHARE * s->allocated;
}

// Half of the blocks live shorter than the upper end of this bucket of lives.
static double median_life(const struct mid_profile_site *s) {
  double all = 0, sum = 0, end = 1e-6;
  for (int i = 0; i < MID_SAMPLE_LIVES; i++) all += s->lives[i];
  for (int i = 0; i < MID_SAMPLE_LIVES - 1; i++, end *= 4) {
    sum += s->lives[i];
    if (sum * 2 >= all) break;
  }
  return end;
}

static void churn_tell(const struct mid_evidence *e, const struct mid_place *place,
                       struct mid_findings *out) {
  const struct mid_profile_site *s = &place->sum;
  double saved = s->allocated * MID_PAIR_SECONDS, seconds = s->last - s->first;
  enum mid_confidence sure = mid_pairs_are_worth(e, s->allocated) ? MID_LIKELY : MID_POSSIBLE;
  struct mid_finding *f = mid_finding_add(out, "churn", sure, s, s->allocated_bytes, s->allocated);
  f->badness = mid_pairs_badness(saved);
  if (is_temporary(s)) f->badness *= 0.99;  // said of the same blocks: it comes behind
  struct mid_words count, rate, each, peak, life, cost, all;
  mid_finding_what(
      f,
      "%s blocks, %s in all, were allocated here and freed by the same thread, %s a "
      "second%s; at no time were more than %s of them live",
      mid_words_count(s->allocated, &count), mid_words_size((uint64_t)s->allocated_bytes, &all),
      mid_words_count(s->allocated / (seconds > 1e-3 ? seconds : 1e-3), &rate),
      mid_pairs_each(e, s->allocated, &each), mid_words_size((uint64_t)s->peak_live_bytes, &peak));
  mid_finding_why(f,
                  "%.0f %% of the process's allocations are from here, by %llu samples; half of "
                  "the blocks live less than %s",
                  fmin(mid_words_share(s->allocated, (double)e->figures.allocations), 100),
                  (unsigned long long)s->samples, mid_words_seconds(median_life(s), &life));
  if (s->asked_least == s->asked_most)
    mid_finding_advise(f,
                       "a pool of blocks of %s (midden/pool.h, or a free list) saves most of "
                       "about %s, which is %.1f %% of the processor time",
                       mid_words_size(s->asked_most, &all), mid_words_seconds(saved, &cost),
                       mid_pairs_part(e, s->allocated));
  else
    mid_finding_advise(f,
                       "an arena that is emptied after each round (midden/arena.h), or one "
                       "buffer that is kept, saves most of about %s, which is %.1f %% of the "
                       "processor time",
                       mid_words_seconds(saved, &cost), mid_pairs_part(e, s->allocated));
}

static void churn_find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; i < e->places; i++) {
    const struct mid_profile_site *s = &e->place[i].sum;
    if (churns(s) && mid_pairs_are_hot(e, s->allocated)) churn_tell(e, &e->place[i], out);
  }
}

const struct mid_finding_rule mid_rule_churn = {
    .kind = "churn",
    .source = "lifetimes of sampled blocks, weighted by 1/p",
    .find = churn_find,
};
