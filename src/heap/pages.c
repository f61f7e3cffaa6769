// heap/pages.c -- whole free pages inside partly used spans go back to the system.
// SPDX-License-Identifier: MIT
//
// A few blocks that live long keep their spans, and what lies free between them would stay
// resident. So the owner goes through the pages of a span when it looks at one (mid_span_watch) of
// which little is used, in a heap of which most is free:
//
//   page       0        1        2        3          X: in use   .: free
//   blocks  |..X.....|........|........|....X...|
//   gone         0        1        1        0
//
// The blocks that reach into a page that is gone are in no list, and count as used; the page reads
// as zero.  They are made anew, as untouched ones are carved, when the span has nothing else to
// give.
//
// Which blocks are free is read off their marks, in the order of their addresses.  A block in use
// may carry a copy of the mark by chance; but then there are more marks than free blocks, and the
// span is left alone.
//
// What is made anew costs page faults, so each such page lifts the bound below which nothing is
// given back: a heap that breathes keeps what it needs again.  And nobody knows whether the frees
// to come would empty the span anyway, so the work is rationed: each free adds to the heap's purse,
// and what is done takes from it.
#include <string.h>

#include "heap/fast.h"

enum { PAGES_MOST = MID_MEDIUM_SLICES * 16, FREE_LEAST = 1 << 20, REGRET = 64 };
// Work is paid for by frees: looking at eight blocks is worth one, a call to the system 64.
enum { CALL_COST = 64, OTHERS = 2 };
enum page_state { PAGE_FREE, PAGE_USED, PAGE_GONE };

static size_t page_count(const struct mid_span *span) {
  return span->slices * (MID_SLICE_BYTES / mid_os_page_bytes());
}

// One bit a page, 16 in the record of each slice; with pages over 4 KiB some bits are never set.
static bool is_gone(const struct mid_span *span, size_t page) {
  return (atomic_load_explicit(&span[page / 16].gone, memory_order_relaxed) >> page % 16) & 1;
}

static void set_gone(struct mid_span *span, size_t page, bool gone) {
  _Atomic uint16_t *bits = &span[page / 16].gone;
  uint16_t bit = (uint16_t)(1u << page % 16),
           old = atomic_load_explicit(bits, memory_order_relaxed);
  atomic_store_explicit(bits, (uint16_t)(gone ? old | bit : old & ~bit), memory_order_relaxed);
}

static size_t gone_pages(const struct mid_span *span) {
  unsigned gone = 0;
  for (uint32_t i = 0; i < span->slices; i++)
    gone += (unsigned)__builtin_popcount(atomic_load_explicit(&span[i].gone, memory_order_relaxed));
  return gone;
}

// The pages that block `i` reaches into.
struct reach {
  size_t first, end;
};
static struct reach reach_of(const struct mid_span *span, uint32_t i) {
  size_t bytes = mid_os_page_bytes(), off = (size_t)i * span->block_bytes;
  return (struct reach){off / bytes, (off + span->block_bytes - 1) / bytes + 1};
}

static bool block_gone(const struct mid_span *span, uint32_t i) {
  struct reach reach = reach_of(span, i);
  for (size_t page = reach.first; page < reach.end; page++)
    if (is_gone(span, page)) return true;
  return false;
}

static uint32_t index_of(const struct mid_span *span, const void *p) {
  return (uint32_t)(((uintptr_t)p - mid_span_base(span)) / span->block_bytes);
}

bool mid_pages_gone_at(const struct mid_span *span, const void *p) {
  return mid_pages_any_gone(span) && block_gone(span, index_of(span, p));
}

uint32_t mid_pages_count_gone(const struct mid_span *span) {
  size_t bytes = mid_os_page_bytes(), pages = page_count(span), blocks = 0, counted = 0;
  for (size_t page = 0, end; page < pages; page = end + 1) {
    for (end = page; end < pages && is_gone(span, end);) end++;
    if (end == page) continue;
    size_t first = mid_max(counted, page * bytes / span->block_bytes);
    counted = mid_min((end * bytes - 1) / span->block_bytes + 1, span->carved);
    blocks += counted - mid_min(first, counted);
  }
  return (uint32_t)blocks;
}

void mid_pages_check(const struct mid_span *span) {
  if (!mid_pages_any_gone(span)) return;
  for (const struct mid_block *b = span->freed; b != mid_no_block(); b = b->next) {
    if (b->mark != span) mid_crime_in_list(b);
    if (block_gone(span, index_of(span, b))) mid_heap_crime_double(b);
  }
}

// ---- give back ----

// What a look at a span finds: its pages, and which of its blocks were free then.  Other threads
// set marks meanwhile, as they free blocks, so marks are read once.
struct look {
  uint8_t page[PAGES_MOST + 1];  // enum page_state
  uint64_t free_block[MID_SLICE_BYTES / MID_BLOCK_ALIGN / 64];
};

// The blocks that start in a page.  All but the last end in it too; the last may reach further, up
// to page `reach`.
struct starts {
  uint32_t first, last;
  size_t reach;
};
static bool starts_of(const struct mid_span *span, size_t page, struct starts *starts) {
  size_t bytes = span->block_bytes, from = page * mid_os_page_bytes();
  size_t end = (from + mid_os_page_bytes() - 1) / bytes + 1;
  starts->first = (uint32_t)((from + bytes - 1) / bytes);
  starts->last = (uint32_t)mid_min(end, span->carved) - 1;
  starts->reach = ((starts->last + 1) * bytes - 1) / mid_os_page_bytes();
  return starts->first < end && starts->first < span->carved;
}

// Whether a page from `page` to `reach` is in `state`.
static bool any_page(const struct look *look, size_t page, size_t reach, enum page_state state) {
  for (; page <= reach; page++)
    if (look->page[page] == state) return true;
  return false;
}

static bool look_free(const struct look *look, uint32_t i) {
  return (look->free_block[i / 64] >> i % 64) & 1;
}

static struct mid_block *block_at(const struct mid_span *span, uint32_t i) {
  return (struct mid_block *)(mid_span_base(span) + (size_t)i * span->block_bytes);
}

// Blocks in use are read too, while the program writes them.  Returns whether the block is free.
__attribute__((no_sanitize("thread"))) static inline bool look_at_block(const void *block,
                                                                        const struct mid_span *span,
                                                                        uint32_t i,
                                                                        struct look *look) {
  bool marked = *(const void *const volatile *)block == span;
  look->free_block[i / 64] |= (uint64_t)marked << i % 64;
  return marked;
}

// Returns how many of the blocks that start in `page` are free.
static uint32_t look_at_page(const struct mid_span *span, size_t page, struct look *look) {
  struct starts starts;
  if (look->page[page] == PAGE_GONE || !starts_of(span, page, &starts)) return 0;
  uint32_t marked = 0;
  const char *block = (const char *)block_at(span, starts.first);
  for (uint32_t i = starts.first; i < starts.last; i++, block += span->block_bytes)
    marked += look_at_block(block, span, i, look);
  if (marked < starts.last - starts.first) look->page[page] = PAGE_USED;
  if (any_page(look, page, starts.reach, PAGE_GONE)) return marked;
  if (look_at_block(block, span, starts.last, look)) return marked + 1;
  memset(look->page + page, PAGE_USED, starts.reach - page + 1);
  return marked;
}

// false when the marks do not tell.
static bool look_at_span(const struct mid_span *span, struct look *look) {
  size_t bytes = mid_os_page_bytes(), made = (size_t)span->carved * span->block_bytes;
  uint32_t marked = 0;
  memset(look->free_block, 0, sizeof look->free_block);
  for (size_t page = 0; page < page_count(span); page++)
    look->page[page] = is_gone(span, page)          ? PAGE_GONE
                       : (page + 1) * bytes <= made ? PAGE_FREE
                                                    : PAGE_USED;
  for (size_t page = 0; page < page_count(span); page++) marked += look_at_page(span, page, look);
  return marked == span->carved - mid_span_used(span);
}

static struct mid_block **list_block(const struct mid_span *span, uint32_t i,
                                     struct mid_block **link) {
  *link = block_at(span, i);
  return &(*link)->next;
}

// Make the list of free blocks anew, in the order of their addresses, without those that reach into
// free pages.  Returns how many of these there are.
static uint32_t relist_blocks(struct mid_span *span, const struct look *look) {
  struct mid_block **link = &span->freed;
  struct starts starts;
  uint32_t left_out = 0;
  for (size_t page = 0; page < page_count(span); page++) {
    if (look->page[page] == PAGE_GONE || !starts_of(span, page, &starts)) continue;
    if (look->page[page] == PAGE_FREE) left_out += starts.last - starts.first;
    for (uint32_t i = starts.first; look->page[page] == PAGE_USED && i < starts.last; i++)
      if (look_free(look, i)) link = list_block(span, i, link);
    if (!look_free(look, starts.last)) continue;
    if (any_page(look, page, starts.reach, PAGE_FREE))
      left_out++;
    else
      link = list_block(span, starts.last, link);
  }
  *link = mid_no_block();
  return left_out;
}

static void spend(struct mid_heap *heap, size_t cost) { heap->purse -= mid_min(heap->purse, cost); }

// Purge each run of free pages; returns their bytes.
static size_t purge_pages(struct mid_heap *heap, struct mid_span *span, const struct look *look) {
  size_t bytes = mid_os_page_bytes(), pages = page_count(span), gone = 0;
  for (size_t page = 0, end; page < pages; page = end + 1) {
    for (end = page; end < pages && look->page[end] == PAGE_FREE; end++) set_gone(span, end, true);
    if (end == page) continue;
    mid_os_purge((char *)mid_span_base(span) + page * bytes, (end - page) * bytes);
    spend(heap, CALL_COST);
    gone += (end - page) * bytes;
  }
  return gone;
}

bool mid_pages_wanted(const struct mid_heap *heap) {
  size_t live = heap->committed > heap->free_bytes ? heap->committed - heap->free_bytes : 0;
  return heap->free_bytes > mid_max(FREE_LEAST, live) + heap->regret;
}

static void give_pages(struct mid_heap *heap, struct mid_span *span) {
  struct look look;
  mid_span_tell_frees(heap, span);
  uint32_t in_use = mid_span_used(span) - mid_pages_gone_blocks(span);
  if (in_use > page_count(span) - gone_pages(span)) return;
  if (heap->purse < span->carved + (size_t)2 * CALL_COST) return;
  spend(heap, span->carved / 8u);
  if (!look_at_span(span, &look)) return mid_pages_check(span);
  if (memchr(look.page, PAGE_FREE, page_count(span)) == NULL) return;
  uint32_t blocks = relist_blocks(span, &look);
  size_t gone = purge_pages(heap, span, &look);
  // What is gone counts as used, and is unmade for the counters.
  mid_span_watch(span, mid_span_used(span) + blocks);
  mid_span_set_told(heap, span, span->told - blocks);
  mid_count_add(&heap->count[span->klass].dropped, blocks);
  heap->committed -= gone;
  mid_span_uncharge(span, gone);
}

void mid_pages_look(struct mid_heap *heap, struct mid_span *span) {
  struct mid_span_list *list = &heap->partial[span->klass];
  give_pages(heap, span);
  // Others were looked at when there was less to spare: those that waited longest, in turn.
  for (int i = 0; i < OTHERS && list->first != list->last && mid_pages_wanted(heap); i++) {
    struct mid_span *other = list->first;
    mid_spans_drop(list, other);
    mid_spans_push(list, other);
    give_pages(heap, other);
  }
}

// ---- and make anew ----

static uint32_t first_gone(const struct mid_span *span) {
  uint32_t i = 0;
  while (i < span->carved && !block_gone(span, i)) i++;
  return i;
}

static bool reaches(const struct mid_span *span, uint32_t i, const bool *pages) {
  struct reach reach = reach_of(span, i);
  for (size_t page = reach.first; page < reach.end; page++)
    if (pages[page]) return true;
  return false;
}

bool mid_pages_regrow(struct mid_heap *heap, struct mid_span *span, bool urgent) {
  if (!mid_pages_any_gone(span)) return false;
  uint32_t at = first_gone(span), made = 0;
  struct reach reach = reach_of(span, at);
  bool back[PAGES_MOST] = {false};
  size_t bytes = 0;
  for (size_t page = reach.first; page < reach.end; page++)
    if ((back[page] = is_gone(span, page))) bytes += mid_os_page_bytes();
  if (!mid_span_recharge(span, bytes, urgent)) return false;
  for (size_t page = reach.first; page < reach.end; page++) set_gone(span, page, false);
  for (; at < span->carved && reach_of(span, at).first < reach.end; at++) {
    if (!reaches(span, at, back) || block_gone(span, at)) continue;
    struct mid_block *block =
        (struct mid_block *)(mid_span_base(span) + at * (size_t)span->block_bytes);
    mid_span_push(span, block);
    made++;
  }
  mid_heap_commit(heap, bytes);
  heap->regret = mid_min(heap->regret + REGRET * bytes, heap->committed);
  mid_count_add(&heap->count[span->klass].carved, made);
  mid_span_set_told(heap, span, span->told + made);  // free, but never freed
  mid_span_watch_not(span, mid_span_used(span) - made);
  return true;
}
