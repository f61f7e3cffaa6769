// region/buddy.c -- the buddy system, its tables apart from the region.
// SPDX-License-Identifier: MIT
//
// The region is counted in units of the least block.  A block of order k is 2^k units long and
// begins at a multiple of that; its buddy begins at start ^ 2^k.  what[u] tells of the block that
// begins at unit u its order and whether it is free, or is BUDDY_INSIDE; free[k] is the set of
// start / 2^k of the free blocks of order k.
//
//   sum of 2^order over all blocks = units          no two buddies are both free
#include "midden/buddy.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/text.h"
#include "heap/ledger.h"
#include "region/bitset.h"
#include "region/chunk.h"
#include "region/region.h"

enum { BUDDY_FREE = 0x80, BUDDY_INSIDE = 0xff, BUDDY_ORDERS = 48 };

struct midden_buddy {
  char *region;
  size_t units, peak;   // units up to the highest end of a block there has been
  unsigned least_log;   // of the bytes of a unit
  unsigned orders;      // order of the largest block, and one more
  unsigned char *what;  // of each unit
  struct mid_bitset free[BUDDY_ORDERS];
  size_t live_blocks, live_units;
  midden_allocator *from;
  size_t table_bytes;  // of this and what lies behind it
  midden_allocator allocator;
};

static size_t buddy_length(unsigned order) { return (size_t)1 << order; }

static void buddy_put_free(midden_buddy *buddy, size_t start, unsigned order) {
  buddy->what[start] = (unsigned char)(order | BUDDY_FREE);
  mid_bitset_add(&buddy->free[order], start >> order);
}

static void buddy_take_free(midden_buddy *buddy, size_t start, unsigned order) {
  buddy->what[start] = BUDDY_INSIDE;
  mid_bitset_drop(&buddy->free[order], start >> order);
}

static bool buddy_is_free(const midden_buddy *buddy, size_t start, unsigned order) {
  return start < buddy->units && buddy->what[start] == (order | BUDDY_FREE);
}

// The block at `start` of `order` is the program's; what `from_order` had beyond it is free again.
static void buddy_put_used(midden_buddy *buddy, size_t start, unsigned order, unsigned from_order) {
  while (from_order > order) {
    from_order--;
    buddy_put_free(buddy, start + buddy_length(from_order), from_order);
  }
  buddy->what[start] = (unsigned char)order;
  buddy->live_blocks++;
  buddy->live_units += buddy_length(order);
  buddy->peak = mid_max(buddy->peak, start + buddy_length(order));
}

static void buddy_take_used(midden_buddy *buddy, size_t start, unsigned order) {
  buddy->what[start] = BUDDY_INSIDE;
  buddy->live_blocks--;
  buddy->live_units -= buddy_length(order);
}

// ---- misuse ----

MID_RARELY static _Noreturn void buddy_crime(const midden_buddy *buddy, size_t unit,
                                             const void *p) {
  for (unsigned k = 1; buddy->what[unit] == BUDDY_INSIDE; k++) unit = unit >> k << k;
  if (buddy->what[unit] & BUDDY_FREE)
    mid_crime("double free", p, "this block is free already; look for its second owner");
  mid_crime("not a block's start", p,
            "this address lies inside a block; free the pointer that was taken");
}

static bool buddy_find(const midden_buddy *buddy, const void *p, size_t *unit) {
  size_t off = (uintptr_t)p - (uintptr_t)buddy->region;
  *unit = off >> buddy->least_log;
  return *unit < buddy->units;
}

static bool buddy_is_used(const midden_buddy *buddy, size_t unit, const void *p) {
  bool is_start = ((uintptr_t)p & (buddy_length(buddy->least_log) - 1)) == 0;
  return is_start && buddy->what[unit] < BUDDY_FREE;
}

static size_t buddy_block(const midden_buddy *buddy, const void *p) {
  size_t unit;
  MID_REQUIRE(buddy_find(buddy, p, &unit), "foreign pointer", p,
              "it is not of this region; free it where it came from");
  if (mid_unlikely(!buddy_is_used(buddy, unit, p))) buddy_crime(buddy, unit, p);
  return unit;
}

// ---- alloc, free, resize ----

// The order of a block for `bytes`, BUDDY_ORDERS when no region has it.
static unsigned buddy_order(const midden_buddy *buddy, size_t bytes) {
  if (bytes > buddy->units << buddy->least_log) return BUDDY_ORDERS;
  size_t units = (mid_max(bytes, 1) - 1) >> buddy->least_log;
  return units == 0 ? 0 : mid_log2(units) + 1;
}

static void *buddy_take(midden_buddy *buddy, unsigned order) {
  unsigned from = order;
  while (from < buddy->orders && mid_bitset_is_empty(&buddy->free[from])) from++;
  if (from >= buddy->orders) return errno = ENOMEM, NULL;
  size_t start = mid_bitset_least(&buddy->free[from]) << from;
  buddy_take_free(buddy, start, from);
  buddy_put_used(buddy, start, order, from);
  return buddy->region + (start << buddy->least_log);
}

void *midden_buddy_alloc(midden_buddy *buddy, size_t bytes) {
  return buddy_take(buddy, buddy_order(buddy, bytes));
}

void midden_buddy_free(midden_buddy *buddy, void *p) {
  if (p == NULL) return;
  size_t start = buddy_block(buddy, p);
  unsigned order = buddy->what[start];
  buddy_take_used(buddy, start, order);
  for (;; order++) {
    size_t other = start ^ buddy_length(order);
    if (!buddy_is_free(buddy, other, order)) break;
    buddy_take_free(buddy, other, order);
    start = mid_min(start, other);
  }
  buddy_put_free(buddy, start, order);
}

// Make the block at `start` one of `order` where it stands; false when what follows is in use.
static bool buddy_stretch(midden_buddy *buddy, size_t start, unsigned order) {
  unsigned was = buddy->what[start];
  for (unsigned k = was; k < order; k++)
    if (start & buddy_length(k) || !buddy_is_free(buddy, start + buddy_length(k), k)) return false;
  buddy_take_used(buddy, start, was);
  for (unsigned k = was; k < order; k++) buddy_take_free(buddy, start + buddy_length(k), k);
  buddy_put_used(buddy, start, order, was > order ? was : order);
  return true;
}

// ---- as an allocator ----

static midden_buddy *buddy_self(midden_allocator *self) {
  return (midden_buddy *)((char *)self - offsetof(midden_buddy, allocator));
}

// The order that serves both, BUDDY_ORDERS where none does.  errno is set when align is none.
static unsigned buddy_order_of(const midden_buddy *buddy, size_t bytes, size_t *align) {
  *align = mid_region_align(*align);
  if (*align == 0 || (uintptr_t)buddy->region % *align != 0) return BUDDY_ORDERS;
  return buddy_order(buddy, mid_max(bytes, *align));
}

static void *buddy_alloc_as(midden_allocator *self, size_t bytes, size_t align) {
  unsigned order = buddy_order_of(buddy_self(self), bytes, &align);
  return align == 0 ? NULL : buddy_take(buddy_self(self), order);
}

static void *buddy_resize_as(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                             size_t align) {
  (void)old_bytes;
  if (p == NULL) return buddy_alloc_as(self, bytes, align);
  midden_buddy *buddy = buddy_self(self);
  size_t start = buddy_block(buddy, p);
  unsigned order = buddy_order_of(buddy, bytes, &align);
  if (align == 0) return NULL;
  if ((uintptr_t)p % align == 0 && order < buddy->orders && buddy_stretch(buddy, start, order))
    return p;
  return mid_region_move(self, p, buddy_length(buddy->what[start]) << buddy->least_log, bytes,
                         align);
}

static void buddy_free_as(midden_allocator *self, void *p, size_t bytes) {
  (void)bytes;
  midden_buddy_free(buddy_self(self), p);
}

static bool buddy_owns_as(midden_allocator *self, const void *p) {
  size_t unit;
  return buddy_find(buddy_self(self), p, &unit) && buddy_is_used(buddy_self(self), unit, p);
}

static midden_stats buddy_stats_as(midden_allocator *self) {
  return midden_buddy_stats(buddy_self(self));
}

midden_allocator *midden_buddy_allocator(midden_buddy *buddy) { return &buddy->allocator; }

// ---- what it holds ----

bool midden_buddy_walk(const midden_buddy *buddy,
                       bool (*visit)(size_t offset, size_t bytes, bool used, void *context),
                       void *context) {
  for (size_t u = 0; u < buddy->units;) {
    size_t length = buddy_length(buddy->what[u] & (BUDDY_FREE - 1));
    bool used = buddy->what[u] < BUDDY_FREE;
    if (!visit(u << buddy->least_log, length << buddy->least_log, used, context)) return false;
    u += length;
  }
  return true;
}

static bool buddy_see_end(size_t offset, size_t bytes, bool used, void *end) {
  if (used) *(size_t *)end = offset + bytes;
  return true;
}

midden_stats midden_buddy_stats(const midden_buddy *buddy) {
  size_t end = 0;
  midden_buddy_walk(buddy, buddy_see_end, &end);
  return (midden_stats){.live_blocks = buddy->live_blocks,
                        .live_bytes = buddy->live_units << buddy->least_log,
                        .committed_bytes = end,
                        .peak_bytes = buddy->peak << buddy->least_log};
}

const char *mid_buddy_broken(const midden_buddy *buddy) {
  size_t blocks = 0, units = 0, u = 0;
  while (u < buddy->units) {
    unsigned order = buddy->what[u] & (BUDDY_FREE - 1);
    bool is_free = buddy->what[u] & BUDDY_FREE;
    if (buddy->what[u] == BUDDY_INSIDE || order >= buddy->orders) return "no block begins there";
    size_t length = buddy_length(order);
    if (u % length != 0 || length > buddy->units - u) return "a block is not at its own multiple";
    for (size_t i = 1; i < length; i++)
      if (buddy->what[u + i] != BUDDY_INSIDE) return "a block begins inside another";
    if (mid_bitset_has(&buddy->free[order], u >> order) != is_free)
      return "a free block is not in its set, or one in use is";
    if (is_free && buddy_is_free(buddy, u ^ length, order)) return "two buddies are both free";
    if (!is_free) blocks++, units += length;
    u += length;
  }
  if (blocks != buddy->live_blocks || units != buddy->live_units) return "the counts are wrong";
  return NULL;
}

// ---- the drawing ----

enum { BUDDY_COLUMNS = 64 };

struct row {
  size_t region, bytes;  // of the blocks that this row shows
  size_t used, free;
  char columns[BUDDY_COLUMNS + 1];
};

static size_t buddy_column(const struct row *row, size_t offset) {
  return (size_t)((unsigned __int128)offset * BUDDY_COLUMNS / row->region);
}

static bool buddy_draw_block(size_t offset, size_t bytes, bool used, void *context) {
  struct row *row = context;
  if (bytes != row->bytes) return true;
  size_t from = buddy_column(row, offset);
  size_t to = mid_max(buddy_column(row, offset + bytes), from + 1);
  for (size_t i = from; i < to; i++)
    if (row->columns[i] != '#') row->columns[i] = used ? '#' : '.';
  if (to - from > 1) row->columns[from] = '[', row->columns[to - 1] = ']';
  if (used)
    row->used++;
  else
    row->free++;
  return true;
}

void midden_buddy_draw(const midden_buddy *buddy, FILE *out) {
  for (unsigned order = buddy->orders; order-- > 0;) {
    char name[32];
    struct mid_text size = mid_text_open(name, sizeof name);
    struct row row = {.region = buddy->units << buddy->least_log,
                      .bytes = buddy_length(order) << buddy->least_log};
    mid_text_size(&size, row.bytes);
    memset(row.columns, ' ', BUDDY_COLUMNS);
    midden_buddy_walk(buddy, buddy_draw_block, &row);
    fprintf(out, "%9s |%s|", name, row.columns);
    if (row.used > 0) fprintf(out, " %zu used", row.used);
    if (row.free > 0) fprintf(out, "%s %zu free", row.used > 0 ? "," : "", row.free);
    fputc('\n', out);
  }
}

// ---- open and close ----

// The words of all sets of free blocks.
static size_t buddy_words(size_t units, unsigned orders) {
  size_t words = 0;
  for (unsigned k = 0; k < orders; k++) words += mid_bitset_words((units >> k) + 1);
  return words;
}

static void buddy_lay_out(midden_buddy *buddy) {
  uint64_t *words = (uint64_t *)(buddy + 1);
  for (unsigned k = 0; k < buddy->orders; k++) {
    buddy->free[k] = mid_bitset_open((buddy->units >> k) + 1, words);
    words += mid_bitset_words((buddy->units >> k) + 1);
  }
  buddy->what = (unsigned char *)words;
  memset(buddy->what, BUDDY_INSIDE, buddy->units);
  for (size_t u = 0; u < buddy->units;) {
    unsigned order = mid_log2(buddy->units - u);
    if (u != 0) order = (unsigned)mid_min(order, (size_t)__builtin_ctzl(u));
    buddy_put_free(buddy, u, order);
    u += buddy_length(order);
  }
}

midden_status midden_buddy_open(midden_allocator *from, void *region, size_t bytes,
                                size_t least_bytes, midden_buddy **out) {
  if (!mid_is_power(least_bytes) || least_bytes < 16 || bytes < least_bytes) return MIDDEN_INVALID;
  if (region == NULL || (uintptr_t)region % least_bytes != 0) return MIDDEN_INVALID;
  size_t units = bytes / least_bytes;
  unsigned orders = mid_log2(units) + 1;
  if (orders > BUDDY_ORDERS) return MIDDEN_INVALID;
  if (from == NULL) from = midden_allocator_malloc();
  size_t table_bytes = sizeof(midden_buddy) + 8 * buddy_words(units, orders) + units;
  midden_buddy *buddy = from->alloc(from, table_bytes, 0);
  if (buddy == NULL) return MIDDEN_NOMEM;
  memset(buddy, 0, table_bytes);
  *buddy = (midden_buddy){.region = region,
                          .units = units,
                          .least_log = mid_log2(least_bytes),
                          .orders = orders,
                          .from = from,
                          .table_bytes = table_bytes,
                          .allocator = {"buddy", buddy_alloc_as, buddy_resize_as, buddy_free_as,
                                        buddy_owns_as, buddy_stats_as}};
  buddy_lay_out(buddy);
  *out = buddy;
  return MIDDEN_OK;
}

void midden_buddy_close(midden_buddy *buddy) {
  if (buddy == NULL) return;
  mid_ledger_close(buddy);
  buddy->from->free(buddy->from, buddy, buddy->table_bytes);
}
