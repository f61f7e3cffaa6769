// span/span.c -- runs of slices: taken, given, counted and limited.
// SPDX-License-Identifier: MIT
//
// All state is under one lock.  Memory comes from the system in growing pieces that follow each
// other in the first window while the kernel lets them; a run is cut from the free ones, dirty
// before clean, and only then from new address space.
//
//   used  = bytes charged to spans in use     (carved pages of small spans, whole large blocks)
//   dirty = resident bytes of free runs       (at most)
//   used + dirty  =  committed  <=  heap_limit, when there is one
#include "span/span.h"

#include <string.h>

#include "base/bits.h"
#include "base/options.h"
#include "os/os.h"
#include "span/bound.h"
#include "span/limit.h"
#include "span/map.h"
#include "span/runs.h"

static struct mid_lock span_lock;
static struct mid_lock purge_lock;  // taken before span_lock: one purges at a time
static struct mid_feed_process totals;
static uintptr_t next_base;  // where new address space is asked for first
static size_t span_count;    // in use
static size_t meta_bytes;
static _Atomic bool over_bound;  // x: looked at before the lock is taken; written under it
static _Atomic bool changed;     // x: since mid_span_changed last looked

// Address space is taken in pieces of this size, so that system calls are few; less under a limit.
static size_t piece_bytes = (size_t)32 << 20;

void mid_span_start(void) {
  uint64_t limit = mid_os_address_limit();
  while (piece_bytes > MID_SLICE_BYTES && piece_bytes > limit / 16) piece_bytes /= 2;
  next_base = mid_map_start();
  totals.map_root = (uintptr_t)mid_map_root;
  mid_limit_start();
}

// ---- totals ----

static void count_committed(void) {
  totals.dirty = mid_runs_dirty_bytes();
  atomic_store_explicit(&over_bound, totals.dirty > mid_bound_now(totals.used),
                        memory_order_relaxed);
  atomic_store_explicit(&changed, true, memory_order_relaxed);
  totals.peak_committed = mid_max(totals.peak_committed, totals.used + totals.dirty);
}

static struct mid_feed_process totals_now(void) {
  struct mid_feed_process now = totals;
  now.dirty = mid_runs_dirty_bytes();
  now.dirty_bound = mid_bound_now(totals.used);
  now.spans_used = span_count;
  now.spans_free = mid_runs_count();
  now.limit = mid_limit_now();
  now.metadata = meta_bytes + now.mapped / MID_SLICE_BYTES * sizeof(struct mid_span);
  return now;
}

struct mid_feed_process mid_span_totals(void) {
  mid_lock_take(&span_lock);
  struct mid_feed_process now = totals_now();
  mid_lock_give(&span_lock);
  return now;
}

void mid_span_locked(void (*f)(struct mid_feed_process *totals, void *context), void *context) {
  mid_lock_take(&span_lock);
  struct mid_feed_process now = totals_now();
  f(&now, context);
  mid_lock_give(&span_lock);
}

bool mid_span_changed(void) {
  return atomic_load_explicit(&changed, memory_order_relaxed) &&
         atomic_exchange_explicit(&changed, false, memory_order_relaxed);
}

void mid_span_count_large(const struct mid_span *span, bool taken, bool resized) {
  mid_lock_take(&span_lock);
  uint64_t sign = taken ? 1 : (uint64_t)-1;
  totals.large_blocks += sign;
  totals.large_bytes += sign * span->bytes;
  totals.large_asked += sign * span->asked;
  if (taken && !resized) totals.large_allocated++, totals.large_allocated_bytes += span->bytes;
  atomic_store_explicit(&changed, true, memory_order_relaxed);
  mid_lock_give(&span_lock);
}

void mid_span_count_heaps(int change) {
  mid_lock_take(&span_lock);
  totals.heaps_open += (uint64_t)(int64_t)change;
  if (change > 0) totals.heaps_started++;
  totals.heaps_peak = mid_max(totals.heaps_peak, totals.heaps_open);
  mid_lock_give(&span_lock);
}

// ---- Midden's own records ----

void *mid_meta_take(size_t bytes) {
  static char *at, *end;
  enum { PIECE = 256 << 10 };  // of addresses: pages are backed as they are touched
  bytes = mid_round_up(bytes, 64);
  void *p = NULL;
  mid_lock_take(&span_lock);
  if ((size_t)(end - at) < bytes) {
    size_t need = mid_round_up(bytes, mid_os_page_bytes()), piece = mid_max(PIECE, need);
    char *more = mid_os_map(NULL, piece);
    if (more == NULL) more = mid_os_map(NULL, piece = need);
    if (more != NULL) at = more, end = more + piece;
  }
  if ((size_t)(end - at) >= bytes) {
    p = at;
    at += bytes;
    meta_bytes += bytes;
  }
  mid_lock_give(&span_lock);
  return p;
}

// ---- new address space ----

// Memory from the system with records made for it: where the last piece ended, a little above when
// that is taken, or anywhere.
static char *space_map(size_t bytes) {
  uintptr_t at = next_base;
  for (int tries = 0; at != 0 && tries < 4; tries++, at += mid_round_up(bytes, (size_t)1 << 30)) {
    char *p = mid_os_map((void *)at, bytes);
    if (p == NULL) continue;
    if (mid_map_add(at, bytes)) {
      next_base = at + bytes;
      return p;
    }
    mid_os_unmap(p, bytes);
    break;  // beyond the table
  }
  char *p = mid_os_map_aligned(bytes, MID_SLICE_BYTES);
  if (p == NULL || mid_map_add((uintptr_t)p, bytes)) return p;
  mid_os_unmap(p, bytes);
  return NULL;
}

static bool space_add(size_t bytes) {
  char *p = space_map(bytes);
  if (p == NULL) return false;
  totals.mapped += bytes;
  struct mid_span *span = mid_map_find(p);
  // A run never crosses a window, whose table ends there.
  for (size_t left = bytes >> MID_SLICE_SHIFT; left > 0;) {
    uintptr_t window_end = ((uintptr_t)p | (((uintptr_t)1 << MID_WINDOW_SHIFT) - 1)) + 1;
    size_t part = mid_min(left, (window_end - (uintptr_t)p) >> MID_SLICE_SHIFT);
    span->slices = (uint32_t)part;
    span->bytes = span->asked = 0;
    mid_runs_put(span);
    p += part * MID_SLICE_BYTES;
    left -= part;
    if (left > 0) span = mid_map_find(p);
  }
  return true;
}

// Grow so that a run of `slices` at `align` exists: by a piece, or where the system refuses that,
// by ever less down to what is needed.
static bool space_grow(size_t slices, size_t align) {
  size_t need = slices << MID_SLICE_SHIFT;
  if (align > MID_SLICE_BYTES) need += align - MID_SLICE_BYTES;
  size_t piece =
      mid_max(need, mid_max(piece_bytes, mid_round_down(totals.mapped / 8, piece_bytes)));
  for (; piece > need; piece = mid_max(need, mid_round_down(piece / 2, MID_SLICE_BYTES)))
    if (space_add(piece)) return true;
  return space_add(need);
}

// ---- take and give ----

static void record_clear(struct mid_span *span, uint8_t state) {
  uint32_t slices = span->slices;
  bool zero = span->bytes == 0, moved = span->moved;
  uint32_t before = (uint32_t)(span->bytes / mid_os_page_bytes());
  memset((void *)span, 0, sizeof *span);
  span->slices = slices;
  span->state = state;
  span->zero = zero;
  span->moved = moved;
  span->before = before;
  for (uint32_t i = 1; state == MID_SPAN_SMALL && i < slices; i++) {
    span[i].state = MID_SPAN_INNER;
    span[i].slices = i;
    atomic_store_explicit(&span[i].owner, MID_OWNER_NONE, memory_order_relaxed);
  }
}

static bool is_huge(size_t slices) { return slices >= MID_WINDOW_SLICES / 2; }

// A mapping of its own; only its first slice has a record.
static struct mid_span *huge_take(size_t slices, size_t align) {
  if (slices > UINT32_MAX || slices > PTRDIFF_MAX / MID_SLICE_BYTES) return NULL;
  size_t bytes = slices * MID_SLICE_BYTES, most = (size_t)1 << MID_ADDRESS_BITS;
  if (align < MID_SLICE_BYTES) align = MID_SLICE_BYTES;
  if (bytes >= most || align >= most - bytes) return NULL;
  char *p = mid_os_map_aligned(bytes, align);
  if (p == NULL) return NULL;
  if (!mid_map_add((uintptr_t)p, MID_SLICE_BYTES)) {
    mid_os_unmap(p, bytes);
    return NULL;
  }
  totals.mapped += bytes;
  struct mid_span *span = mid_map_find(p);
  span->slices = (uint32_t)slices;
  span->bytes = span->asked = 0;
  span->moved = false;
  return span;
}

static void huge_give(struct mid_span *span) {
  size_t bytes = span->slices * MID_SLICE_BYTES;
  mid_os_unmap((void *)mid_span_base(span), bytes);
  atomic_store_explicit(&span->owner, MID_OWNER_NONE, memory_order_relaxed);
  span->state = MID_SPAN_NONE;
  totals.mapped -= bytes;
}

static struct mid_span *run_take(size_t slices, size_t align) {
  if (is_huge(slices) || align > (size_t)1 << (MID_WINDOW_SHIFT - 2))
    return huge_take(slices, align);
  struct mid_span *span = mid_runs_take(slices, align);
  if (span == NULL && space_grow(slices, align)) span = mid_runs_take(slices, align);
  if (span != NULL || mid_runs_dirty_bytes() == 0) return span;
  // At a limit: what was dirty joins its clean neighbours.
  mid_lock_give(&span_lock);
  mid_span_purge_all();
  mid_lock_take(&span_lock);
  return mid_runs_take(slices, align);
}

struct mid_span *mid_span_take(size_t slices, size_t align, uint8_t state, bool urgent) {
  mid_lock_take(&span_lock);
  struct mid_span *span = run_take(slices, align);
  if (span != NULL) {
    mid_bound_work(slices * MID_SLICE_BYTES, span->asked, totals.used);
    totals.retouched += span->asked;
    record_clear(span, state);
    span->own_mapping = is_huge(slices) || align > (size_t)1 << (MID_WINDOW_SHIFT - 2);
    span_count++;
  } else if (!urgent) {
    totals.refused++;
  }
  mid_lock_give(&span_lock);
  return span;
}

// Whether `bytes` more may be committed; dirty memory makes way first.
static bool limit_admits(size_t bytes, bool urgent) {
  if (urgent || mid_limit_admits(totals.used + mid_runs_dirty_bytes(), bytes)) return true;
  mid_lock_give(&span_lock);
  mid_span_purge_all();
  mid_lock_take(&span_lock);
  if (mid_limit_admits(totals.used + mid_runs_dirty_bytes(), bytes)) return true;
  totals.refused++;
  return false;
}

bool mid_span_charge(struct mid_span *span, size_t bytes, bool urgent) {
  mid_lock_take(&span_lock);
  bool admitted = limit_admits(bytes, urgent);
  if (admitted) {
    span->bytes += bytes;
    totals.used += bytes;
    count_committed();
  }
  mid_lock_give(&span_lock);
  return admitted;
}

// Resident bytes, at most, above the first `from` of a run in use: what this use charged, and what
// the run held before, which may lie anywhere in it.
static size_t resident_above(const struct mid_span *span, size_t from) {
  size_t charged = span->bytes > from ? span->bytes - from : 0;
  size_t room = span->slices * MID_SLICE_BYTES - from;
  return mid_min(charged + span->before * mid_os_page_bytes(), room);
}

static void give_locked(struct mid_span *span, bool moved_away) {
  bool medium = span->state == MID_SPAN_SMALL && span->slices > 1;
  for (uint32_t i = 1; medium && i < span->slices; i++) span[i].state = MID_SPAN_NONE;
  atomic_store_explicit(&span->heap, NULL, memory_order_relaxed);
  span->block_bytes = 0;
  span->asked = moved_away;  // a sign that it was in use, and no page that was given back
  totals.used -= span->bytes;
  span->bytes = resident_above(span, moved_away ? span->bytes : 0);
  span_count--;
  if (span->own_mapping)
    huge_give(span);
  else
    mid_runs_put(span);
  count_committed();
}

void mid_span_give(struct mid_span *span) {
  mid_lock_take(&span_lock);
  give_locked(span, false);
  mid_lock_give(&span_lock);
}

void mid_span_give_moved(struct mid_span *span) {
  mid_lock_take(&span_lock);
  give_locked(span, true);
  mid_lock_give(&span_lock);
}

// ---- resize in place ----

static bool grow_locked(struct mid_span *span, size_t slices, size_t bytes, bool urgent) {
  if (span->own_mapping) return false;
  size_t more = slices > span->slices ? slices - span->slices : 0;
  struct mid_span *after =
      mid_map_find((void *)(mid_span_base(span) + span->slices * MID_SLICE_BYTES));
  if (more > 0 && after != span + span->slices) return false;
  if (more > 0 && (mid_runs_at(after) == NULL || after->slices < more)) return false;
  if (!limit_admits(bytes - span->bytes, urgent)) return false;
  // The lock may have been let go meanwhile.
  if (more > 0 && (mid_runs_at(after) == NULL || after->slices < more)) return false;
  if (more > 0) {
    after = mid_runs_cut(after, more);
    mid_bound_work(more * MID_SLICE_BYTES, after->asked, totals.used);
    totals.retouched += after->asked;
    span->zero &= after->bytes == 0;
    span->before += (uint32_t)(after->bytes / mid_os_page_bytes());
    span->moved |= after->moved;
    after->bytes = after->asked = 0;
    span->slices = (uint32_t)slices;
  }
  totals.used += bytes - span->bytes;
  span->bytes = bytes;
  count_committed();
  return true;
}

static void shrink_locked(struct mid_span *span, size_t slices, size_t bytes) {
  totals.used -= span->bytes - bytes;
  size_t rest_bytes = 0;
  if (slices < span->slices) rest_bytes = resident_above(span, slices * MID_SLICE_BYTES);
  span->before = (uint32_t)(resident_above(span, 0) / mid_os_page_bytes());
  if (slices < span->slices && !span->own_mapping) {
    struct mid_span *rest = span + slices;
    rest->slices = span->slices - (uint32_t)slices;
    rest->bytes = rest_bytes;
    rest->asked = 0;
    rest->state = MID_SPAN_NONE;
    rest->moved = span->moved;
    span->slices = (uint32_t)slices;
    mid_runs_put(rest);
  }
  span->bytes = bytes;
  count_committed();
}

bool mid_span_resize(struct mid_span *span, size_t slices, size_t bytes, bool urgent) {
  mid_lock_take(&span_lock);
  bool done = true;
  if (bytes > span->bytes)
    done = grow_locked(span, slices, bytes, urgent);
  else
    shrink_locked(span, slices, bytes);
  mid_lock_give(&span_lock);
  return done;
}

// ---- purge ----

// Purge `head`, a dirty run, or the part of it above what may stay.  The lock is let go meanwhile:
// the run is in no list and no state that another could take.
static size_t purge_run(struct mid_span *head, size_t excess) {
  size_t slices = head->slices;
  size_t want = mid_round_up(excess, MID_SLICE_BYTES) >> MID_SLICE_SHIFT;
  size_t keep = want < slices ? slices - want : 0;
  // The low part of a run is used again first.  Where in a run that is mostly not resident the rest
  // lies is not known: it goes whole.
  bool dense = head->bytes >= slices * (MID_SLICE_BYTES / 8 * 7);
  if (!dense || keep * 8 < slices) keep = 0;
  struct mid_span *part = mid_runs_cut(head, keep > 0 ? keep : slices);
  if (keep > 0) {
    struct mid_span *low = part;
    part = mid_runs_at(low + keep);
    MID_ASSERT(part != NULL);
    part = mid_runs_cut(part, slices - keep);
    mid_runs_put(low);
  }
  size_t bytes = part->slices * MID_SLICE_BYTES, gone = part->bytes;
  void *base = (void *)mid_span_base(part);
  bool moved = part->moved;
  mid_lock_give(&span_lock);
  if (!moved || !mid_os_renew(base, bytes)) mid_os_purge(base, bytes);
  mid_lock_take(&span_lock);
  part->bytes = 0;
  part->moved = false;
  part->asked = gone;
  totals.purged += gone;
  mid_runs_put(part);
  return gone;
}

// Purge the longest runs until no more than `keep` is dirty.
static size_t purge_to(size_t keep) {
  size_t gone = 0;
  while (mid_runs_dirty_bytes() > keep)
    gone += purge_run(mid_runs_longest_dirty(), mid_runs_dirty_bytes() - keep);
  return gone;
}

size_t mid_span_settle(void) {
  if (!atomic_load_explicit(&over_bound, memory_order_relaxed)) return 0;
  mid_lock_take(&purge_lock);
  mid_lock_take(&span_lock);
  size_t bound = mid_bound_now(totals.used), gone = 0;
  if (mid_runs_dirty_bytes() > bound) gone = purge_to(bound / 2);
  count_committed();
  mid_lock_give(&span_lock);
  mid_lock_give(&purge_lock);
  return gone;
}

size_t mid_span_purge_all(void) {
  mid_lock_take(&purge_lock);
  mid_lock_take(&span_lock);
  size_t gone = purge_to(0);
  mid_bound_reset();
  count_committed();
  mid_lock_give(&span_lock);
  mid_lock_give(&purge_lock);
  return gone;
}

// ---- around ----

void mid_span_lock_all(void) {
  mid_lock_take(&purge_lock);
  mid_lock_take(&span_lock);
}

void mid_span_unlock_all(void) {
  mid_lock_give(&span_lock);
  mid_lock_give(&purge_lock);
}

static void visit_window(size_t w, void (*visit)(struct mid_span *, void *), void *context) {
  struct mid_span *span = atomic_load_explicit(&mid_map_root[w].spans, memory_order_relaxed);
  size_t slices = atomic_load_explicit(&mid_map_root[w].slices, memory_order_acquire);
  for (size_t i = 0; i < slices;) {
    uint8_t state = span[i].state;
    bool head = state != MID_SPAN_NONE && state != MID_SPAN_INNER && state != MID_SPAN_TAIL;
    if (head) visit(&span[i], context);
    i += head && span[i].slices > 0 ? span[i].slices : 1;
  }
}

void mid_span_visit(void (*visit)(struct mid_span *span, void *context), void *context) {
  for (size_t w = 0; w < MID_WINDOWS; w++)
    if (atomic_load_explicit(&mid_map_root[w].spans, memory_order_acquire) != NULL)
      visit_window(w, visit, context);
}

static void add_resident(struct mid_span *span, void *context) {
  uint64_t *bytes = context;
  if (span->state == MID_SPAN_CLEAN) return;
  *bytes += mid_os_resident_in((void *)mid_span_base(span), span->slices * MID_SLICE_BYTES);
}

uint64_t mid_span_resident(void) {
  uint64_t bytes = 0;
  mid_lock_take(&span_lock);
  mid_span_visit(add_resident, &bytes);
  mid_lock_give(&span_lock);
  return bytes;
}

const char *mid_span_broken(void) {
  mid_lock_take(&span_lock);
  const char *broken = mid_runs_broken();
  mid_lock_give(&span_lock);
  return broken;
}
