// gc/trace.c -- what one cycle does with each reference: mark, copy, or leave alone.
// SPDX-License-Identifier: MIT
//
// Ambiguous words come first: what they name is pinned, then marked where it stands.  After that
// exact references are followed; what they name in a FROM block moves, but for what is pinned.
// Copies are scanned in the order in which they were made, as they lie, without a stack (C. Cheney,
// "A Nonrecursive List Compacting Algorithm", CACM 13(11), 1970); what is marked goes on a stack.
//
//   survive, promote   | scanned ... |scan  copied, not scanned ... |top      |end
//
// A copy that finds no room is not made: the object is pinned and stays.  So a cycle cannot fail.
#include "gc/trace.h"

#include <string.h>

enum {
  TRACE_AHEAD = 256,     // bytes of copies whose references are fetched before they are looked at
  TRACE_NEAR_SHIFT = 32  // what is as far apart as this is not taken for a reference then
};

// ---- marking in place ----

static uint64_t trace_colour_word(const midden_gc *gc) {
  return (uint64_t)gc->colour << MID_GC_MARK_SHIFT;
}

// An object of a FROM block stays where it is.
void mid_gc_pin_in(midden_gc *gc, struct mid_gc_block *block, void *object) {
  uint64_t *word = mid_gc_word(object);
  if ((*mid_gc_kind_at(block->base) & (MID_GC_FROM | MID_GC_IS_LARGE)) != MID_GC_FROM) return;
  if ((*word & MID_GC_PIN) != 0) return;
  *word |= MID_GC_PIN;
  block->pinned = true;
  if (!mid_gc_words_add(&gc->pins, (uintptr_t)object)) gc->pins_lost = true;
}

static void trace_mark(midden_gc *gc, void *object) {
  uint64_t *word = mid_gc_word(object);
  if (mid_gc_colour(*word) == gc->colour) return;
  *word = (*word & ~(uint64_t)MID_GC_MARK) | trace_colour_word(gc);
  *mid_gc_marked_at(object) = 1;
  gc->now.marked++;
  gc->reached += mid_gc_whole_bytes(object, *word);
  mid_gc_type_seen(mid_gc_type_in(*word));
  if ((*word & MID_GC_KEY) != 0) mid_gc_key_found(gc, object);
  if (!mid_gc_words_add(&gc->stack, (uintptr_t)object)) gc->overflowed = true;
}

// ---- copying ----

static bool trace_grows(uint64_t word) {
  return (word & (MID_GC_HASHED | MID_GC_HASH_KEPT)) == MID_GC_HASHED;
}

// Of a minor cycle: young still, one older, or old from now on.
static bool trace_promotes(const midden_gc *gc, uint64_t word) {
  return !gc->minor || gc->promote_all || mid_gc_age(word) + 1 >= gc->threshold ||
         gc->survived_bytes >= gc->survivor_size;
}

static uint64_t trace_aged(midden_gc *gc, uint64_t word, size_t bytes, bool old) {
  uint64_t age = mid_gc_age(word) + (mid_gc_age(word) < MID_GC_AGE_MOST);
  word &= ~(uint64_t)(MID_GC_AGE | MID_GC_MARK | MID_GC_PIN | MID_GC_KEY);
  if (!gc->minor) return word | trace_colour_word(gc) | age << MID_GC_AGE_SHIFT;
  if (!old) {
    gc->survived[age] += bytes;
    gc->survived_bytes += bytes;
    return word | age << MID_GC_AGE_SHIFT;
  }
  gc->now.promoted += bytes;
  return word | mid_gc_tenured(gc);
}

// Most objects are of a few words.
static inline void trace_copy_words(char *to, const char *from, size_t bytes) {
  if (bytes > 128) {
    memcpy(to, from, bytes);
    return;
  }
  for (size_t i = 0; i < bytes; i += MID_GC_WORD)
    *(uint64_t *)(void *)(to + i) = *(const uint64_t *)(const void *)(from + i);
}

// Where the copy starts in a room of 8 bytes more, so that its fields, `before` bytes behind that,
// are at a multiple of 16; those 8 are a fill before or behind it.
static char *trace_align(char *room, size_t bytes, size_t before) {
  bool first = ((uintptr_t)room + before) % 16 != 0;
  mid_gc_fill(first ? room : room + bytes, 8);
  return first ? room + 8 : room;
}

static void *trace_copy(midden_gc *gc, void *object, uint64_t word) {
  bool grows = trace_grows(word), old = trace_promotes(gc, word) && !gc->plan->copies;
  size_t bytes = mid_gc_whole_bytes(object, word);
  char *from = mid_gc_first(object, word);
  bool aligned = (mid_gc_type_in(word)->flags & MIDDEN_TYPE_ALIGN_16) != 0;
  char *to = mid_gc_copy_room(gc, bytes + (grows ? 8 : 0) + (aligned ? 8 : 0), old);
  if (to == NULL) return NULL;
  if (aligned) to = trace_align(to, bytes + (grows ? 8 : 0), (size_t)((char *)object - from));
  trace_copy_words(to, from, bytes);
  void *copy = to + ((char *)object - from);
  if (grows) {
    *(uint64_t *)(void *)(to + bytes) = mid_gc_hash_here(object);
    word |= MID_GC_HASH_KEPT;
  }
  *mid_gc_word(copy) = trace_aged(gc, word, bytes, old);
  *mid_gc_word(object) = (uint64_t)(uintptr_t)copy | MID_GC_FORWARDED | (grows ? MID_GC_GREW : 0);
  if (!gc->minor) *mid_gc_marked_at(copy) = 1;
  gc->now.copied += bytes;
  gc->now.marked++;
  mid_gc_type_seen(mid_gc_type_in(word));
  gc->reached += bytes;
  if ((word & MID_GC_KEY) != 0) mid_gc_key_found(gc, object);
  return copy;
}

// ---- one reference ----

// Where the object is now; it is marked or copied where this cycle looks at it.
static void *trace_object(midden_gc *gc, void *object) {
  uint8_t kind = *mid_gc_kind_at(object);
  if ((kind & gc->scope) == 0) return object;
  uint64_t word = *mid_gc_word(object);
  if (mid_gc_is_forwarded(word)) return mid_gc_forwarded(word);
  const uint8_t moves = kind & (MID_GC_FROM | MID_GC_IS_LARGE);
  if (moves == MID_GC_FROM && (word & MID_GC_PIN) == 0 && gc->moves) {
    void *copy = trace_copy(gc, object, word);
    if (copy != NULL) return copy;
  }
  if (moves == MID_GC_FROM) mid_gc_pin_in(gc, mid_gc_block_of(object), object);
  trace_mark(gc, object);
  return object;
}

static inline bool trace_is_young(const midden_gc *gc, const void *object) {
  return gc->minor && (*mid_gc_kind_at(object) & MID_GC_YOUNG) != 0;
}

// A field may hold the address of a place in an object, or just past it, where the program keeps to
// that: then it can be in another block.
static bool trace_inside(midden_gc *gc, midden_ref *slot) {
  char *object = mid_gc_owner(gc, (uintptr_t)slot->word);
  if (object == NULL) return false;
  char *now = trace_object(gc, object);
  if (now != object) slot->word = now + ((char *)slot->word - object);
  return trace_is_young(gc, now);
}

// Whether what it refers to is young now, in a minor cycle.
static inline bool trace_slot(midden_gc *gc, midden_ref *slot) {
  void *object = slot->word;
  if (object == NULL) return false;
  if (mid_unlikely((gc->keeps & MIDDEN_GC_INTERIOR) != 0)) return trace_inside(gc, slot);
  void *now = trace_object(gc, object);
  if (now != object) slot->word = now;
  return trace_is_young(gc, now);
}

bool mid_gc_trace_slot(midden_gc *gc, midden_ref *slot) { return trace_slot(gc, slot); }

// ---- ambiguous words ----

static void trace_pin(midden_gc *gc, struct mid_gc_block *block, void *object, bool mark) {
  if (mid_gc_is_forwarded(*mid_gc_word(object))) return;  // too late: only a trace function can
  mid_gc_pin_in(gc, block, object);
  if (mark) trace_mark(gc, object);
}

static void trace_pending(midden_gc *gc, void *object) {
  if (!mid_gc_words_add(&gc->pending, (uintptr_t)object)) gc->pending_lost = true;
}

// `block` may own the address just behind it as well.
static void trace_ambiguous_in(midden_gc *gc, struct mid_gc_block *block, uintptr_t word, bool held,
                               bool mark) {
  if (block == NULL) return;
  bool looked_at = (*mid_gc_kind_at(block->base) & gc->scope) != 0;
  if (!looked_at && !(held && gc->minor)) return;
  void *also, *found[2];
  found[0] = mid_gc_find(block, word, &also);
  found[1] = held ? also : NULL;
  for (int i = 0; i < 2; i++) {
    if (found[i] == NULL) continue;
    bool dead = block->unswept && mid_gc_colour(*mid_gc_word(found[i])) != gc->major_colour;
    if (looked_at) trace_pin(gc, block, found[i], mark);
    // The thread may be about to store into it, having seen that it need not tell, or because
    // it is new.
    if (held && gc->minor && (looked_at ? mark : !dead)) trace_pending(gc, found[i]);
  }
}

void mid_gc_pin_word(midden_gc *gc, uintptr_t word, bool held, bool mark) {
  trace_ambiguous_in(gc, mid_gc_block_around(gc, word), word, held, mark);
  if (mid_unlikely(word % MID_GC_BLOCK == 0 && word != 0))
    trace_ambiguous_in(gc, mid_gc_block_around(gc, word - 1), word, false, mark);
}

void mid_gc_trace_word(midden_gc *gc, uintptr_t word, bool held) {
  mid_gc_pin_word(gc, word, held, true);
}

void mid_gc_log(midden_gc *gc, void *object) {
  if (mid_gc_untell(object) && !mid_gc_words_add(&gc->remembered, (uintptr_t)object))
    gc->forgot = true;
}

// ---- the references of an object ----

struct trace_seen {
  midden_gc *gc;
  bool young;
};

static inline void trace_visit(void *context, midden_ref *slot) {
  struct trace_seen *seen = context;
  seen->young |= trace_slot(seen->gc, slot);
}

static void trace_words(midden_gc *gc, void *object, size_t bytes) {
  const uintptr_t *word = object;
  for (size_t i = 0; i < bytes / sizeof *word; i++) mid_gc_pin_word(gc, word[i], false, true);
}

bool mid_gc_scan(midden_gc *gc, void *object) {
  struct trace_seen seen = {.gc = gc};
  uint64_t word = *mid_gc_word(object);
  switch (mid_gc_type_in(word)->inside) {
    case MID_GC_WORDS:
      trace_words(gc, object, mid_gc_field_bytes(object, word));
      break;
    case MID_GC_WEAK:
      return mid_gc_weak_found(gc, object);
    case MID_GC_TABLE:
      return mid_gc_table_found(gc, object);
    default:
      mid_gc_each_ref(object, word, trace_visit, &seen);
  }
  return seen.young;
}

// A copy has to be remembered when it is old and refers to young ones.
static void trace_scan_copy(midden_gc *gc, void *copy) {
  bool young = mid_gc_scan(gc, copy);
  if (young && gc->plan->barrier && (*mid_gc_word(copy) & MID_GC_TENURED) != 0)
    mid_gc_log(gc, copy);
}

// The copy at `at`, NULL: a fill.  returns where the next begins
static char *trace_step(char *at, void **copy) {
  uint64_t first = *(uint64_t *)(void *)at;
  *copy = NULL;
  if ((first & 7) == MID_GC_FILL) return at + (first >> 3);
  *copy = mid_gc_fields(at);
  return at + mid_gc_whole_bytes(*copy, *mid_gc_word(*copy));
}

// Let what the copies at `from` refer to come into the cache, as far as those go that are soon
// looked at, up to `end`: words near enough to be references.
static inline void trace_fetch(char **fetched, const char *from, char *end) {
  char *stop = end - from > TRACE_AHEAD ? (char *)from + TRACE_AHEAD : end;
  for (; *fetched < stop; *fetched += MID_GC_WORD) {
    uintptr_t word = *(uintptr_t *)(void *)*fetched;
    if ((word ^ (uintptr_t)from) >> TRACE_NEAR_SHIFT == 0) __builtin_prefetch((char *)word - 8);
  }
}

void mid_gc_scan_range(midden_gc *gc, char *from, char *to) {
  for (char *fetched = from; from < to;) {
    void *copy;
    trace_fetch(&fetched, from, to);
    from = trace_step(from, &copy);
    if (copy != NULL) trace_scan_copy(gc, copy);
  }
}

static bool trace_scan_buffer(midden_gc *gc, struct mid_gc_buffer *b) {
  if (b->scan == b->top) return false;
  // Scanning may fill the buffer and open another: what is left of this one is in `ranges` then.
  char *next, *fetched = b->scan;
  do {
    void *copy;
    trace_fetch(&fetched, b->scan, b->top);
    b->scan = next = trace_step(b->scan, &copy);
    if (copy != NULL) trace_scan_copy(gc, copy);
  } while (b->scan == next && next != b->top);
  return true;
}

static bool trace_scan_some(midden_gc *gc) {
  if (gc->stack.count > 0) {
    void *object = (void *)gc->stack.word[--gc->stack.count];
    trace_scan_copy(gc, object);
    return true;
  }
  if (trace_scan_buffer(gc, &gc->survive) || trace_scan_buffer(gc, &gc->promote)) return true;
  if (gc->ranges.count == 0) return false;
  char *to = (char *)gc->ranges.word[gc->ranges.count - 1];
  char *from = (char *)gc->ranges.word[gc->ranges.count - 2];
  gc->ranges.count -= 2;
  mid_gc_scan_range(gc, from, to);
  return true;
}

// What was marked while the stack could not grow is scanned again, with all that is marked.
static void trace_scan_marked(midden_gc *gc, struct mid_gc_block *block) {
  if ((*mid_gc_kind_at(block->base) & gc->scope) == 0) return;
  MID_GC_EACH(object, block) {
    uint64_t word = *mid_gc_word(object);
    if (!mid_gc_is_forwarded(word) && mid_gc_colour(word) == gc->colour) mid_gc_scan(gc, object);
    while (trace_scan_some(gc)) continue;
  }
}

void mid_gc_trace_all(midden_gc *gc) {
  do {
    while (trace_scan_some(gc)) continue;
    if (!gc->overflowed) return;
    gc->overflowed = false;
    mid_gc_each_block(gc, trace_scan_marked);
  } while (gc->overflowed || gc->stack.count > 0);
}

// ---- old objects that may refer to young ones ----

// Where the list was lost it may still have MID_GC_OLD.
void mid_gc_remember(midden_gc *gc, void *object) {
  uint64_t *word = mid_gc_word(object);
  gc->now.remembered++;
  if (!mid_gc_scan(gc, object)) {
    *word |= gc->plan->barrier ? MID_GC_OLD : 0;
    return;
  }
  *word &= ~(uint64_t)MID_GC_OLD;
  if (!mid_gc_words_add(&gc->remembered, (uintptr_t)object)) gc->forgot = true;
}

bool mid_gc_is_live(midden_gc *gc, midden_ref *slot) {
  uint8_t kind = *mid_gc_kind_at(slot->word);
  if ((kind & gc->scope) == 0) return true;
  uint64_t word = *mid_gc_word(slot->word);
  if (mid_gc_is_forwarded(word)) {
    slot->word = mid_gc_forwarded(word);
    return true;
  }
  return mid_gc_colour(word) == gc->colour;
}
