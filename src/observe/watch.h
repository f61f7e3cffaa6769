// observe/watch.h -- the processes of one `midden run`, looked at again and again while they live.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_WATCH_H
#define MID_OBSERVE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "observe/history.h"
#include "observe/maps.h"
#include "observe/owners.h"
#include "observe/proc.h"
#include "observe/reader.h"

// Times are seconds since the watch was opened.
struct mid_process {
  pid_t pid;
  uint64_t start_ticks;
  char command[128];
  bool lives;                     // at the last look
  bool met;                       // was alive at some look
  bool has_feed;                  // `image` is one
  struct mid_feed_image image;    // at the last look, or at its exit
  struct mid_proc_memory memory;  // at the last look while it lived
  uint64_t huge, peak_rss, peak_live, peak_threads;
  double cpu_seconds, began, seen, ended;
  double stood;            // since when it has waited at its exit for its last look; 0: it did not
  double rate, peak_rate;  // allocations a second
  uint64_t major_faults;   // so far: pages that were read from a disk
  uint64_t oom_score;      // /proc/PID/oom_score, once its cgroup was nearly full; else 0

  // From its sample file (feed/samples.h), as last read and as it was before; NULL: it has none.
  struct mid_profile *profile;
  struct mid_history *history;
  const struct mid_last_facts *facts;  // observe/evidence.h; NULL: there was no last look
  struct mid_diagnosis *diagnosis;     // observe/diagnosis.h; NULL: none was made since
  bool seen_last;                      // its memory was looked at just before it went
  const char *unseen;                  // why it was not; NULL: it was, or nobody asked
  struct mid_near_stacks *near;        // observe/stacks.h; NULL: none was seen
  struct mid_owners owners;
  struct mid_maps_looks maps;
  struct mid_last_look *last_look;  // walk/last_look.h: what `facts` are of; NULL: none

  // How `rate`, `huge` and `profile` are kept, and the number of the last look.
  double rate_at, huge_next, stacks_next, profile_next;
  uint64_t rate_count, looked;
};

struct mid_watch {
  uint64_t run;                  // the number of the run; 0: of one process that ran already
  struct mid_process **process;  // [0]: the first, whether it has a feed or not
  size_t count;

  double opened;
  double spent;  // seconds of processor time, in looks
  uint64_t looks;
  size_t kept;       // dead processes that have a profile still
  char warning[96];  // for the status line; "": there is none
  uint64_t limit;    // bytes: of the processes' cgroup, from its owner's mid_cgroup; 0: not known
  struct mid_feed_room feed_room;
  struct mid_feed_stranger *stranger;  // feeds of other runs, not opened again
  size_t strangers;
};

// Watch the run with this number, whose first process is `first`, just started with these words.
void mid_watch_open(struct mid_watch *watch, uint64_t run, pid_t first, char *const *words);
// Watch one process that runs already, and leave its files alone.  false: there is none.
bool mid_watch_attach(struct mid_watch *watch, pid_t pid);
void mid_watch_close(struct mid_watch *watch);

double mid_watch_seconds(const struct mid_watch *watch);

// Look at all processes.  The feed of one that has ended is read a last time and removed.
void mid_watch_look(struct mid_watch *watch);

// Seconds until the next look: soon in the beginning, since many programs are short, then ten a
// second, and less often where looks are costly.  They may take a hundredth of a processor.
double mid_watch_delay(const struct mid_watch *watch);

// Look at the processes that wait for their last look (feed/bell.h), then call `look` for each of
// them whose number is that of a process here, and let them go on.
void mid_watch_last_looks(struct mid_watch *watch,
                          void (*look)(void *self, struct mid_process *process), void *self);

// All processes but the first are known by their feeds alone: take the figures of those that
// no look met alive, and remove their feeds.  After the last look.
void mid_watch_finish(struct mid_watch *watch);

#endif
