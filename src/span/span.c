// span/span.c -- runs of slices: taken, given, counted and limited.
// SPDX-License-Identifier: MIT
//
// All state is under one lock.  Memory comes from the system in growing pieces that follow each
// other in the first window while the kernel lets them; a run is cut from the free ones, dirty
// before clean, and only then from new address space.
//
//   used  = bytes charged to spans in use     (carved pages of small spans, whole large blocks)
//   stale = resident bytes of spans in use that are not charged: the run was dirty  (at most)
//   dirty = resident bytes of free runs       (at most)
//   used + stale + dirty  =  committed  <=  heap_limit, when there is one
#include "span/span.h"

#include <string.h>

#include "base/bits.h"
#include "base/options.h"
#include "os/os.h"
#include "span/back.h"
#include "span/bound.h"
#include "span/limit.h"
#include "span/map.h"
#include "span/resident.h"
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

static size_t purge_to(size_t keep);

void mid_span_start(void) {
  uint64_t limit = mid_os_address_limit();
  while (piece_bytes > MID_SLICE_BYTES && piece_bytes > limit / 16) piece_bytes /= 2;
  next_base = mid_map_start();
  totals.map_root = (uintptr_t)mid_map_root;
  mid_limit_start();
}

// ---- totals ----

static size_t committed(void) { return totals.used + totals.stale + mid_runs_dirty_bytes(); }

static void count_committed(void) {
  totals.dirty = mid_runs_dirty_bytes();
  mid_bound_used(totals.used);
  atomic_store_explicit(&over_bound, totals.dirty > mid_bound_now(totals.used),
                        memory_order_relaxed);
  atomic_store_explicit(&changed, true, memory_order_relaxed);
  totals.peak_committed = mid_max(totals.peak_committed, committed());
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

struct mid_meta *mid_metas;

void *mid_meta_take(size_t bytes) {
  static char *at, *end;
  enum { PIECE = 256 << 10, HEAD = 64 };  // of addresses: pages are backed as they are touched
  bytes = mid_round_up(bytes, 64);
  void *p = NULL;
  mid_lock_take(&span_lock);
  if ((size_t)(end - at) < bytes) {
    size_t need = mid_round_up(HEAD + bytes, mid_os_page_bytes()), piece = mid_max(PIECE, need);
    char *more = mid_os_map(NULL, piece);
    if (more == NULL) more = mid_os_map(NULL, piece = need);
    if (more != NULL) {
      *(struct mid_meta *)more = (struct mid_meta){mid_metas, piece};
      mid_metas = (struct mid_meta *)more;
      at = more + HEAD;
      end = more + piece;
    }
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
    span->asked = 0;
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

// Bytes of a span in use that may be resident and are not charged: the pages of an earlier use.
// Charges may land on them.
static size_t stale_of(const struct mid_span *span) { return mid_resident_beside(span, 0); }

// Around every change of what stale_of reads.
static void stale_drop(const struct mid_span *span) { totals.stale -= stale_of(span); }
static void stale_add(const struct mid_span *span) { totals.stale += stale_of(span); }

static void record_clear(struct mid_span *span, uint8_t state) {
  uint32_t slices = span->slices;
  bool zero = span->bytes == 0, moved = span->moved;
  uint16_t before = span->before;
  memset((void *)span, 0, sizeof *span);
  span->slices = slices;
  span->state = state;
  span->zero = zero;
  span->moved = moved;
  span->before = before;
  for (uint32_t i = 1; state == MID_SPAN_SMALL && i < slices; i++) {
    span[i].state = MID_SPAN_INNER;
    atomic_store_explicit(&span[i].gone, 0, memory_order_relaxed);
    span[i].slices = i;
  }
}

// What is resident in the run of a new span keeps others from that memory: a span of blocks charges
// little of it at first, a large block not all.  Near a limit it goes.  Nobody knows of the span
// yet, so the lock may be let go.
static void stale_make_way(struct mid_span *span) {
  size_t stale = stale_of(span);
  size_t more = span->state == MID_SPAN_SMALL ? stale : span->slices * MID_SLICE_BYTES;
  if (stale == 0 || mid_limit_admits(committed(), more)) return;
  mid_lock_give(&span_lock);
  mid_os_purge((void *)mid_span_base(span), span->slices * MID_SLICE_BYTES);
  mid_lock_take(&span_lock);
  stale_drop(span);
  mid_resident_clear(span, span->slices);
  span->zero = true;
  totals.purged += stale;
}

static bool is_huge(size_t slices) { return slices >= MID_WINDOW_SLICES / 2; }

// A mapping of its own; only its first slice has a record.
MID_RARELY static struct mid_span *huge_take(size_t slices, size_t align) {
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
  span->bytes = span->asked = span->before = 0;
  span->moved = false;
  return span;
}

MID_RARELY static void huge_give(struct mid_span *span) {
  size_t bytes = span->slices * MID_SLICE_BYTES;
  mid_os_unmap((void *)mid_span_base(span), bytes);
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

// Bytes of what is taken that were given back; a byte that is but a sign of it is none.
static size_t given_back(const struct mid_span *run) {
  return mid_round_down(run->asked, mid_os_page_bytes());
}

struct mid_span *mid_span_take(size_t slices, size_t align, uint8_t state, bool urgent) {
  mid_lock_take(&span_lock);
  struct mid_span *span = run_take(slices, align);
  if (span != NULL) {
    mid_bound_work(slices * MID_SLICE_BYTES, given_back(span), totals.used);
    totals.retouched += given_back(span);
    record_clear(span, state);
    span->own_mapping = is_huge(slices) || align > (size_t)1 << (MID_WINDOW_SHIFT - 2);
    span_count++;
    stale_add(span);
    if (!urgent) stale_make_way(span);
    count_committed();
  } else if (!urgent) {
    totals.refused++;
  }
  mid_lock_give(&span_lock);
  return span;
}

// Whether `bytes` more may be committed; dirty memory makes way first.
static bool limit_admits(size_t bytes, bool urgent) {
  if (urgent || bytes == 0 || mid_limit_admits(committed(), bytes)) return true;
  mid_lock_give(&span_lock);
  mid_span_purge_all();
  mid_lock_take(&span_lock);
  if (mid_limit_admits(committed(), bytes)) return true;
  totals.refused++;
  return false;
}

bool mid_span_admits(size_t bytes) {
  mid_lock_take(&span_lock);
  bool admits = mid_limit_admits(committed(), bytes);
  mid_lock_give(&span_lock);
  return admits;
}

size_t mid_span_fresh(const struct mid_span *span) { return mid_resident_fresh(span); }

// Reuse comes before growth: what did not fit makes way.
static void room_make(void) {
  mid_lock_take(&purge_lock);
  mid_lock_take(&span_lock);
  size_t room = mid_bound_room(totals.used);
  if (mid_runs_dirty_bytes() > room) {
    purge_to(room);
    count_committed();
  }
  mid_lock_give(&span_lock);
  mid_lock_give(&purge_lock);
}

bool mid_span_charge(struct mid_span *span, size_t bytes, bool urgent) {
  mid_lock_take(&span_lock);
  size_t landing = stale_of(span) - mid_resident_beside(span, bytes);
  bool admitted = limit_admits(bytes - landing, urgent);
  if (admitted) {
    stale_drop(span);
    span->bytes += bytes;
    stale_add(span);
    totals.used += bytes;
    count_committed();
  }
  bool much = bytes >= MID_LONG_BYTES && bytes >= mid_bound_peak() / 32;
  mid_lock_give(&span_lock);
  if (admitted && much) room_make();
  return admitted;
}

// Pages within the reach of what is charged: what is stale beside that stays as it is.
void mid_span_uncharge(struct mid_span *span, size_t bytes) {
  mid_lock_take(&span_lock);
  span->bytes -= bytes;
  totals.used -= bytes;
  totals.purged += bytes;
  count_committed();
  mid_lock_give(&span_lock);
}

bool mid_span_recharge(struct mid_span *span, size_t bytes, bool urgent) {
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

// Put the run at `span` back as runs that are dirty or clean: a long one may be both, in parts.
enum { PARTS = 16 };
static void runs_put(struct mid_span *span, bool is_long) {
  size_t all = span->slices, part = all;
  bool moved = span->moved, away = span->asked != 0;
  if (is_long) part = mid_max((all + PARTS - 1) / PARTS, MID_LONG_BYTES / MID_SLICE_BYTES);
  span->state = MID_SPAN_NONE;
  for (size_t from = 0; from < all; from += part, span += part) {
    span->slices = (uint32_t)mid_min(part, all - from);
    span->asked = away || mid_resident_of(span, span->slices) == 0;  // a sign that it was in use
    span->moved = moved;
    mid_runs_put(span);
  }
}

static void give(struct mid_span *span, bool moved_away) {
  bool medium = span->state == MID_SPAN_SMALL && span->slices > 1;
  bool is_long = span->state == MID_SPAN_LARGE && span->bytes >= MID_LONG_BYTES &&
                 !span->own_mapping && !moved_away;
  mid_lock_take(&span_lock);
  stale_drop(span);
  mid_lock_give(&span_lock);
  if (is_long)
    mid_back_leave(span);
  else if (!span->own_mapping)
    mid_resident_leave(span, 0, moved_away);
  mid_lock_take(&span_lock);
  for (uint32_t i = 1; medium && i < span->slices; i++) span[i].state = MID_SPAN_NONE;
  atomic_store_explicit(&span->heap, NULL, memory_order_relaxed);
  atomic_store_explicit(&span->limit, 0, memory_order_relaxed);
  span->block_bytes = 0;
  span->asked = moved_away;
  totals.used -= span->bytes;
  mid_bound_rest(span->bytes);
  span_count--;
  if (span->own_mapping)
    huge_give(span);
  else
    runs_put(span, is_long);
  count_committed();
  mid_lock_give(&span_lock);
}

void mid_span_give(struct mid_span *span) { give(span, false); }
void mid_span_give_moved(struct mid_span *span) { give(span, true); }

// ---- resize in place ----

static bool grow_locked(struct mid_span *span, size_t slices, size_t bytes, bool urgent) {
  if (span->own_mapping) return false;
  size_t more = slices > span->slices ? slices - span->slices : 0;
  struct mid_span *after =
      mid_map_find((void *)(mid_span_base(span) + span->slices * MID_SLICE_BYTES));
  if (more > 0 && after != span + span->slices) return false;
  if (more > 0 && (mid_runs_at(after) == NULL || after->slices < more)) return false;
  // What grows where it stands grows into what it left when it shrank.
  size_t landing = stale_of(span) - mid_resident_beside(span, bytes - span->bytes);
  if (!limit_admits(bytes - span->bytes - landing, urgent)) return false;
  // The lock may have been let go meanwhile.
  if (more > 0 && (mid_runs_at(after) == NULL || after->slices < more)) return false;
  stale_drop(span);
  if (more > 0) {
    after = mid_runs_cut(after, more);
    mid_bound_work(more * MID_SLICE_BYTES, given_back(after), totals.used);
    totals.retouched += given_back(after);
    span->zero &= after->bytes == 0;
    span->moved |= after->moved;
    after->bytes = after->asked = 0;
    span->slices = (uint32_t)slices;
  }
  totals.used += bytes - span->bytes;
  span->bytes = bytes;
  stale_add(span);
  count_committed();
  return true;
}

static void shrink_locked(struct mid_span *span, size_t slices, size_t bytes) {
  stale_drop(span);
  totals.used -= span->bytes - bytes;
  if (!span->own_mapping) mid_resident_leave(span, bytes >> MID_SLICE_SHIFT, false);
  if (slices < span->slices && !span->own_mapping) {
    struct mid_span *rest = span + slices;
    rest->slices = span->slices - (uint32_t)slices;
    rest->asked = 0;
    rest->moved = span->moved;
    span->slices = (uint32_t)slices;
    runs_put(rest, false);
  }
  span->bytes = bytes;
  stale_add(span);
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

// ---- faults ----

void mid_span_populate(struct mid_span *span, size_t from, size_t bytes) {
  for (size_t end = from + bytes, next; from < end; from = next) {
    size_t slice = from >> MID_SLICE_SHIFT, start = slice * MID_SLICE_BYTES;
    next = mid_min(end, start + MID_SLICE_BYTES);
    from = mid_max(from, start + span[slice].before * mid_os_page_bytes());
    if (from < next) mid_os_populate((char *)mid_span_base(span) + from, next - from);
  }
}

// ---- purge ----

// Purge `head`, a dirty run, or the part of it above what may stay.  The lock is let go meanwhile:
// the run is in no list and no state that another could take.
static size_t purge_run(struct mid_span *head, size_t excess) {
  // The low part of a run is used again first.
  size_t slices = head->slices, keep = slices;
  for (size_t gone = 0; keep > 0 && gone < excess;)
    gone += head[--keep].before * mid_os_page_bytes();
  if (keep * 8 < slices) keep = 0;
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
  mid_resident_clear(part, part->slices);
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
  // A little less than the bound, so that the next free does not pass it again.
  size_t bound = mid_bound_now(totals.used), gone = 0;
  size_t less = mid_min(bound / 2, mid_max(bound / 16, (size_t)1 << 20));
  if (mid_runs_dirty_bytes() > bound) gone = purge_to(bound - less);
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

MID_RARELY void mid_span_lock_all(void) {
  mid_back_lock();
  mid_lock_take(&purge_lock);
  mid_lock_take(&span_lock);
}

MID_RARELY void mid_span_unlock_all(void) {
  mid_lock_give(&span_lock);
  mid_lock_give(&purge_lock);
  mid_back_unlock();
}

MID_RARELY static void visit_window(size_t w, void (*visit)(struct mid_span *, void *),
                                    void *context) {
  struct mid_span *span = atomic_load_explicit(&mid_map_root[w].spans, memory_order_relaxed);
  size_t slices = atomic_load_explicit(&mid_map_root[w].slices, memory_order_acquire);
  for (size_t i = 0; i < slices;) {
    uint8_t state = span[i].state;
    bool head = state != MID_SPAN_NONE && state != MID_SPAN_INNER && state != MID_SPAN_TAIL;
    if (head) visit(&span[i], context);
    i += head && span[i].slices > 0 ? span[i].slices : 1;
  }
}

MID_RARELY void mid_span_visit(void (*visit)(struct mid_span *span, void *context), void *context) {
  for (size_t w = 0; w < MID_WINDOWS; w++)
    if (atomic_load_explicit(&mid_map_root[w].spans, memory_order_acquire) != NULL)
      visit_window(w, visit, context);
}

MID_RARELY static void add_resident(struct mid_span *span, void *context) {
  uint64_t *bytes = context;
  if (span->state == MID_SPAN_CLEAN) return;
  *bytes += mid_os_resident_in((void *)mid_span_base(span), span->slices * MID_SLICE_BYTES);
}

MID_RARELY uint64_t mid_span_resident(void) {
  uint64_t bytes = 0;
  mid_lock_take(&span_lock);
  mid_span_visit(add_resident, &bytes);
  mid_lock_give(&span_lock);
  return bytes;
}

MID_RARELY const char *mid_span_broken(void) {
  mid_lock_take(&span_lock);
  const char *broken = mid_runs_broken();
  mid_lock_give(&span_lock);
  return broken;
}
