// observe/finding/temporary.c -- blocks that are freed at once by the thread that allocated them.
// SPDX-License-Identifier: MIT
#include "observe/finding_limits.h"
#include "observe/finding_pairs.h"

static void temporary_tell(const struct mid_evidence *e, const struct mid_place *place,
                           struct mid_findings *out) {
  const struct mid_profile_site *s = &place->sum;
  double saved = s->brief * MID_PAIR_SECONDS, mean = s->brief_bytes / s->brief;
  enum mid_confidence sure = mid_pairs_are_worth(e, s->brief) ? MID_LIKELY : MID_POSSIBLE;
  struct mid_finding *f = mid_finding_add(out, "temporary", sure, s, s->brief_bytes, s->brief);
  f->badness = mid_pairs_badness(saved);
  struct mid_words count, size, each, cost, most;
  mid_finding_what(f,
                   "%s blocks of %s on average were freed within 100 us by the thread that "
                   "allocated them, %.0f %% of all from here%s",
                   mid_words_count(s->brief, &count), mid_words_size((uint64_t)mean, &size),
                   mid_words_share(s->brief, s->allocated), mid_pairs_each(e, s->brief, &each));
  mid_finding_why(f,
                  "%llu of them were sampled; %s malloc and free took about %s, %.1f %% of the "
                  "processor time",
                  (unsigned long long)s->samples, mid_words_count(s->brief, &count),
                  mid_words_seconds(saved, &cost), mid_pairs_part(e, s->brief));
  if (s->asked_most <= 1024)
    mid_finding_advise(f,
                       "a buffer of %s on the stack, or one that is made once before the loop "
                       "and used again, saves about %s",
                       mid_words_size(s->asked_most, &most), mid_words_seconds(saved, &cost));
  else
    mid_finding_advise(f,
                       "make one buffer of %s before the loop and use it again, or take it from "
                       "an arena that is emptied after each round: saves about %s",
                       mid_words_size(s->asked_most, &most), mid_words_seconds(saved, &cost));
}

static void temporary_find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; i < e->places; i++) {
    const struct mid_profile_site *s = &e->place[i].sum;
    if (s->brief >= MID_CHURN_BLOCKS && s->brief >= MID_TEMPORARY_SHARE * s->allocated &&
        mid_pairs_are_hot(e, s->brief))
      temporary_tell(e, &e->place[i], out);
  }
}

const struct mid_finding_rule mid_rule_temporary = {
    .kind = "temporary",
    .source = "heaptrack's temporary allocations, by time instead of by event",
    .find = temporary_find,
};
