// feed/format.h -- the feed file: what a process on Midden writes, and another reads meanwhile.
// SPDX-License-Identifier: MIT
//
//   +--------+----------+--------+---------+-------------------------+------------+----
//   | header | sections | fields | process | class 0, class 1, ...   | heap slot 0| slot 1 ...
//   +--------+----------+--------+---------+-------------------------+------------+----
//                                                                     ^ grows, a piece at a time
//
// The file describes itself: a section is an array of records, a field is a 64-bit number at an
// offset in each record of its section, and both carry their names, so a reader of another version
// finds what it knows by name and ignores the rest.  All numbers are in the byte order of the
// machine, 8 bytes, aligned to 8, and written with one store each, so none is ever torn.
//
// Numbers that must fit together: the "process" record is under a sequence lock (header.sequence is
// odd while it is written; read it before and after).  Counters in heap slots only rise and have
// one writer; a reader that reads every `freed` of all slots before any `allocated` never sees more
// blocks freed than allocated.
#ifndef MID_FEED_FORMAT_H
#define MID_FEED_FORMAT_H

#include <stdatomic.h>
#include <stdint.h>

#define MID_FEED_MAGIC "MIDDENFD"  // 8 letters, no NUL
#define MID_FEED_VERSION 1
#define MID_FEED_CLASSES 128  // most size classes that a feed can hold
#define MID_FEED_PAUSES 88    // buckets of pauses: the last begins at 3.8 s
#define MID_FEED_WINDOWS 10   // lengths of windows of mutator utilisation
#define MID_FEED_LAST 32      // collections that are remembered one by one

// One record for the process.  Written under the sequence lock by whoever holds the span lock.
// clang-format off
//   field            unit      meaning
#define MID_FEED_PROCESS(X)                                                                            \
  X(mapped,           "bytes",  "address space taken for spans")                                       \
  X(used,             "bytes",  "in spans that a heap owns, touched or not")                           \
  X(dirty,            "bytes",  "in free spans and resident (at most), to be used again or given back") \
  X(stale,            "bytes",  "resident (at most) in spans that a heap owns, since an earlier use")   \
  X(dirty_bound,      "bytes",  "the most that dirty may be now")                                      \
  X(purged,           "bytes",  "given back to the system so far")                                     \
  X(retouched,        "bytes",  "of what was given back, taken again so far")                          \
  X(metadata,         "bytes",  "Midden's own tables, resident (at most)")                             \
  X(peak_committed,   "bytes",  "the most that used + stale + dirty has been")                                 \
  X(limit,            "bytes",  "heap limit in force, 0: none")                                        \
  X(refused,          "calls",  "allocations refused so far")                                          \
  X(spans_used,       "spans",  "spans that a heap owns")                                              \
  X(spans_free,       "spans",  "free runs, dirty or clean")                                           \
  X(large_blocks,     "blocks", "live blocks that have a span of their own")                           \
  X(large_bytes,      "bytes",  "their usable bytes")                                                  \
  X(large_asked,      "bytes",  "what they were asked for, exact")                                     \
  X(large_allocated,  "blocks", "such blocks allocated so far")                                        \
  X(large_allocated_bytes, "bytes", "their usable bytes")                                              \
  X(heaps_open,       "heaps",  "thread heaps in use")                                                 \
  X(heaps_peak,       "heaps",  "the most thread heaps in use at once")                                \
  X(heaps_started,    "heaps",  "thread heaps started so far, one a thread that allocates")            \
  X(map_root,         "address","the page map's root, for readers of the process's memory")            \
  X(feed_lost,        "slots",  "heap slots that found no room in this file")                          \
  X(requests,         "times",  "requests that threads without a slot ended so far")                   \
  X(requests_after_blocks, "blocks", "allocated until the first request ended, 0: none has")           \
  X(requests_after_bytes, "bytes", "their usable bytes")                                               \
  X(ended,            "flag",   "1: the program reached its exit; figures named end_ are final")       \
  X(end_rss,          "bytes",  "resident at the exit, from smaps_rollup")                             \
  X(end_peak_rss,     "bytes",  "the most that was resident until the exit (VmHWM)")                   \
  X(end_anonymous,    "bytes",  "anonymous part of it")                                                \
  X(end_huge,         "bytes",  "in transparent huge pages, part of it")                               \
  X(end_swap,         "bytes",  "swapped out at the exit")                                             \
  X(end_span_rss,     "bytes",  "resident in the address space taken for spans")

// Collected heaps: one record for all of them, and one for their collections.  Of each heap, as its
// last collection left it.  Times are from CLOCK_MONOTONIC.
#define MID_FEED_GC(X)                                                                                 \
  X(heaps,            "heaps",  "collected heaps opened so far")                                       \
  X(opened,           "ns",     "when the first was")                                                  \
  X(used,             "bytes",  "in objects, and not yet found dead")                                  \
  X(live,             "bytes",  "in objects that were reachable at the last major collection")         \
  X(live_objects,     "objects","these")                                                               \
  X(committed,        "bytes",  "held for objects")

#define MID_FEED_GC_WORK(X)                                                                            \
  X(minor,            "times",  "minor collections so far")                                            \
  X(major,            "times",  "major ones")                                                          \
  X(stopped,          "ns",     "that they stopped the program for, so far")                           \
  X(p50,              "ns",     "half of these pauses were no longer")                                 \
  X(p90,              "ns",     "nor 9 in 10 than this")                                               \
  X(p99,              "ns",     "nor 99 in 100 than this")                                             \
  X(longest,          "ns",     "the longest of them")                                                 \
  X(cpu,              "ns",     "of processors that they took so far")                                 \
  X(promoted,         "bytes",  "moved from young to old so far")                                      \
  X(peak_committed,   "bytes",  "the most that was held for objects at the end of one")

// A bucket of a logarithmic scale of pauses.
#define MID_FEED_GC_PAUSE(X)                                                                           \
  X(from,             "ns",     "the least pause that is counted here; the most: where the next begins") \
  X(pauses,           "times",  "so far")

// Mutator utilisation: the share of a window of time in which the program was not stopped.
#define MID_FEED_GC_WINDOW(X)                                                                          \
  X(window,           "ns",     "its length")                                                          \
  X(least,            "ppm",    "in the worst window, wherever it begins")                             \
  X(p1,               "%",      "that 1 in 100 windows does not exceed")                               \
  X(p50,              "%",      "that half of the windows do not exceed")

// The last collections: number n is at n % records.
#define MID_FEED_GC_LAST(X)                                                                            \
  X(is_major,         "flag",   "1: a major collection")                                               \
  X(began,            "ns",     "when the program was stopped")                                        \
  X(pause,            "ns",     "for so long")                                                         \
  X(before,           "bytes",  "in use in its heap")                                                  \
  X(after,            "bytes",  "the same, when it ended")                                             \
  X(held,             "bytes",  "committed by its heap then")

// A size class; constant.
#define MID_FEED_CLASS(X)                                                                              \
  X(block_bytes,      "bytes",  "size of a block")                                                     \
  X(span_bytes,       "bytes",  "size of a span of such blocks")

// A heap slot: one for each thread heap (used again by later threads) and each first-class heap.
#define MID_FEED_HEAP(X)                                                                               \
  X(thread,           "tid",    "kernel's number of the thread that last owned it, 0: first-class")    \
  X(alive,            "flag",   "1: a thread owns it now")                                             \
  X(refills,          "calls",  "slow paths taken by malloc so far")                                   \
  X(remote_freed,     "blocks", "blocks of this heap freed by other threads, collected so far")        \
  X(adopted,          "spans",  "spans taken over from ended threads so far")                          \
  X(requests,         "times",  "requests that its threads ended so far; by them alone, so the last")

// In each heap slot, after its own fields, one for each class.  All only rise; but at the end, and as
// a thread ends, `allocated` loses the blocks that were ready and never handed out.
#define MID_FEED_COUNT(X)                                                                              \
  X(allocated,        "blocks", "handed out so far")                                                   \
  X(freed,            "blocks", "of those, known to be free again")                                    \
  X(carved,           "blocks", "blocks made in spans so far")                                         \
  X(dropped,          "blocks", "blocks unmade as their spans were given up")                          \
  X(opened,           "spans",  "spans opened so far")                                                 \
  X(closed,           "spans",  "spans given up so far")                                               \
  X(asked_samples,    "calls",  "allocations whose requested size was looked at")                      \
  X(asked_bytes,      "bytes",  "what those asked for: an estimate of the rest")
// clang-format on

#define X(field, ...) uint64_t field;
struct mid_feed_process {
  MID_FEED_PROCESS(X)
};
struct mid_feed_class {
  MID_FEED_CLASS(X)
};
struct mid_feed_heap {
  MID_FEED_HEAP(X)
};
struct mid_feed_count {
  MID_FEED_COUNT(X)
};
struct mid_feed_gc {
  MID_FEED_GC(X)
};
struct mid_feed_gc_work {
  MID_FEED_GC_WORK(X)
};
struct mid_feed_gc_pause {
  MID_FEED_GC_PAUSE(X)
};
struct mid_feed_gc_window {
  MID_FEED_GC_WINDOW(X)
};
struct mid_feed_gc_last {
  MID_FEED_GC_LAST(X)
};
#undef X

// What is told of collections, as it lies in the file.
struct mid_feed_gc_all {
  struct mid_feed_gc_work work;
  struct mid_feed_gc_pause pause[MID_FEED_PAUSES];
  struct mid_feed_gc_window window[MID_FEED_WINDOWS];
  struct mid_feed_gc_last last[MID_FEED_LAST];
};

// The scale of pauses: four buckets to an octave from 1.024 us on, below which is bucket 0.
static inline uint64_t mid_feed_pause_from(unsigned bucket) {
  return bucket == 0 ? 0 : (uint64_t)(4 + (bucket - 1) % 4) << ((bucket - 1) / 4 + 8);
}
static inline unsigned mid_feed_pause_bucket(uint64_t ns) {
  if (ns < mid_feed_pause_from(1)) return 0;
  unsigned octave = 63 - (unsigned)__builtin_clzll(ns);
  unsigned bucket = (octave - 10) * 4 + (unsigned)(ns >> (octave - 2) & 3) + 1;
  return bucket < MID_FEED_PAUSES ? bucket : MID_FEED_PAUSES - 1;
}
// The lengths of windows: 1, 2, 5, 10 ms and so on to 1 s.
static inline uint64_t mid_feed_window_ns(unsigned k) {
  static const uint64_t first[] = {1000000, 2000000, 5000000};
  uint64_t ns = first[k % 3];
  for (; k >= 3; k -= 3) ns *= 10;
  return ns;
}

// In the file and on the writer's side alike; the writer keeps its own copy and publishes from it.
struct mid_feed_slot {
  struct mid_feed_heap heap;
  struct mid_feed_count count[MID_FEED_CLASSES];
};

struct mid_feed_section {
  char name[16];    // "process", "class", "heap", "count"
  uint64_t offset;  // of record 0: in the file, or in each record of `inside`
  uint64_t stride;  // from one record to the next
  uint64_t inside;  // 0: in the file; else 1 + the index of the section whose records hold this one
  _Atomic uint64_t records;  // "heap" grows: stored with release after the slot is whole
};

struct mid_feed_field {
  char name[32], unit[8];
  uint32_t section, offset;
};

struct mid_feed_header {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;      // of this struct; the sections follow it
  uint32_t sections, fields;  // how many; the fields follow the sections
  uint64_t pid;               // in the process's own namespace
  uint64_t start_ticks;       // field 22 of /proc/PID/stat: tells apart two users of a pid
  uint64_t run;               // option `run`
  uint64_t opened_ns;         // CLOCK_REALTIME when the feed was made
  _Atomic uint64_t sequence;  // of the process record: odd while it is written
  char command[128];          // start of /proc/self/cmdline, spaces between, NUL at the end
  // Twice the number of the recording (feed/ring.h) that is asked for, and 1 while it goes on.
  // Written by the process as the feed is made and by who records it; relaxed.
  _Atomic uint64_t recording;
  // Where the process stands with its last look, an enum mid_last_look_state (feed/bell.h); a
  // futex.
  _Atomic uint32_t last_look, reserved;
  // What libmidden said before it stopped the process (base/check.h), without its end of line.
  char last_words[256];
  // mid_os_ticks at the fork that made this process from one on Midden; else 0.
  uint64_t forked_ticks;
};

#endif
