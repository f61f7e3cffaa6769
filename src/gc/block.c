// gc/block.c -- blocks and large objects: taken and given back, found by address.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "gc/anchor.h"
#include "heap/anchor.h"

// What lies in no window is of no heap: a window that is never written to, and so takes no memory.
static struct mid_gc_window *block_nowhere;
struct mid_gc_window *mid_gc_windows[MID_WINDOWS];

// ---- the windows; under the lock of any heap, so two may make the same one ----

static struct mid_lock block_windows_lock;

static struct mid_gc_window *block_window_make(void) {
  return mid_os_map(NULL, mid_round_up(sizeof(struct mid_gc_window), mid_os_page_bytes()));
}

bool mid_gc_windows_start(void) {
  mid_lock_take(&block_windows_lock);
  if (block_nowhere == NULL) block_nowhere = block_window_make();
  for (size_t i = 0; block_nowhere != NULL && mid_gc_windows[0] == NULL && i < MID_WINDOWS; i++)
    mid_gc_windows[MID_WINDOWS - 1 - i] = block_nowhere;
  mid_lock_give(&block_windows_lock);
  mid_anchor_collected = &mid_gc_anchor;  // those who look from outside find them
  return block_nowhere != NULL;
}

static struct mid_gc_window *block_window(uintptr_t base) {
  struct mid_gc_window **at = &mid_gc_windows[base >> MID_WINDOW_SHIFT];
  if (*at != block_nowhere) return *at;
  mid_lock_take(&block_windows_lock);
  if (*at == block_nowhere) {
    struct mid_gc_window *made = block_window_make();
    if (made != NULL) *at = made;
  }
  mid_lock_give(&block_windows_lock);
  return *at != block_nowhere ? *at : NULL;
}

bool mid_gc_link(char *base, size_t bytes, struct mid_gc_block *block, uint8_t kind) {
  for (char *p = base; p < base + bytes; p += MID_GC_BLOCK) {
    struct mid_gc_window *w = block_window((uintptr_t)p);
    size_t i = ((uintptr_t)p >> MID_GC_BLOCK_SHIFT) & (MID_WINDOW_SLICES - 1);
    if (w == NULL) return false;
    w->block[i] = block;
    w->kind[i] = kind;
    w->marked[i] = 0;
  }
  return true;
}

void mid_gc_kind_set(struct mid_gc_block *block, uint8_t kind) {
  for (char *p = block->base; p < block->base + block->bytes; p += MID_GC_BLOCK)
    *mid_gc_kind_at(p) = kind;
}

struct mid_gc_block *mid_gc_block_around(const midden_gc *gc, uintptr_t word) {
  if (word >> MID_ADDRESS_BITS != 0) return NULL;
  struct mid_gc_block *block = mid_gc_block_of((void *)word);
  return block != NULL && block->gc == gc && (*mid_gc_kind_at((void *)word) & MID_GC_IN) ? block
                                                                                         : NULL;
}

// ---- large objects ----
//
// What large objects leave behind is kept for the next ones, up to the size of Eden and until the
// next major collection: their pages cost more to touch anew than to clear.

static struct mid_gc_block *block_large_record(midden_gc *gc) {
  struct mid_gc_block *block = gc->spare_large;
  if (block != NULL) {
    gc->spare_large = block->next;
    return block;
  }
  gc->meta += sizeof *block;
  return mid_meta_take(sizeof *block);
}

static void block_large_drop(midden_gc *gc, struct mid_gc_block *block) {
  if (block->span != NULL) mid_gc_span_give(gc, block->span);
  block->next = gc->spare_large;
  gc->spare_large = block;
}

static void block_idle_drop(midden_gc *gc) {
  for (struct mid_gc_block *block; (block = mid_gc_pop(&gc->idle)) != NULL;)
    block_large_drop(gc, block);
  gc->idle_bytes = 0;
}

// One of `whole` bytes, or an eighth more.
static struct mid_gc_block *block_idle_take(midden_gc *gc, size_t whole, size_t bytes,
                                            uint8_t kind) {
  for (struct mid_gc_block **at = &gc->idle.first, *block; (block = *at) != NULL;
       at = &block->next) {
    if (block->bytes < whole || block->bytes > whole + whole / 8) continue;
    *at = block->next;
    gc->idle.count--;
    gc->idle_bytes -= block->bytes;
    *block = (struct mid_gc_block){.gc = gc,
                                   .base = block->base,
                                   .bytes = block->bytes,
                                   .end = block->base + bytes,
                                   .span = block->span};
    mid_gc_link(block->base, block->bytes, block, kind | MID_GC_IN | MID_GC_IS_LARGE);
    return block;
  }
  return NULL;
}

struct mid_gc_block *mid_gc_large_take(midden_gc *gc, size_t bytes, uint8_t kind) {
  size_t slices = mid_round_up(bytes, MID_GC_BLOCK) >> MID_GC_BLOCK_SHIFT;
  struct mid_gc_block *block = block_idle_take(gc, slices * MID_GC_BLOCK, bytes, kind);
  if (block != NULL) return block;
  if (!mid_gc_fits(gc, slices * MID_GC_BLOCK)) {
    block_idle_drop(gc);
    mid_gc_ahead_drop(gc);
  }
  if (!mid_gc_fits(gc, slices * MID_GC_BLOCK)) return NULL;
  block = block_large_record(gc);
  if (block == NULL) return NULL;
  struct mid_span *span = mid_gc_span_take(gc, slices, MID_SLICE_BYTES);
  *block = (struct mid_gc_block){.gc = gc, .bytes = slices * MID_GC_BLOCK, .span = span};
  if (span != NULL) {
    block->base = (char *)mid_span_base(span);
    block->end = block->base + bytes;
    block->zero = span->zero;
    if (mid_gc_link(block->base, block->bytes, block, kind | MID_GC_IN | MID_GC_IS_LARGE))
      return block;
  }
  block_large_drop(gc, block);
  return NULL;
}

void mid_gc_large_give(midden_gc *gc, struct mid_gc_block *block) {
  mid_gc_link(block->base, block->bytes, NULL, 0);
  if (block->cards != NULL) mid_os_unmap(block->cards, mid_gc_card_bytes(block));
  block->cards = NULL;
  if (gc->idle_bytes + block->bytes > gc->eden_size) return block_large_drop(gc, block);
  gc->idle_bytes += block->bytes;
  mid_gc_push(&gc->idle, block);
}

// ---- blocks ----

// One whose pages were given back, to be used again.
static bool block_fetch(midden_gc *gc) {
  struct mid_gc_block *block = gc->away.first;
  if (block == NULL || !mid_gc_fits(gc, MID_GC_BLOCK)) return false;
  if (!mid_span_recharge(block->area->span, MID_GC_BLOCK, false)) return false;
  mid_gc_commit(gc, MID_GC_BLOCK);
  mid_gc_push(&gc->free, mid_gc_pop(&gc->away));
  return true;
}

struct mid_gc_block *mid_gc_block_take(midden_gc *gc, uint8_t kind) {
  if (gc->free.first == NULL && !block_fetch(gc) && !mid_gc_area_take(gc)) return NULL;
  struct mid_gc_block *block = mid_gc_pop(&gc->free);
  gc->free_least = mid_min(gc->free_least, gc->free.count);
  block->area->free--;
  block->end = block->base;
  block->holes = NULL;
  block->free_bytes = MID_GC_BLOCK;
  block->live_bytes = 0;
  block->starts_cycle = 0;
  memset(block->known, 0, sizeof block->known);
  block->born = gc->cycle;
  block->written = 0;
  block->pinned = block->unswept = false;
  mid_gc_link(block->base, MID_GC_BLOCK, block, kind | MID_GC_IN);
  return block;
}

void mid_gc_block_give(midden_gc *gc, struct mid_gc_block *block) {
  mid_gc_link(block->base, MID_GC_BLOCK, NULL, 0);
  block->buffer_top = NULL;
  block->zero = false;
  block->area->free++;
  mid_gc_push(&gc->free, block);
}

// ---- what goes back to the system ----

// The pages of free blocks whose neighbours are in use; those at the end of the list have been free
// the longest.
static void block_purge(midden_gc *gc, size_t count) {
  struct mid_gc_block **at = &gc->free.first;
  for (size_t stay = gc->free.count - count; stay > 0; stay--) at = &(*at)->next;
  for (struct mid_gc_block *block; (block = *at) != NULL;) {
    *at = block->next;
    gc->free.count--;
    mid_os_purge(block->base, MID_GC_BLOCK);
    block->zero = true;
    mid_span_uncharge(block->area->span, MID_GC_BLOCK);
    gc->committed -= MID_GC_BLOCK;
    mid_gc_push(&gc->away, block);
  }
}

void mid_gc_trim(midden_gc *gc, size_t keep, bool all) {
  block_idle_drop(gc);
  keep = mid_round_up(keep, MID_GC_BLOCK) / MID_GC_BLOCK;
  mid_gc_areas_drop(gc, keep, all);
  size_t spare = all ? gc->free.count : mid_min(gc->free_least, gc->free.count);
  size_t more = gc->free.count > keep ? gc->free.count - keep : 0;
  block_purge(gc, mid_min(spare, more));
  gc->free_least = gc->free.count;
}

// ---- the end ----

static void block_forget(midden_gc *gc, struct mid_gc_block *block) {
  if (block->area != NULL)
    mid_gc_block_give(gc, block);
  else
    mid_gc_large_give(gc, block);
}

void mid_gc_blocks_close(midden_gc *gc) {
  mid_gc_each_block(gc, block_forget);
  mid_gc_trim(gc, 0, true);
  mid_gc_areas_close(gc);
}

// ---- walking ----

// Where the object behind a forwarded word ends: as the copy does, but for a hash that was added.
static size_t block_bytes_of(const void *object, uint64_t word) {
  if (!mid_gc_is_forwarded(word)) return mid_gc_whole_bytes(object, word);
  const void *copy = mid_gc_forwarded(word);
  return mid_gc_whole_bytes(copy, *mid_gc_word(copy)) - ((word & MID_GC_GREW) != 0 ? 8 : 0);
}

static uint64_t block_word_of(const void *object) {
  uint64_t word = mid_gc_read(mid_gc_word(object));
  return mid_gc_is_forwarded(word) ? *mid_gc_word(mid_gc_forwarded(word)) : word;
}

static char *block_end_of(const void *object) {
  uint64_t word = mid_gc_read(mid_gc_word(object));
  return mid_gc_first(object, block_word_of(object)) + block_bytes_of(object, word);
}

char *mid_gc_step(struct mid_gc_block *block, char *at, void **object) {
  *object = NULL;
  if (mid_gc_is_buffer(block, at)) return block->buffer_end;
  uint64_t word = mid_gc_read(at);
  if ((word & 7) == MID_GC_FILL) return at + (word >> 3);
  *object = mid_gc_fields(at);
  return at + block_bytes_of(*object, mid_gc_read(mid_gc_word(*object)));
}

void *mid_gc_next_object(struct mid_gc_block *block, char *at, char **next) {
  void *object = NULL;
  *next = NULL;
  if (block->object != NULL) return at == block->base ? block->object : NULL;
  while (object == NULL && at < block->end) at = mid_gc_step(block, at, &object);
  if (object != NULL) *next = at;
  return object;
}

// ---- what an address is in ----

// Where objects start, in pieces of the block, each made when an ambiguous word of a cycle points
// into it.  A piece begins at an object that was noted there while it was allocated, or else where
// the walk over the piece before it ended.
enum { STARTS = MID_GC_BLOCK / MID_GC_WORD, PIECE_STARTS = MID_GC_PIECE / MID_GC_WORD };

static bool block_starts_begin(struct mid_gc_block *block) {
  midden_gc *gc = block->gc;
  if (block->starts_cycle == gc->cycle) return true;
  if (block->area->starts == NULL) {
    block->area->starts = mid_os_map(NULL, mid_gc_area_starts_bytes(block->area));
    if (block->area->starts == NULL) return false;
    gc->meta += mid_gc_area_starts_bytes(block->area);
  }
  block->starts = block->area->starts + (size_t)(block - block->area->block) * (STARTS / 64);
  block->starts_made = 0;
  block->starts_cycle = gc->cycle;
  return true;
}

// Note the starts from `at` on until the end of piece `last`.
static void block_starts_walk(struct mid_gc_block *block, char *at, unsigned last) {
  char *stop = block->base + (last + 1) * (size_t)MID_GC_PIECE;
  for (void *object; at < stop && at < block->end;) {
    at = mid_gc_step(block, at, &object);
    size_t i = object != NULL ? (size_t)((char *)object - block->base) / MID_GC_WORD : STARTS;
    // That of an object without fields at the very end would be the next block's.
    if (i < STARTS) block->starts[i / 64] |= (uint64_t)1 << i % 64;
  }
}

// The object that reaches into a piece may start in the one before.
static unsigned block_known_before(const struct mid_gc_block *block, unsigned piece) {
  unsigned first = piece;
  while (first > 0 && (first == piece || block->known[first] == 0)) first--;
  return first;
}

char *mid_gc_before_piece(const struct mid_gc_block *block, unsigned piece) {
  unsigned first = block_known_before(block, piece);
  return block->base + (first == 0 ? 0 : (size_t)block->known[first] * MID_GC_WORD);
}

static void block_starts_make(struct mid_gc_block *block, unsigned piece) {
  if ((block->starts_made >> piece & 1) != 0) return;
  unsigned first = block_known_before(block, piece);
  for (unsigned i = first; i <= piece; i++)
    if ((block->starts_made >> i & 1) == 0)
      memset(block->starts + i * (PIECE_STARTS / 64), 0, PIECE_STARTS / 8);
  size_t from = first == 0 ? 0 : (size_t)block->known[first] * MID_GC_WORD;
  block_starts_walk(block, block->base + from, piece);
  // Of the first of them only what lies behind the known start was seen.
  for (unsigned i = first + (first != 0); i <= piece; i++) block->starts_made |= (uint8_t)(1u << i);
}

// The last start at or before word `i`; -1: none.
static ptrdiff_t block_start_before(struct mid_gc_block *block, size_t i) {
  size_t k = i / 64;
  block_starts_make(block, (unsigned)(i / PIECE_STARTS));
  uint64_t bits = block->starts[k] & (~(uint64_t)0 >> (63 - i % 64));
  while (bits == 0) {
    if (k-- == 0) return -1;
    if (k % (PIECE_STARTS / 64) == PIECE_STARTS / 64 - 1)
      block_starts_make(block, (unsigned)(k / (PIECE_STARTS / 64)));
    bits = block->starts[k];
  }
  return (ptrdiff_t)(k * 64 + 63 - (size_t)__builtin_clzll(bits));
}

static void *block_first_at(struct mid_gc_block *block, uintptr_t word) {
  for (size_t words = 1; words <= 2; words++) {
    size_t i = (word - (uintptr_t)block->base) / MID_GC_WORD + words;
    if (i >= STARTS) return NULL;
    block_starts_make(block, (unsigned)(i / PIECE_STARTS));
    if ((block->starts[i / 64] >> i % 64 & 1) == 0) continue;
    void *object = block->base + i * MID_GC_WORD;
    bool counted = (block_word_of(object) & MID_GC_COUNTED) != 0;
    return counted == (words == 2) ? object : NULL;
  }
  return NULL;
}

// Without a table of starts, which the system refused: from the start of the block.
static void *block_find_slowly(struct mid_gc_block *block, uintptr_t word, void **also) {
  void *found = NULL;
  MID_GC_EACH(object, block) {
    uintptr_t first = (uintptr_t)mid_gc_first(object, block_word_of(object));
    if (first == word) *also = object;
    if (first < word && word <= (uintptr_t)block_end_of(object)) found = object;
  }
  return found;
}

void *mid_gc_find(struct mid_gc_block *block, uintptr_t word, void **also) {
  *also = NULL;
  if (block->object != NULL) return word > (uintptr_t)block->base ? block->object : NULL;
  if (!block_starts_begin(block)) return block_find_slowly(block, word, also);
  if (word % MID_GC_WORD == 0) *also = block_first_at(block, word);
  size_t at = (word - (uintptr_t)block->base) / MID_GC_WORD;
  ptrdiff_t i = block_start_before(block, mid_min(at, STARTS - 1));
  if (i < 0) return NULL;
  void *object = block->base + (size_t)i * MID_GC_WORD;
  return word <= (uintptr_t)block_end_of(object) ? object : NULL;
}

// The address behind a block's last word is still its own.
void *mid_gc_owner(const midden_gc *gc, uintptr_t word) {
  void *also, *object = NULL;
  struct mid_gc_block *block = mid_gc_block_around(gc, word);
  if (block != NULL) object = mid_gc_find(block, word, &also);
  if (object != NULL || word % MID_GC_BLOCK != 0 || word == 0) return object;
  block = mid_gc_block_around(gc, word - 1);
  return block != NULL ? mid_gc_find(block, word, &also) : NULL;
}

// By address, not by list: a cycle that looks at them moves blocks from one list to another.
void mid_gc_each_block(midden_gc *gc, void (*visit)(midden_gc *gc, struct mid_gc_block *block)) {
  for (struct mid_gc_area *area = gc->areas; area != NULL; area = area->next)
    for (size_t i = 0; i < area->blocks; i++)
      if (*mid_gc_kind_at(area->block[i].base) != 0) visit(gc, &area->block[i]);
  struct mid_gc_list *large[] = {&gc->large, &gc->young_large};
  for (size_t i = 0; i < sizeof large / sizeof *large; i++)
    for (struct mid_gc_block *b = large[i]->first, *next; b != NULL; b = next) {
      next = b->next;
      visit(gc, b);
    }
}

// ---- growing lists of words ----

bool mid_gc_words_add(struct mid_gc_words *w, uintptr_t word) {
  if (mid_unlikely(w->count == w->room)) {
    size_t room = mid_max(2 * w->room, 4096 / sizeof *w->word * 4);
    uintptr_t *more = mid_os_map(NULL, room * sizeof *more);
    if (more == NULL) return false;
    uintptr_t *before = w->word;
    size_t before_room = w->room;
    if (before_room > 0) memcpy(more, before, w->count * sizeof *more);
    w->word = more;  // a fork may come between any two of these
    w->room = room;
    if (before_room > 0) mid_os_unmap(before, before_room * sizeof *more);
  }
  w->word[w->count++] = word;
  return true;
}

void mid_gc_words_close(struct mid_gc_words *w) {
  if (w->room > 0) mid_os_unmap(w->word, w->room * sizeof *w->word);
  *w = (struct mid_gc_words){0};
}
