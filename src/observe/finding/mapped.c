// observe/finding/mapped.c -- memory that the program maps past the heap, and that grows.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/trend.h"
#include "observe/words.h"

// What a mapping is, by its name and what is below it, and what to look for.
static const struct mapped_kind {
  const char *name;  // NULL: any
  bool guarded;
  const char *what, *advice;
} mapped_kinds[] = {
    {"", true, "anonymous memory above a guard page, as stacks of threads are",
     "join threads that end, or detach them; look for pools that start more of them, and for "
     "allocators of the program's own"},
    {"", false, "anonymous memory",
     "look for mmap without munmap, and for allocators of the program's own"},
    {"[heap]", false, "the break", "look for what calls sbrk or brk itself, and not malloc"},
    {"[stack]", true, "the first thread's stack", "look for deep recursion and large local arrays"},
    {"[stack]", false, "the first thread's stack",
     "look for deep recursion and large local arrays"},
    {NULL, false, NULL,
     "pages of this file that are written to become the program's own: map it shared, or write to "
     "fewer of them"},
};

static const struct mapped_kind *kind_of(const struct mid_mapping *m) {
  const struct mapped_kind *k = mapped_kinds;
  while (k->name != NULL && (strcmp(k->name, m->name) != 0 || k->guarded != m->guarded)) k++;
  return k;
}

// Which mappings it is, where the last look could tell.
static void mapped_say_which(const struct mid_mapped *m, double now, char *room, size_t bytes) {
  struct mid_words grew, since;
  const char *what = kind_of(&m->map)->what;
  int n = snprintf(
      room, bytes, "; most of what came in the last %s, %s, is %s (%s) in %zu mapping%s",
      mid_words_seconds(now - m->since, &since), mid_words_size(m->grew, &grew),
      what != NULL ? what : m->map.name, m->map.access, m->mappings, m->mappings == 1 ? "" : "s");
  if (m->mappings != m->before)
    n += snprintf(room + n, bytes - (size_t)n, ", %zu before", m->before);
  snprintf(room + n, bytes - (size_t)n, "%s %" PRIx64 "-%" PRIx64,
           m->mappings == 1 ? "," : "; the one that grew most is", m->map.low, m->map.high);
}

static void mapped_tell(const struct mid_evidence *e, const struct mid_trend *t, double bytes,
                        enum mid_confidence sure, struct mid_findings *out) {
  const struct mid_process *p = e->process;
  const struct mid_mapped *m = e->facts != NULL ? e->facts->mapped : NULL;
  struct mid_finding *f = mid_finding_add(out, "mapped", sure, NULL, bytes, 0);
  struct mid_words now, grew, rate;
  char which[400] = "";
  if (m != NULL) mapped_say_which(m, p->lives ? p->seen : p->ended, which, sizeof which);
  mid_finding_what(f,
                   "%s of memory that is neither the heap's nor a file's is resident, and %s of "
                   "it came after the first fifth of the run%s",
                   mid_words_size((uint64_t)bytes, &now),
                   mid_words_size((uint64_t)(t->first + t->second), &grew), which);
  mid_finding_why(f,
                  "it rose in %.0f %% of %zu windows; what is mapped past malloc has no stacks "
                  "here",
                  100 * t->rising, t->windows);
  mid_finding_advise(f, "%s: they take %s a second",
                     m != NULL ? kind_of(&m->map)->advice
                               : "look for mmap without munmap, threads that are never joined, and "
                                 "allocators of the program's own",
                     mid_words_size((uint64_t)(t->slope > 0 ? t->slope : 0), &rate));
}

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
  mapped_tell(e, &t, outside[h->looks - 1], sure ? MID_LIKELY : MID_POSSIBLE, out);
}

const struct mid_finding_rule mid_rule_mapped = {
    .kind = "mapped",
    .source = "/proc/PID/smaps_rollup, smaps and statm, look after look",
    .find = mapped_find,
};
