// observe/finding/unused.c -- blocks of which most pages are never touched.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/words.h"

static void unused_tell(const struct mid_place *place, double share, struct mid_findings *out) {
  const struct mid_profile_site *s = &place->sum;
  double wasted = s->peak_live_bytes * (1 - share);
  bool large = s->asked_most > MID_UNUSED_SURE_BLOCK && s->allocated >= MID_UNUSED_SURE_BLOCKS;
  struct mid_finding *f =
      mid_finding_add(out, "unused", large ? MID_LIKELY : MID_POSSIBLE, s, wasted, s->allocated);
  f->badness /= 8;  // address space, and what is committed for it, not memory
  struct mid_words most, used, room;
  mid_finding_what(f, "of the pages of its blocks, of at most %s, %.0f %% were ever touched",
                   mid_words_size(s->asked_most, &most), 100 * share);
  mid_finding_why(f,
                  "%llu pages of sampled blocks were looked at when they were freed, %llu were "
                  "resident%s",
                  (unsigned long long)s->pages_known, (unsigned long long)s->pages_touched,
                  large ? "" : "; so few of them, or so small, may be full another time");
  mid_finding_advise(f,
                     "ask for %s, or begin there and double as it fills: up to %s less were "
                     "reserved at the peak",
                     mid_words_size((uint64_t)((double)s->asked_most * share) + 1, &used),
                     mid_words_size((uint64_t)wasted, &room));
}

static void unused_find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; i < e->places; i++) {
    const struct mid_profile_site *s = &e->place[i].sum;
    double share = mid_words_share((double)s->pages_touched, (double)s->pages_known) / 100;
    double wasted = s->peak_live_bytes * (1 - share);
    if (s->pages_known > 0 && share <= MID_UNUSED_TOUCHED && wasted >= MID_UNUSED_BYTES &&
        wasted >= MID_UNUSED_PART * (double)e->figures.peak_live && mid_place_is_own(&e->place[i]))
      unused_tell(&e->place[i], share, out);
  }
}

const struct mid_finding_rule mid_rule_unused = {
    .kind = "unused",
    .source = "residency of sampled blocks' pages as they were freed",
    .find = unused_find,
};
