// heap/hardened.c -- see hardened.h.
// SPDX-License-Identifier: MIT
#include "heap/hardened.h"

#include <string.h>

#include "base/options.h"

enum { HARD_FREE = 0xffff, HARD_HELD = 0xfffe, SLACK_MOST = 0xfff0, HELD_MOST = 1024 };
enum { TAIL_BYTE = 0xa5 };

// What a heap needs beside the common parts.
struct mid_hardened {
  uint64_t random;  // xorshift64
  void *held[HELD_MOST];
  uint32_t held_count;
  uint32_t held_of[MID_CLASSES];  // blocks of each class among them
  size_t held_bytes;
};

// Tables of closed spans, by the power of two that they take, linked by their first word.  The lock
// is taken under a heap's only, so none holds it in a fork.
static struct mid_lock tables_lock;
static void *spare_tables[14];

static unsigned table_order(const struct mid_span *span) {
  return mid_log2(mid_max(span->capacity * sizeof(uint16_t), sizeof(void *)) * 2 - 1);
}

static void *table_take(unsigned order) {
  mid_lock_take(&tables_lock);
  void *table = spare_tables[order];
  if (table != NULL) memcpy(&spare_tables[order], table, sizeof(void *));
  mid_lock_give(&tables_lock);
  return table != NULL ? table : mid_meta_take((size_t)1 << order);
}

static void table_give(unsigned order, void *table) {
  mid_lock_take(&tables_lock);
  memcpy(table, &spare_tables[order], sizeof(void *));
  spare_tables[order] = table;
  mid_lock_give(&tables_lock);
}

static struct mid_hardened *hardened_of(struct mid_heap *heap) {
  if (heap->hardened == NULL) {
    heap->hardened = mid_meta_take(sizeof *heap->hardened);
    if (heap->hardened != NULL) heap->hardened->random = mid_os_random() | 1;
  }
  return heap->hardened;
}

// G. Marsaglia, "Xorshift RNGs", J. Stat. Softw. 8(14), 2003; seeded from the kernel.
static uint64_t random_next(struct mid_hardened *h) {
  h->random ^= h->random << 13;
  h->random ^= h->random >> 7;
  h->random ^= h->random << 17;
  return h->random;
}

// ---- the table of a span: one word a block, in span->asked ----

static uint16_t *table_of(const struct mid_span *span) { return (uint16_t *)span->asked; }

static uint16_t *word_of(const struct mid_span *span, const void *p) {
  return &table_of(span)[((uintptr_t)p - mid_span_base(span)) / span->block_bytes];
}

bool mid_hardened_open(struct mid_heap *heap, struct mid_span *span, bool urgent) {
  struct mid_hardened *h = hardened_of(heap);
  if (h == NULL) return false;
  void *table = table_take(table_order(span));
  if (table == NULL) return false;
  memset(table, 0xff, (size_t)1 << table_order(span));  // HARD_FREE
  span->asked = (size_t)table;
  if (!mid_span_charge(span, span->slices * MID_SLICE_BYTES, urgent)) {
    mid_hardened_close(span);
    return false;
  }
  mid_heap_commit(heap, span->slices * MID_SLICE_BYTES);
  if (!span->zero) memset((void *)mid_span_base(span), 0, span->slices * MID_SLICE_BYTES);
  span->carved = span->capacity;
  span->told = span->capacity;  // free, but never freed
  heap->count[span->klass].carved += span->capacity;
  return true;
}

void mid_hardened_close(struct mid_span *span) {
  table_give(table_order(span), table_of(span));
  span->asked = 0;
}

uint32_t mid_hardened_held(const struct mid_heap *heap, unsigned klass) {
  return heap->hardened != NULL ? heap->hardened->held_of[klass] : 0;
}

bool mid_hardened_has_room(const struct mid_span *span) {
  return span->floor + span->left < span->capacity;
}

bool mid_hardened_is_free(const struct mid_span *span, const void *p) {
  return *word_of(span, p) >= HARD_HELD;
}

size_t mid_hardened_usable(const struct mid_span *span, const void *p) {
  return span->block_bytes - *word_of(span, p);
}

// ---- take ----

static uint32_t random_free(struct mid_hardened *h, const struct mid_span *span) {
  uint32_t i = (uint32_t)(random_next(h) % span->capacity);
  while (table_of(span)[i] != HARD_FREE) i = i + 1 == span->capacity ? 0 : i + 1;
  return i;
}

// Free blocks are zero: what is not was written by someone who had freed it.
static void check_zero(const char *p, size_t bytes) {
  bool zero = p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0;
  if (mid_unlikely(!zero))
    mid_heap_crime(
        "corrupted free list", p,
        "this block was written to after it was freed; look for a use after free of its size");
}

static void *take_locked(struct mid_heap *heap, unsigned klass, size_t bytes, bool urgent) {
  if (!mid_heap_refill(heap, klass, urgent)) return NULL;
  struct mid_span *span = heap->current[klass];
  struct mid_hardened *h = hardened_of(heap);
  uint32_t i = random_free(h, span);
  size_t slack = mid_min(span->block_bytes - bytes, SLACK_MOST);
  table_of(span)[i] = (uint16_t)slack;
  mid_span_tell_frees(heap, span);
  span->left++;
  span->told--;
  heap->count[klass].allocated++;
  char *p = (char *)mid_span_base(span) + (size_t)i * span->block_bytes;
  check_zero(p, span->block_bytes);
  memset(p + span->block_bytes - slack, TAIL_BYTE, slack);
  return p;
}

void *mid_hardened_take(struct mid_heap *heap, unsigned klass, size_t bytes, bool urgent) {
  mid_lock_take(&heap->lock);
  heap->told.refills++;
  heap->count[klass].asked_samples++;
  heap->count[klass].asked_bytes += bytes;
  void *p = take_locked(heap, klass, bytes, urgent);
  if (p == NULL && heap->hardened != NULL && heap->hardened->held_count > 0) {
    mid_hardened_flush(heap);  // what is held back is better than nothing
    p = take_locked(heap, klass, bytes, urgent);
  }
  mid_tell_class(heap, klass);
  mid_lock_give(&heap->lock);
  mid_span_settle();
  return p;
}

// ---- give ----

static void check_tail(const unsigned char *tail, size_t bytes, const void *p) {
  for (size_t i = 0; i < bytes; i++)
    if (mid_unlikely(tail[i] != TAIL_BYTE))
      mid_heap_crime(
          "overwritten tail", p,
          "the program wrote past the end of this block; look for a size that is too small");
}

static void held_release(struct mid_heap *heap, struct mid_hardened *h, uint32_t i) {
  void *p = h->held[i];
  h->held[i] = h->held[--h->held_count];
  struct mid_span *span = mid_map_find_head(p);
  h->held_bytes -= span->block_bytes;
  h->held_of[span->klass]--;
  *word_of(span, p) = HARD_FREE;
  mid_span_freed_one(heap, span);
}

void mid_hardened_give(struct mid_heap *heap, struct mid_span *span, void *p) {
  struct mid_hardened *h = hardened_of(heap);
  uint16_t *word = word_of(span, p);
  check_tail((unsigned char *)p + span->block_bytes - *word, *word, p);
  memset(p, 0, span->block_bytes);
  *word = HARD_HELD;
  h->held[h->held_count++] = p;
  h->held_bytes += span->block_bytes;
  h->held_of[span->klass]++;
  while (h->held_count == HELD_MOST ||
         (h->held_count > 0 && h->held_bytes > mid_options.quarantine))
    held_release(heap, h, (uint32_t)(random_next(h) % h->held_count));
}

void mid_hardened_flush(struct mid_heap *heap) {
  struct mid_hardened *h = heap->hardened;
  while (h != NULL && h->held_count > 0) held_release(heap, h, h->held_count - 1);
}

// ---- large blocks ----

static _Atomic uint64_t guarded;  // blocks with guards: up to four mappings each

// Where the second guard starts; the first, where there is one, is the span's first page.
static char *rear_of(const struct mid_span *span) {
  return (char *)mid_span_base(span) + span->bytes - mid_os_page_bytes();
}

static char *block_of(const struct mid_span *span) {
  return (char *)mid_span_base(span) + span->block_bytes;
}

void mid_hardened_guard(struct mid_span *span) {
  static _Atomic uint64_t most;
  if (most == 0) most = mid_os_mapping_limit() / 8;
  char *rear = rear_of(span), *end = block_of(span) + span->asked;
  memset(end, TAIL_BYTE, (size_t)(rear - end));
  if (atomic_fetch_add(&guarded, 1) >= most) {
    atomic_fetch_sub(&guarded, 1);
    return;
  }
  size_t page = mid_os_page_bytes();
  // One that fails leaves the other: guards are taken off together.
  span->guarded = true;
  (void)mid_os_guard(rear, page);
  if (span->block_bytes >= page) (void)mid_os_guard((void *)mid_span_base(span), page);
}

void mid_hardened_unguard(struct mid_span *span) {
  char *rear = rear_of(span), *end = block_of(span) + span->asked;
  check_tail((unsigned char *)end, (size_t)(rear - end), block_of(span));
  void *base = (void *)mid_span_base(span);
  if (span->guarded) {
    (void)mid_os_unguard(base, span->bytes);
    atomic_fetch_sub(&guarded, 1);
  }
  mid_os_purge(base, span->bytes);
}
