// replay/loop.c -- see loop.h.
// SPDX-License-Identifier: MIT
//
// The loop is compiled twice, so that the one that is timed does nothing but the operations.  The
// no-op calls run through the very same code, touches and waiting included.
#include "replay/loop.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/check.h"
#include "replay/measure.h"

enum { SPINS = 100 };

struct mid_lane *mid_lanes;

// ---- what the program would write ----

static inline void store_word(char *at) {
  const uint64_t word = 0x5a5a5a5a5a5a5a5au;
  memcpy(at, &word, sizeof word);
}

// The first and the last word.
static inline void touch_ends(char *p, size_t bytes, size_t reach) {
  if (bytes >= 8) {
    store_word(p);
    store_word(p + ((bytes - 8) & reach));
  } else if (bytes > 0) {
    p[0] = p[bytes - 1] = 0x5a;
  }
}

// Bytes from `from` on; what is out of reach is written within.
static void touch_all(char *p, size_t from, size_t bytes, size_t reach) {
  for (size_t piece; from < bytes; from += piece) {
    piece = mid_min(bytes - from, reach == SIZE_MAX ? SIZE_MAX : reach + 1);
    memset(p + (from & reach), 0x5a, piece);
  }
}

// ---- checking: each block is filled with what its slot tells ----

static uint64_t pattern_at(uint32_t slot, size_t word) {
  return ((uint64_t)slot + 1) * 0x9e3779b97f4a7c15u + word * 0xd1b54a32d192ed03u;
}

static void pattern_fill(char *p, size_t bytes, uint32_t slot) {
  for (size_t at = 0; at < bytes; at += 8) {
    uint64_t word = pattern_at(slot, at / 8);
    memcpy(p + at, &word, mid_min(8, bytes - at));
  }
}

static bool pattern_holds(const char *p, size_t bytes, uint32_t slot) {
  for (size_t at = 0; at < bytes; at += 8) {
    uint64_t word = pattern_at(slot, at / 8);
    if (memcmp(p + at, &word, mid_min(8, bytes - at)) != 0) return false;
  }
  return true;
}

static bool is_zero(const char *p, size_t bytes) {
  return bytes == 0 || (p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

// ---- ends ----

static uint64_t all_done(const struct mid_errand *errand) {
  uint64_t done = 0;
  for (int i = 0; i < MID_REPLAY_LANES_MOST; i++)
    done += atomic_load_explicit(&errand->lane[i].xdone, memory_order_relaxed);
  return done;
}

// The operation that is not done yet was the one.
static _Noreturn void end_with(const struct mid_lane *lane, uint32_t state) {
  struct mid_errand *errand = lane->replay->errand;
  errand->failed = all_done(errand) + 1;
  errand->state = state;
  _exit(1);
}

static void refused(const struct mid_lane *lane) {
  struct mid_errand *errand = lane->replay->errand;
  if (errand->region == 0) end_with(lane, MID_REPLAY_REFUSED);
  if (errand->failures++ == 0) errand->failed = all_done(errand) + 1;
}

// ---- measuring ----

static void take_sample(struct mid_replay *r) {
  struct mid_errand *errand = r->errand;
  int64_t live = 0, used = 0;
  for (uint32_t i = 0; i < r->plan->lanes; i++) {
    live += atomic_load_explicit(&mid_lanes[i].xlive, memory_order_relaxed);
    used += atomic_load_explicit(&mid_lanes[i].xused, memory_order_relaxed);
  }
  uint64_t asked = live > 0 ? (uint64_t)live : 0, extent = mid_pages_bytes();
  uint64_t usable = used > 0 ? (uint64_t)used : 0, peak = extent, rss = mid_measure_rss();
  if (r->calls.stats != NULL) {
    midden_stats stats = r->calls.stats(r->calls.self);
    extent = stats.committed_bytes;
    peak = stats.peak_bytes;
    usable = errand->knows_usable ? stats.live_bytes : asked;
  }
  errand->samples++;
  errand->live_sum += asked;
  errand->used_sum += mid_max(usable, asked);
  errand->extent_sum += extent;
  errand->rss_sum += rss;
  errand->live_peak = mid_max(errand->live_peak, asked);
  errand->extent_peak = mid_max(errand->extent_peak, peak);
  errand->rss_peak = mid_max(errand->rss_peak, rss);
}

static void add_to(_Atomic int64_t *sum, int64_t bytes) {
  atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) + bytes,
                        memory_order_relaxed);
}

static void note_block(struct mid_lane *lane, struct mid_slot *slot, uint64_t asked_before,
                       uint64_t usable_before) {
  struct mid_replay *r = lane->replay;
  slot->usable = slot->asked;
  if (r->calls.usable != NULL && slot->p != NULL) slot->usable = r->calls.usable(slot->p);
  add_to(&lane->xlive, (int64_t)(slot->asked - asked_before));
  add_to(&lane->xused, (int64_t)(slot->usable - usable_before));
  if (r->calls.stats != NULL || r->calls.reach != SIZE_MAX) return;
  pthread_mutex_lock(&r->lock);
  mid_pages_add(slot->p, slot->usable);
  pthread_mutex_unlock(&r->lock);
}

static void note_address(const struct mid_lane *lane, const char *p) {
  struct mid_replay *r = lane->replay;
  if (r->errand->flags & MID_REPLAY_ADDRESSES)
    r->errand->address[lane->done] =
        p == NULL ? MID_REPLAY_NOWHERE : (uint64_t)(p - r->calls.region);
}

static void maybe_sample(struct mid_lane *lane) {
  struct mid_replay *r = lane->replay;
  if (--lane->until_sample > 0) return;
  lane->until_sample = r->every;
  pthread_mutex_lock(&r->lock);
  take_sample(r);
  pthread_mutex_unlock(&r->lock);
}

// ---- operations ----

static void wait_for(struct mid_slot *slot, uint32_t version) {
  for (unsigned spins = 0;; spins++) {
    uint32_t now = atomic_load_explicit(&slot->xversion, memory_order_acquire);
    if ((int32_t)(now - version) >= 0) return;
    if (spins >= SPINS) sched_yield();
  }
}

static inline void publish(struct mid_slot *slot) {
  uint32_t now = atomic_load_explicit(&slot->xversion, memory_order_relaxed);
  atomic_store_explicit(&slot->xversion, now + 1, memory_order_release);
}

static inline __attribute__((always_inline)) void touch(const struct mid_replay *r, char *p,
                                                        size_t from, size_t bytes) {
  if (r->errand->flags & MID_REPLAY_TOUCH_ALL)
    touch_all(p, from, bytes, r->calls.reach);
  else
    touch_ends(p, bytes, r->calls.reach);
}

static void verify_birth(struct mid_lane *lane, const struct mid_plan_op *op, char *p) {
  if (op->kind == MID_PLAN_CALLOC && !is_zero(p, op->bytes)) end_with(lane, MID_REPLAY_CORRUPT);
  if (op->kind == MID_PLAN_ALIGNED && (uintptr_t)p % ((uintptr_t)1 << op->align) != 0)
    end_with(lane, MID_REPLAY_CORRUPT);
  pattern_fill(p, op->bytes, op->slot);
}

static inline __attribute__((always_inline)) void birth(struct mid_lane *lane,
                                                        const struct mid_plan_op *op, char *p,
                                                        bool measure) {
  struct mid_replay *r = lane->replay;
  struct mid_slot *slot = &r->slot[op->slot];
  if (mid_unlikely(p == NULL) && op->bytes > 0) refused(lane);
  slot->p = p;
  slot->asked = p == NULL ? 0 : op->bytes;
  if (p != NULL && measure && (r->errand->flags & MID_REPLAY_VERIFY))
    verify_birth(lane, op, p);
  else if (p != NULL)
    touch(r, p, 0, op->bytes);
  if (measure) {
    note_block(lane, slot, 0, 0);
    note_address(lane, p);
  }
  publish(slot);
}

static inline __attribute__((always_inline)) void resize(struct mid_lane *lane,
                                                         const struct mid_plan_op *op,
                                                         bool measure) {
  struct mid_replay *r = lane->replay;
  struct mid_slot *slot = &r->slot[op->slot];
  uint64_t asked = slot->asked, usable = slot->usable;
  // A realloc to nothing is a free in some libraries.
  char *p = r->calls.resize(r->calls.self, slot->p, asked, mid_max(op->bytes, 1));
  bool verify = measure && (r->errand->flags & MID_REPLAY_VERIFY);
  if (mid_unlikely(p == NULL)) {
    refused(lane);
  } else {
    if (verify && !pattern_holds(p, mid_min(asked, op->bytes), op->slot))
      end_with(lane, MID_REPLAY_CORRUPT);
    slot->p = p;
    slot->asked = op->bytes;
    if (verify)
      pattern_fill(p, op->bytes, op->slot);
    else
      touch(r, p, asked, op->bytes);
    if (measure) note_block(lane, slot, asked, usable);
  }
  if (measure) note_address(lane, p);
  publish(slot);
}

static inline __attribute__((always_inline)) void death(struct mid_lane *lane,
                                                        const struct mid_plan_op *op,
                                                        bool measure) {
  struct mid_replay *r = lane->replay;
  struct mid_slot *slot = &r->slot[op->slot];
  if (mid_unlikely(slot->p == NULL)) return;
  if (measure) {
    bool verify = r->errand->flags & MID_REPLAY_VERIFY;
    if (verify && !pattern_holds(slot->p, slot->asked, op->slot))
      end_with(lane, MID_REPLAY_CORRUPT);
    add_to(&lane->xlive, -(int64_t)slot->asked);
    add_to(&lane->xused, -(int64_t)slot->usable);
  }
  r->calls.free(r->calls.self, slot->p, slot->asked);
}

static inline __attribute__((always_inline)) void run(struct mid_lane *lane,
                                                      const struct mid_plan_op *op, uint64_t count,
                                                      bool measure) {
  const struct mid_calls *c = &lane->replay->calls;
  _Atomic uint64_t *done = &lane->replay->errand->lane[lane->number].xdone;
  for (const struct mid_plan_op *end = op + count; op < end; op++) {
    if (op->need != 0) wait_for(&lane->replay->slot[op->slot], op->need);
    switch (op->kind) {
      case MID_PLAN_MALLOC:
        birth(lane, op, c->alloc(c->self, op->bytes), measure);
        break;
      case MID_PLAN_CALLOC:
        birth(lane, op, c->zeroed(c->self, op->bytes), measure);
        break;
      case MID_PLAN_ALIGNED:
        birth(lane, op, c->aligned(c->self, op->bytes, (size_t)1 << op->align), measure);
        break;
      case MID_PLAN_REALLOC:
        birth(lane, op, c->resize(c->self, NULL, 0, op->bytes), measure);
        break;
      case MID_PLAN_RESIZE:
        resize(lane, op, measure);
        break;
      default:
        death(lane, op, measure);
    }
    if (measure) maybe_sample(lane);
    atomic_store_explicit(done, ++lane->done, memory_order_relaxed);
  }
}

void mid_loop_run(struct mid_lane *lane, const struct mid_plan_op *op, uint64_t count) {
  if (lane->replay->errand->flags & MID_REPLAY_MEASURE)
    run(lane, op, count, true);
  else
    run(lane, op, count, false);
}
