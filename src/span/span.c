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
#include "span/bound.h"
#include "span/limit.h"
#include "span/map.h"
#include "span/runs.h"
#include "span/touch.h"

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

// Blocks of this size and more are worth a look at what they hold, in places of so many bytes.
#define LONG_BYTES ((size_t)1 << 20)
#define PLACE_BYTES ((size_t)512 << 10)

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

// Bytes of a span in use that may be resident and are not charged: the pages of an earlier use.
// Charges may land on them.
static size_t stale_beside(const struct mid_span *span, size_t charged) {
  return mid_min(span->before * mid_os_page_bytes(), span->slices * MID_SLICE_BYTES - charged);
}
static size_t stale_of(const struct mid_span *span) { return stale_beside(span, span->bytes); }

// Around every change of what stale_of reads.
static void stale_drop(const struct mid_span *span) { totals.stale -= stale_of(span); }
static void stale_add(const struct mid_span *span) { totals.stale += stale_of(span); }

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
  span->before = 0;
  span->zero = true;
  totals.purged += stale;
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

static size_t fresh_bytes(const struct mid_span *span) {
  return span->bytes - mid_min(span->bytes, span->before * mid_os_page_bytes());
}

// A place in the last long span that was not backed early: what is resident there now is what the
// program touched.  Looked at when the next is taken, or when the span comes back.
static struct watched {
  struct mid_span *span;
  char *base;
  size_t bytes, fresh;  // of the place
  size_t whole;         // bytes of the span
} watched;

// Stop watching what is watched of `span`; of any span, when it is NULL.
static struct watched watched_take(const struct mid_span *span) {
  struct watched last = {0};
  mid_lock_take(&span_lock);
  if (span == NULL || watched.span == span) last = watched, watched.span = NULL;
  mid_lock_give(&span_lock);
  return last;
}

static size_t watched_touched(const struct watched *place) {
  size_t resident = mid_os_resident_in(place->base, place->bytes);
  return resident - mid_min(resident, place->bytes - place->fresh);
}

static void watched_learn(const struct watched *place, size_t touched) {
  mid_lock_take(&span_lock);
  mid_touch_learn(place->whole, place->fresh, touched);
  mid_lock_give(&span_lock);
}

// Learn from the last long span.  What the program has not touched by now it still may: that is
// known when the span comes back.
static void watched_look(void) {
  struct watched last = watched_take(NULL);
  if (last.span == NULL) return;
  size_t touched = watched_touched(&last);
  if (touched >= last.fresh - last.fresh / 8) watched_learn(&last, touched);
}

// The last place in the `bytes` at `base` of which nothing is resident; their end when there is
// none.
static char *place_last_empty(char *base, size_t bytes) {
  for (char *at = base + bytes; at >= base + PLACE_BYTES; at -= PLACE_BYTES)
    if (mid_os_resident_in(at - PLACE_BYTES, PLACE_BYTES) == 0) return at - PLACE_BYTES;
  return base + bytes;
}

void mid_span_back(struct mid_span *span) {
  size_t fresh = fresh_bytes(span);
  if (fresh < LONG_BYTES || span->own_mapping) return;
  watched_look();
  char *base = (char *)mid_span_base(span), *end = base + span->bytes;
  struct watched place = {span, base, span->bytes, fresh, span->bytes};
  mid_lock_take(&span_lock);
  enum mid_touch expected = mid_touch_expect(span->bytes, fresh);
  mid_lock_give(&span_lock);
  if (expected != MID_TOUCH_NONE) {
    place.base = expected == MID_TOUCH_MOST ? place_last_empty(base, span->bytes) : end;
    place.bytes = place.fresh = (size_t)mid_min(PLACE_BYTES, (size_t)(end - place.base));
    char *after = place.base + place.bytes;
    if (place.base > base) mid_os_populate(base, (size_t)(place.base - base));
    if (after < end) mid_os_populate(after, (size_t)(end - after));
  }
  span->capacity = expected != MID_TOUCH_NONE;
  if (place.bytes == 0) return;
  mid_lock_take(&span_lock);
  watched = place;
  mid_lock_give(&span_lock);
}

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
  size_t landing = stale_of(span) - stale_beside(span, span->bytes + bytes);
  bool admitted = limit_admits(bytes - landing, urgent);
  if (admitted) {
    stale_drop(span);
    span->bytes += bytes;
    stale_add(span);
    totals.used += bytes;
    count_committed();
  }
  mid_lock_give(&span_lock);
  if (admitted && bytes >= LONG_BYTES && bytes >= mid_bound_peak() / 32) room_make();
  return admitted;
}

void mid_span_uncharge(struct mid_span *span, size_t bytes) {
  mid_lock_take(&span_lock);
  // What is gone is not stale: no more is than lies beside what is charged now.
  span->before = (uint32_t)(stale_of(span) / mid_os_page_bytes());
  span->bytes -= bytes;
  totals.used -= bytes;
  totals.purged += bytes;
  count_committed();
  mid_lock_give(&span_lock);
}

// Resident bytes, at most, above the first `from` of a run in use: what this use charged, and what
// the run held before, which may lie anywhere in it.
static size_t resident_above(const struct mid_span *span, size_t from) {
  size_t charged = span->bytes > from ? span->bytes - from : 0;
  size_t room = span->slices * MID_SLICE_BYTES - from;
  return mid_min(charged + span->before * mid_os_page_bytes(), room);
}

// What the kernel says of a long span, part by part: programs take more than they touch.
enum { PARTS = 16 };
struct parts {
  size_t slices;  // of a part; the last may be shorter; 0: nobody looked
  size_t resident[PARTS];
};

static size_t part_slices(const struct parts *parts, size_t slices, size_t i) {
  size_t first = i * parts->slices;
  return first < slices ? mid_min(parts->slices, slices - first) : 0;
}

static void parts_look(const struct mid_span *span, struct parts *parts) {
  size_t bytes;
  char *base = (char *)mid_span_base(span);
  parts->slices = mid_max((span->slices + PARTS - 1) / PARTS, LONG_BYTES / MID_SLICE_BYTES);
  for (size_t i = 0; (bytes = part_slices(parts, span->slices, i) * MID_SLICE_BYTES) > 0; i++) {
    parts->resident[i] = mid_os_resident_in(base, bytes);
    // What is not resident may be swapped out; from here on it reads as zero.
    if (parts->resident[i] == 0) mid_os_purge(base, bytes);
    base += bytes;
  }
}

static void parts_learn(const struct mid_span *span, const struct parts *parts) {
  size_t resident = 0, fresh = fresh_bytes(span);
  for (size_t i = 0; part_slices(parts, span->slices, i) > 0; i++) resident += parts->resident[i];
  struct watched place = {NULL, NULL, span->bytes, fresh, span->bytes};
  if (fresh >= LONG_BYTES) watched_learn(&place, resident - mid_min(resident, span->bytes - fresh));
}

// Before a long span is given: what was touched, and what is resident.
static void long_look(struct mid_span *span, struct parts *parts) {
  struct watched place = watched_take(span);
  if (place.span != NULL) watched_learn(&place, watched_touched(&place));
  parts_look(span, parts);
  if (place.span == NULL && span->capacity == 0) parts_learn(span, parts);
}

// Put the run at `span` back as runs that are dirty or clean.
static void parts_put(struct mid_span *span, const struct parts *parts) {
  size_t all = span->slices, slices;
  bool moved = span->moved;
  span->state = MID_SPAN_NONE;
  for (size_t i = 0; (slices = part_slices(parts, all, i)) > 0; i++, span += slices) {
    span->slices = (uint32_t)slices;
    span->bytes = parts->resident[i];
    span->asked = span->bytes == 0;  // a sign that it was in use
    span->moved = moved;
    mid_runs_put(span);
  }
}

static void give_locked(struct mid_span *span, bool moved_away, const struct parts *parts) {
  bool medium = span->state == MID_SPAN_SMALL && span->slices > 1;
  for (uint32_t i = 1; medium && i < span->slices; i++) span[i].state = MID_SPAN_NONE;
  atomic_store_explicit(&span->heap, NULL, memory_order_relaxed);
  atomic_store_explicit(&span->limit, 0, memory_order_relaxed);
  stale_drop(span);
  span->block_bytes = 0;
  span->asked = moved_away;  // a sign that it was in use, and no page that was given back
  totals.used -= span->bytes;
  mid_bound_rest(span->bytes);
  span->bytes = resident_above(span, moved_away ? span->bytes : 0);
  span_count--;
  if (span->own_mapping)
    huge_give(span);
  else if (parts->slices > 0)
    parts_put(span, parts);
  else
    mid_runs_put(span);
  count_committed();
}

void mid_span_give(struct mid_span *span) {
  struct parts parts = {0};
  bool is_long = span->state == MID_SPAN_LARGE && span->bytes >= LONG_BYTES;
  if (is_long && !span->own_mapping) long_look(span, &parts);
  mid_lock_take(&span_lock);
  give_locked(span, false, &parts);
  mid_lock_give(&span_lock);
}

void mid_span_give_moved(struct mid_span *span) {
  static const struct parts none;
  mid_lock_take(&span_lock);
  give_locked(span, true, &none);
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
  // What grows where it stands grows into what it left when it shrank.
  size_t landing = mid_min(stale_of(span), bytes - span->bytes);
  if (!limit_admits(bytes - span->bytes - landing, urgent)) return false;
  // The lock may have been let go meanwhile.
  if (more > 0 && (mid_runs_at(after) == NULL || after->slices < more)) return false;
  stale_drop(span);
  span->before -= (uint32_t)(landing / mid_os_page_bytes());
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
  stale_add(span);
  count_committed();
  return true;
}

static void shrink_locked(struct mid_span *span, size_t slices, size_t bytes) {
  stale_drop(span);
  totals.used -= span->bytes - bytes;
  size_t rest_bytes = 0;
  if (slices < span->slices) rest_bytes = resident_above(span, slices * MID_SLICE_BYTES);
  span->before = (uint32_t)((resident_above(span, 0) - bytes) / mid_os_page_bytes());
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
  // What was cut from a dirty run is resident, most of it.
  if (span->before * mid_os_page_bytes() >= span->slices * MID_SLICE_BYTES / 2) return;
  mid_os_populate((char *)mid_span_base(span) + from, bytes);
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
