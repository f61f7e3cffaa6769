// span/map.c -- the page map: windows of address space and the tables of their slices.
// SPDX-License-Identifier: MIT
#include "span/map.h"

#include "base/bits.h"
#include "os/os.h"

// Before the first allocation there is a table too, of one blank record.
static struct mid_span no_table;
struct mid_map mid_map = {.spans = &no_table};
struct mid_window mid_map_root[MID_WINDOWS];

#define WINDOW_BYTES ((uintptr_t)1 << MID_WINDOW_SHIFT)

// A window's table is reserved whole, 32 MiB of addresses (less under an address-space limit), may
// be read throughout, and is opened for writing piece by piece: 64 KiB of table describe 32 MiB of
// memory.
static size_t table_bytes = MID_WINDOW_SLICES * sizeof(struct mid_span);
#define TABLE_PIECE ((size_t)64 << 10)

struct mid_span *mid_map_find_far(uintptr_t p) {
  size_t w = p >> MID_WINDOW_SHIFT;
  if (w >= MID_WINDOWS) return NULL;
  size_t slice = (p >> MID_SLICE_SHIFT) & (MID_WINDOW_SLICES - 1);
  if (slice >= atomic_load_explicit(&mid_map_root[w].slices, memory_order_acquire)) return NULL;
  return atomic_load_explicit(&mid_map_root[w].spans, memory_order_relaxed) + slice;
}

MID_RARELY static struct mid_window *window_of(const struct mid_span *span) {
  uintptr_t at = (uintptr_t)span;
  if (at - (uintptr_t)mid_map.spans < table_bytes)
    return &mid_map_root[mid_map.base >> MID_WINDOW_SHIFT];
  for (size_t w = 0; w < MID_WINDOWS; w++) {
    uintptr_t spans = (uintptr_t)atomic_load_explicit(&mid_map_root[w].spans, memory_order_relaxed);
    if (spans != 0 && at - spans < table_bytes) return &mid_map_root[w];
  }
  MID_ASSERT(!"a span lies in some window");
  return NULL;
}

MID_RARELY uintptr_t mid_span_base_far(const struct mid_span *span) {
  const struct mid_window *window = window_of(span);
  uintptr_t off =
      (uintptr_t)span - (uintptr_t)atomic_load_explicit(&window->spans, memory_order_relaxed);
  return (uintptr_t)(window - mid_map_root) * WINDOW_BYTES + off / sizeof *span * MID_SLICE_BYTES;
}

struct mid_span *mid_map_find_head_of(struct mid_span *span, const void *p) {
  if (span->state == MID_SPAN_INNER) return span - span->slices;
  if (span->state == MID_SPAN_LARGE) return span;
  if (span->state != MID_SPAN_NONE) return NULL;
  // Inside a large span only the head is written; it is the nearest head below that is not blank.
  struct mid_span *first = mid_map_find((void *)((uintptr_t)p & ~(WINDOW_BYTES - 1)));
  for (struct mid_span *head = span; first != NULL && head-- > first;) {
    if (head->state == MID_SPAN_NONE) continue;
    bool covers = head->state == MID_SPAN_LARGE && head->slices > (size_t)(span - head);
    return covers ? head : NULL;
  }
  return NULL;
}

MID_RARELY bool mid_map_was_used(const struct mid_span *span) {
  if (span->state == MID_SPAN_TAIL) span -= span->slices;
  // Records inside a run are blank: the head is the nearest below that is not.
  struct mid_span *first = mid_map_find((void *)(mid_span_base(span) & ~(WINDOW_BYTES - 1)));
  while (span > first && span->state == MID_SPAN_NONE) span--;
  return span->state == MID_SPAN_DIRTY || (span->state == MID_SPAN_CLEAN && span->asked > 0);
}

// Reserve a table for window `w` and publish it, empty.
static bool window_open(size_t w) {
  struct mid_span *table = mid_os_reserve(table_bytes);
  if (table == NULL) return false;
  atomic_store_explicit(&mid_map_root[w].spans, table, memory_order_relaxed);
  return true;
}

// Make the entries of window `w` up to `slices` usable.
static bool window_grow(size_t w, size_t slices) {
  struct mid_window *window = &mid_map_root[w];
  struct mid_span *table = atomic_load_explicit(&window->spans, memory_order_relaxed);
  size_t have = atomic_load_explicit(&window->slices, memory_order_relaxed);
  if (slices <= have) return true;
  size_t bytes = mid_round_up(slices * sizeof *table, TABLE_PIECE);
  if (bytes > table_bytes) return false;
  size_t had = have * sizeof *table;
  if (!mid_os_commit((char *)table + had, bytes - had)) return false;
  atomic_store_explicit(&window->slices, bytes / sizeof *table, memory_order_release);
  if (table == mid_map.spans)
    atomic_store_explicit(&mid_map.bytes, bytes / sizeof *table * MID_SLICE_BYTES,
                          memory_order_relaxed);
  return true;
}

bool mid_map_add(uintptr_t base, size_t bytes) {
  for (uintptr_t at = base; at < base + bytes;) {
    size_t w = at >> MID_WINDOW_SHIFT;
    uintptr_t start = (uintptr_t)w << MID_WINDOW_SHIFT;
    uintptr_t end = mid_min(base + bytes, start + WINDOW_BYTES);
    if (w >= MID_WINDOWS) return false;
    if (atomic_load_explicit(&mid_map_root[w].spans, memory_order_relaxed) == NULL &&
        !window_open(w))
      return false;
    if (!window_grow(w, (end - start) >> MID_SLICE_SHIFT)) return false;
    at = end;
  }
  return true;
}

// The first window lies below where the kernel puts mappings now, so that the heap grows upwards
// in one piece; a random start keeps addresses hard to guess.
uintptr_t mid_map_start(void) {
  uint64_t limit = mid_os_address_limit();
  while (table_bytes > 4 * TABLE_PIECE && table_bytes > limit / 16) table_bytes /= 2;
  struct mid_span *table = mid_os_reserve(table_bytes);
  if (table == NULL) return 0;
  uintptr_t window = (uintptr_t)table & ~(WINDOW_BYTES - 1);
  // Under tools that keep all mappings low there is no window below.
  window = window > WINDOW_BYTES ? window - WINDOW_BYTES : window + WINDOW_BYTES;
  atomic_store_explicit(&mid_map_root[window >> MID_WINDOW_SHIFT].spans, table,
                        memory_order_relaxed);
  mid_map.base = window;
  mid_map.mask = table_bytes - sizeof *table;
  mid_map.spans = table;
  // At most 256 MiB, for half a MiB of table that stays untouched; less where the table is small.
  size_t slide = mid_os_random() % mid_min(4096, table_bytes / sizeof *table / 4);
  return window + slide * MID_SLICE_BYTES;
}
