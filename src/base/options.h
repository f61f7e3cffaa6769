// base/options.h -- every knob, once: MIDDEN_OPTIONS, --option, `midden options`, the manual and
// the shell completion all read these rows; a row also makes the field, so they cannot differ.
// SPDX-License-Identifier: MIT
#ifndef MID_BASE_OPTIONS_H
#define MID_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

// `words` are names accepted beside numbers, with a bar between them; the k-th (from 0) stands for
// the value max + 1 + k, which no number reaches.
// clang-format off
//   field         default  min max         unit     words     meaning
#define MID_OPTION_LIST(X)                                                                                  \
  X(heap_limit,    0,       0,  1ull << 47, "bytes", "cgroup", "cap on committed heap memory, 0: none; cgroup: the limit of the process's own cgroup, less a reserve") \
  X(dirty_share,   25,      0,  100,        "%",     "",       "free but resident memory that is kept, as a share of the memory in use") \
  X(purge_thread,  0,       0,  1,          "on",    "",       "1: a thread gives dirty memory back once a second also while the program idles") \
  X(hardened,      0,       0,  1,          "on",    "",       "1: guard pages, quarantine, random placement, no links in blocks, zero on free, checked tails") \
  X(quarantine,    262144,  0,  1ull << 30, "bytes", "",       "freed bytes that each thread holds back from reuse when hardened") \
  X(sample,        524288,  0,  1ull << 40, "bytes", "",       "mean distance of samples in allocated bytes, once a process has done much; 0: none") \
  X(feed,          1,       0,  1,          "on",    "keep",   "0: no feed file; keep: leave it behind at a clean exit") \
  X(run,           0,       0,  1ull << 62, "number", "",      "the number that `midden run` gives to the processes of one run") \
  X(last_look,     0,       0,  1,          "on",    "",       "1: a process that ends waits until `midden run` has looked at its memory") \
  X(record,        0,       0,  1ull << 62, "number", "",      "the number of the recording that `midden record` makes; 0: none") \
  X(gc,            0,       0,  0,          "name",  "mark-sweep|copying|generational|no-barrier", "the collector of collected heaps; 0: what the program asks for") \
  X(gc_initial,    33554432, 0, 1ull << 46, "bytes", "",       "bytes of a collected heap in use before its first major collection (Xms)") \
  X(gc_max,        0,       0,  1ull << 46, "bytes", "",       "cap on the memory of a collected heap, 0: none (Xmx)") \
  X(gc_soft_max,   0,       0,  1ull << 46, "bytes", "",       "a collected heap is collected more often so as to stay below it, and may go above, 0: none (SoftMaxHeapSize)") \
  X(gc_young,      16777216, 262144, 1ull << 40, "bytes", "",  "Eden and two survivors of a collected heap (Xmn)") \
  X(gc_new_ratio,  2,       1,  100,        "times", "",       "under gc_max or gc_soft_max: the old space is at least so many times the young one (NewRatio)") \
  X(gc_survivor_ratio, 8,   1,  100,        "times", "",       "Eden is so many times a survivor (SurvivorRatio)") \
  X(gc_max_tenuring, 15,    1,  15,         "minors", "",      "an object is promoted after so many minor collections at the latest (MaxTenuringThreshold)") \
  X(gc_pause_goal_ms, 0,    0,  1000000,    "ms",    "",       "Eden is made smaller while minor collections stop for longer, 0: no goal (MaxGCPauseMillis)") \
  X(gc_threads,    1,       1,  16,         "threads", "",     "threads that mark in a major collection (ParallelGCThreads)") \
  X(gc_verify,     0,       0,  1,          "on",    "",       "1: the collected heap is verified before and after each collection") \
  X(gc_stress,     0,       0,  1ull << 30, "calls", "",       "collect at each so-many-th allocation, store and poll, 0: not") \
  X(gc_log,        0,       0,  1,          "on",    "v",      "1: collections are told on standard error, a line each, as the JVM does; v: with their parts; to a file: MIDDEN_GC_LOG=FILE")
// clang-format on

struct mid_options {
#define X(field, ...) uint64_t field;
  MID_OPTION_LIST(X)
#undef X
};

struct mid_option_row {
  const char *name, *unit, *words, *meaning;
  size_t offset;  // of the field in struct mid_options
  uint64_t def, min, max;
};

enum {
#define X(field, ...) MID_OPTION_##field,
  MID_OPTION_LIST(X)
#undef X
      MID_OPTION_COUNT
};

// The value of the only word that a row has.
#define MID_OPTION_HEAP_LIMIT_CGROUP ((1ull << 47) + 1)
#define MID_OPTION_FEED_KEEP 2
#define MID_OPTION_GC_LOG_V 2

extern const struct mid_option_row mid_option_rows[MID_OPTION_COUNT];
extern const struct mid_options mid_options_default;

// Set fields of *o from a list such as "heap_limit=64M,hardened=1" (commas between; an empty list
// and empty places are fine).  true when all of it was understood.  A bad place leaves its field as
// it was, the rest is still read, and the first bad one becomes a sentence in `why`, without
// "midden: " before it or an end of line.
bool mid_options_read(struct mid_options *o, const char *list, struct mid_text *why);

// The value of row `row` in `o`, and its words for a person ("64.0 MiB", "10 %", "cgroup").
uint64_t mid_option_value(const struct mid_options *o, const struct mid_option_row *row);
void mid_option_print(const struct mid_option_row *row, uint64_t value, struct mid_text *out);

// The name in `names` that is nearest to `word` by edit distance, NULL when none is near: at most
// a third of its letters differ.
const char *mid_nearest_name(const char *word, size_t bytes, const char *const *names,
                             size_t count);

// The process's own options: the defaults, changed once by mid_options_start from `list`, the value
// of MIDDEN_OPTIONS; it says on standard error what it did not understand.
extern struct mid_options mid_options;
void mid_options_start(const char *list);

#endif
