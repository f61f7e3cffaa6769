// observe/finding/remote_free.c -- blocks that another thread frees than allocated them.
// SPDX-License-Identifier: MIT
#include "observe/finding_pairs.h"

// Of the fast path's cost, what a free by another thread takes more: the line of the block and the
// list's are fetched from the other processor, and the owner gathers it later.
static const double remote_seconds = 50e-9;

static void remote_free_tell(const struct mid_evidence *e, const struct mid_place *place,
                             double freed, struct mid_findings *out) {
  const struct mid_profile_site *s = &place->sum;
  double cost = s->remote * remote_seconds, seconds = s->last - s->first;
  struct mid_finding *f = mid_finding_add(
      out, "remote-free", s->remote >= MID_REMOTE_SURE_BLOCKS ? MID_LIKELY : MID_POSSIBLE, s,
      s->remote_bytes, s->remote);
  f->badness = mid_pairs_badness(cost);
  struct mid_words count, rate, all, took;
  mid_finding_what(f,
                   "%.0f %% of its blocks, %s, were freed by another thread than allocated them, "
                   "%s a second",
                   mid_words_share(s->remote, freed), mid_words_count(s->remote, &count),
                   mid_words_count(s->remote / (seconds > 1e-3 ? seconds : 1e-3), &rate));
  mid_finding_why(f, "by %llu samples; the process freed %s blocks in this way in all",
                  (unsigned long long)s->samples,
                  mid_words_count((double)e->figures.remote_frees, &all));
  mid_finding_advise(f,
                     "hand the blocks back to the thread that allocates them, in batches, for "
                     "use again, or let the thread that frees allocate: saves up to %s",
                     mid_words_seconds(cost, &took));
}

static void remote_free_find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; i < e->places; i++) {
    const struct mid_profile_site *s = &e->place[i].sum;
    double freed = s->allocated - s->live;
    if (s->remote >= MID_REMOTE_BLOCKS && s->remote >= MID_REMOTE_SHARE * freed)
      remote_free_tell(e, &e->place[i], freed > s->remote ? freed : s->remote, out);
  }
}

const struct mid_finding_rule mid_rule_remote_free = {
    .kind = "remote-free",
    .source = "threads of sampled blocks at their birth and at their free",
    .find = remote_free_find,
};
