// observe/finding/mapped.c -- memory that the program maps past the heap, and that grows.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/trend.h"
#include "observe/words.h"

static void mapped_find(const struct mid_evidence *e, struct mid_findings *out) {
  const struct mid_history *h = e->history;
  double when[MID_HISTORY_LOOKS], outside[MID_HISTORY_LOOKS];
  struct mid_trend t;
  if (h == NULL || h->looks == 0) return;
  for (size_t i = 0; i < h->looks; i++) when[i] = h->look[i].when, outside[i] = h->look[i].outside;
  double seconds = when[h->looks - 1];
  if (seconds < MID_MAPPED_SECONDS || !mid_trend_make(when, outside, h->looks, &t) ||
      !mid_trend_rises(&t) || t.first + t.second < MID_MAPPED_BYTES)
    return;
  bool sure = seconds >= MID_MAPPED_SURE_SECONDS;
  struct mid_finding *f = mid_finding_add(out, "mapped", sure ? MID_LIKELY : MID_POSSIBLE, NULL,
                                          outside[h->looks - 1], 0);
  struct mid_words now, grew, rate;
  mid_finding_what(f,
                   "%s of memory that is neither the heap's nor a file's is resident, and %s of "
                   "it came after the first fifth of the run",
                   mid_words_size((uint64_t)outside[h->looks - 1], &now),
                   mid_words_size((uint64_t)(t.first + t.second), &grew));
  mid_finding_why(f,
                  "it rose in %.0f %% of %zu windows; what is mapped past malloc has no stacks "
                  "here",
                  100 * t.rising, t.windows);
  mid_finding_advise(f,
                     "look for mmap without munmap, threads that are never joined, and allocators "
                     "of the program's own: they take %s a second",
                     mid_words_size((uint64_t)(t.slope > 0 ? t.slope : 0), &rate));
}

const struct mid_finding_rule mid_rule_mapped = {
    .kind = "mapped",
    .source = "/proc/PID/smaps_rollup and statm, look after look",
    .find = mapped_find,
};
