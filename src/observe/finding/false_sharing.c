// observe/finding/false_sharing.c -- small blocks of several threads on one line of the cache.
// SPDX-License-Identifier: MIT
//
// Who writes to a block is not seen: this is always a possibility, which `perf c2c` can confirm.
#include <string.h>

#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/words.h"

static bool shares_line(const struct mid_profile_sample *a, const struct mid_profile_sample *b) {
  return a->thread != b->thread && a->bytes < MID_LINE_BYTES && b->bytes < MID_LINE_BYTES &&
         (a->block + a->asked - 1) / MID_LINE_BYTES == b->block / MID_LINE_BYTES;
}

// Live samples of this place that have a neighbour which another thread allocated.
static double neighbours(const struct mid_evidence *e, const struct mid_place *place) {
  const struct mid_profile *p = e->profile;
  double n = 0;
  for (size_t i = 0; i + 1 < p->samples; i++) {
    const struct mid_profile_sample *a = &p->sample[i], *b = a + 1;
    if (a->asked == 0 || !shares_line(a, b)) continue;
    n += (e->place_of[a->site] == place) + (e->place_of[b->site] == place);
  }
  return n;
}

// The state that the library makes for a thread is handed to it once and not written to.
static bool is_a_threads_own(const struct mid_profile_site *s) {
  for (size_t i = 0; i <= s->place && i < s->frames; i++)
    if (strstr(s->frame[i].function, "thread") != NULL && i < s->place) return true;
  return false;
}

// A few small ones, allocated by one thread, that others keep for long and then free: counters,
// flags and the like which are handed out, one to each thread.
static double handed_out(const struct mid_evidence *e, const struct mid_place *place) {
  enum { LONG = 6 };  // lives of 1 ms and more
  const struct mid_profile_site *s = &place->sum;
  double most = 4 * (double)e->process->peak_threads, lived = 0;
  for (int i = LONG; i < MID_SAMPLE_LIVES; i++) lived += s->lives[i];
  bool few = s->allocated <= MID_SHARED_LINE_MOST && s->allocated <= most;
  bool kept = lived >= 0.8 * (s->allocated - s->live);
  return few && kept && s->asked_most <= MID_LINE_BYTES / 2 && !is_a_threads_own(s) ? s->remote : 0;
}

static void false_sharing_tell(const struct mid_place *place, double near, double handed,
                               struct mid_findings *out) {
  const struct mid_profile_site *s = &place->sum;
  double blocks = near > handed ? near : handed;
  struct mid_finding *f = mid_finding_add(out, "false-sharing", MID_POSSIBLE, s,
                                          blocks * (double)s->asked_most, blocks);
  f->badness = blocks * 65536;  // a line that wanders costs some 100 ns for each write
  struct mid_words count;
  if (near > 0)
    mid_finding_what(f, "%s small blocks share a cache line with one that another thread allocated",
                     mid_words_count(near, &count));
  else
    mid_finding_what(f,
                     "%s blocks of at most %llu bytes were allocated by one thread and kept by "
                     "others: two to four of them lie on each cache line",
                     mid_words_count(handed, &count), (unsigned long long)s->asked_most);
  mid_finding_why(f,
                  "by addresses and threads alone; whether they are written to often, 'perf c2c' "
                  "can tell");
  mid_finding_advise(f,
                     "if each is written to by a thread of its own, give each a line: "
                     "aligned_alloc(64, 64), or alignas(64) on the type");
}

static void false_sharing_find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; i < e->places; i++) {
    if (!mid_place_is_own(&e->place[i]) || is_a_threads_own(&e->place[i].sum)) continue;
    double near = neighbours(e, &e->place[i]), handed = handed_out(e, &e->place[i]);
    if (near >= MID_SHARED_LINE_BLOCKS || handed >= MID_SHARED_LINE_BLOCKS)
      false_sharing_tell(&e->place[i], near, handed, out);
  }
}

const struct mid_finding_rule mid_rule_false_sharing = {
    .kind = "false-sharing",
    .source = "T. Liu, X. Liu, Cheetah, CGO 2016, for what it means",
    .find = false_sharing_find,
};
