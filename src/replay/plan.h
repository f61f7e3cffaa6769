// replay/plan.h -- what the command hands to the replayer, and what it gets back: two shared files.
// SPDX-License-Identifier: MIT
//
// A plan is a trace made ready: every operation names the slot that its block's address is kept in,
// so that the replayer decodes nothing and looks nothing up while the clock runs.
//
//   +------+---------+-------+------------------+---------------------+
//   | head | threads | lanes | ops, by thread   | ops, in one order   |
//   +------+---------+-------+------------------+---------------------+
//
// A lane is a row of threads of which each began after the one before it had ended: as many lanes
// run at once as threads did.  A slot is used again only by the thread whose block left it, so no
// order between threads comes of it.  slot.version counts its births and resizes; an operation on
// what another thread had last waits until the version is `need`.
#ifndef MID_REPLAY_PLAN_H
#define MID_REPLAY_PLAN_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mid_plan_kind {
  MID_PLAN_MALLOC,
  MID_PLAN_CALLOC,
  MID_PLAN_ALIGNED,
  MID_PLAN_REALLOC,  // of NULL
  MID_PLAN_FREE,
  MID_PLAN_RESIZE,
};

struct mid_plan_op {
  uint32_t slot;
  uint32_t need;  // 0: this thread had the block last
  uint64_t bytes : 48;
  uint64_t kind : 8;
  uint64_t align : 8;  // as a power of two
};
_Static_assert(sizeof(struct mid_plan_op) == 16, "a plan is as compact as it may be");

#define MID_PLAN_BYTES_MOST (((uint64_t)1 << 48) - 1)  // of one block

struct mid_plan_thread {
  uint64_t first, count;  // of the ops by thread
  uint32_t next;          // in its lane; MID_PLAN_NONE: it is the last
  uint32_t lane;
};
#define MID_PLAN_NONE UINT32_MAX

struct mid_plan {
  uint64_t bytes;  // of the file
  uint64_t ops;
  uint32_t slots, threads, lanes;
  uint64_t threads_at, lanes_at, ops_at, order_at;  // offsets in the file; a lane: its first thread
};

static inline const void *mid_plan_part(const struct mid_plan *plan, uint64_t at) {
  return (const char *)plan + at;
}

// ---- the errand: what to do, and how it went ----

enum {
  MID_REPLAY_MEASURE = 1,    // memory and fragmentation, not time
  MID_REPLAY_VERIFY = 2,     // fill every block, and check it; with MEASURE
  MID_REPLAY_TOUCH_ALL = 4,  // every byte of a block, not its first and last word
  MID_REPLAY_IN_ORDER = 8,   // one thread, all events in their one order
  MID_REPLAY_BARE = 16,      // policies keep tags apart from blocks
  MID_REPLAY_ADDRESSES = 32  // tell where each block went
};

enum mid_replay_state {
  MID_REPLAY_STARTING,
  MID_REPLAY_RUNNING,
  MID_REPLAY_DONE,
  MID_REPLAY_REFUSED,   // there was no memory for `failed`
  MID_REPLAY_CORRUPT,   // the block of `failed` did not hold what was written to it
  MID_REPLAY_NO_TABLES  // there was no memory for the replayer itself
};

enum { MID_REPLAY_LANES_MOST = 1024 };

struct mid_errand {
  // asked
  char allocator[32];  // "malloc", "no-op", or the name of a policy
  uint32_t flags;
  uint64_t region;  // bytes of a policy's region, in which failures count and end nothing; 0: it
  uint64_t most;    //   grows to so many

  // answered
  uint32_t state;
  char malloc_is_in[PATH_MAX];  // the file
  uint64_t own_bytes;           // resident, of the replayer's own
  uint64_t ns;                  // from the first operation to the end of the last
  uint64_t failures, failed;    // the number of the first operation that failed, from 1 on
  bool knows_usable;            // what blocks are larger than asked
  uint64_t samples;
  uint64_t live_sum, used_sum, extent_sum, rss_sum;  // bytes, over all samples
  uint64_t live_peak, extent_peak, rss_peak;
  struct {
    _Alignas(64) _Atomic uint64_t xdone;  // by the lane alone; read by all
  } lane[MID_REPLAY_LANES_MOST];
  uint64_t address[];  // of the block, by operation: offsets in the region; MID_REPLAY_NOWHERE
};
#define MID_REPLAY_NOWHERE UINT64_MAX

// The files are open in the replayer as these.
enum { MID_REPLAY_PLAN_FD = 3, MID_REPLAY_ERRAND_FD = 4 };

#endif
