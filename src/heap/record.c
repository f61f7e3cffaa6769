// heap/record.c -- see record.h.
// SPDX-License-Identifier: MIT
#include "heap/record.h"

#include <string.h>

#include "base/options.h"
#include "base/text.h"
#include "heap/record_stack.h"
#include "os/os.h"

enum {
  RING_LEAST = 1 << 13,  // words: 64 KiB, about 3000 events, all that most threads need
  RING_MOST = 1 << 20,   // 8 MiB: what a thread of 5 M events a second fills in 70 ms
  RING_GROWTH = 8,
  FULL_WAITS = 9,         // of a millisecond: with what the kernel adds to each, 10 ms at most
  GIVE_UP_LOST = 1 << 22  // events in a row: the reader is gone
};

// A ring as its writer sees it.  Records are never given back, only used again.
struct record_ring {
  struct mid_ring *ring;  // NULL: none could be made, then there are no words, or none yet
  uint64_t *word;         // its words
  uint64_t words;
  uint64_t head, tail;   // tail: as last seen
  uint64_t wanted;       // what the feed says while it is for this recording
  uint64_t thread;       // the number of the thread in this process; 0: threads that are ending
  uint64_t lost;         // events, of this ring
  uint64_t lost_in_row;  // of these, since the last that was not
  struct mid_unwind_thread *unwind;  // NULL: no stacks yet
  struct record_ring *next, *next_spare;
};

_Atomic bool mid_record_on;

static struct mid_lock rings_lock;  // taken before the feed's
static struct record_ring *rings;   // all but `late`, by `next`
static struct record_ring *spare;   // without a thread, by `next_spare`
static uint64_t threads;            // numbers given out
static uint64_t told;               // the recording whose modules were told last

static struct mid_lock late_lock;  // taken before rings_lock
static struct record_ring late;

static __thread struct record_ring *own;
static __thread bool busy;  // in an event: what the calling thread does now is part of it

// ---- words into the ring ----

static void ring_put(struct record_ring *r, const uint64_t *word, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) r->word[(r->head + i) & (r->words - 1)] = word[i];
  r->head += count;
  atomic_store_explicit(&r->ring->xhead, r->head, memory_order_release);
}

static bool ring_has_room(struct record_ring *r, uint32_t count) {
  if (mid_likely(r->head + count - r->tail <= r->words)) return true;
  r->tail = atomic_load_explicit(&r->ring->xtail, memory_order_acquire);
  return r->head + count - r->tail <= r->words;
}

static uint64_t first_word(enum mid_ring_op op, uint64_t more) {
  uint64_t time = mid_os_ticks() >> MID_RING_TICK_SHIFT;
  return time << MID_RING_TIME_SHIFT | more << MID_RING_ALIGN_SHIFT | op;
}

// ---- opening, growing, closing ----

static void ring_shut(struct record_ring *r) {
  struct mid_ring *ring = r->ring;
  if (ring == NULL) return;
  atomic_store_explicit(&ring->xclosed, 1, memory_order_release);
  r->ring = NULL;  // first: a child that is forked off here unmaps what it finds
  mid_ring_close(ring);
}

// A ring in place of the one that there is, which the reader finishes.
MID_RARELY static bool ring_renew(struct record_ring *r, uint64_t words, uint64_t recording) {
  mid_tell_lock();
  struct mid_ring *ring = mid_ring_open(words, recording);
  mid_tell_unlock();
  if (ring == NULL) return false;
  ring_shut(r);
  r->ring = ring;
  r->head = r->tail = r->lost = r->lost_in_row = 0;
  r->word = (uint64_t *)((char *)ring + MID_RING_HEAD_BYTES);
  r->words = words;
  r->wanted = recording * 2 + 1;
  uint64_t thread[] = {first_word(MID_RING_THREAD, 0), r->thread,
                       r->thread == 0 ? 0 : mid_os_thread_id()};
  ring_put(r, thread, 3);
  mid_ring_publish(ring);
  return true;
}

// There is no room for another event: make some, or wait for it.
MID_RARELY static bool ring_make_room(struct record_ring *r, uint32_t count) {
  if (r->words < RING_MOST &&
      ring_renew(r, mid_min(r->words * RING_GROWTH, RING_MOST), r->wanted / 2))
    return true;
  for (int i = 0; i < FULL_WAITS && r->lost_in_row == 0; i++) {
    mid_os_sleep_ms(1);
    if (ring_has_room(r, count)) return true;
  }
  return false;
}

// Nobody reads any more: the program goes on as if nobody ever had.
MID_RARELY static void record_give_up(const struct record_ring *r) {
  _Atomic uint64_t *word = atomic_load_explicit(&mid_feed_recording_at, memory_order_relaxed);
  if (word != NULL) atomic_store_explicit(word, r->wanted - 1, memory_order_relaxed);
}

// false: it is lost, and counted.
static bool ring_add(struct record_ring *r, const uint64_t *word, uint32_t count) {
  if (mid_unlikely(!ring_has_room(r, count)) && !ring_make_room(r, count)) {
    atomic_store_explicit(&r->ring->xlost, ++r->lost, memory_order_relaxed);
    if (++r->lost_in_row == GIVE_UP_LOST) record_give_up(r);
    return false;
  }
  r->lost_in_row = 0;
  ring_put(r, word, count);
  return true;
}

// ---- modules: what return addresses lie in ----

// A line of /proc/self/maps: start-end perms offset device inode path.
static const char *hex_read(const char *at, uint64_t *out) {
  for (*out = 0;; at++) {
    char c = *at;
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return at;
    *out = *out << 4 | (unsigned)digit;
  }
}

static void module_tell(struct record_ring *r, const char *line) {
  uint64_t word[MID_RING_EVENT_MOST] = {0};
  const char *at = hex_read(line, &word[1]);
  if (*at != '-') return;
  at = hex_read(at + 1, &word[2]);
  if (*at != ' ' || at[3] != 'x') return;
  hex_read(at + 6, &word[3]);
  size_t bytes = strcspn(line, "\n"), path = strcspn(line, "/");
  if (path >= bytes) return;
  bytes = mid_min(bytes - path, MID_RING_PATH_WORDS * sizeof *word);
  struct mid_os_module module;
  if (mid_os_module_find(word[1], &module))
    word[4] = mid_os_module_build_id(&module, (unsigned char *)&word[5],
                                     MID_RING_ID_WORDS * sizeof *word);
  memcpy(&word[MID_RING_MODULE_HEAD], line + path, bytes);
  uint32_t words = (uint32_t)((bytes + sizeof *word - 1) / sizeof *word);
  word[0] = first_word(MID_RING_MODULE, words);
  (void)ring_add(r, word, MID_RING_MODULE_HEAD + words);
}

// All that there are now, and before them that those which were told of are gone.
MID_RARELY static void modules_tell(struct record_ring *r) {
  enum { MAPS_BYTES = 1 << 20 };
  uint64_t anew[MID_RING_MODULE_HEAD] = {first_word(MID_RING_MODULE, 0)};
  char *room = mid_os_map(NULL, MAPS_BYTES);
  if (room == NULL) return;
  (void)mid_os_file_read("/proc/self/maps", room, MAPS_BYTES);
  (void)ring_add(r, anew, MID_RING_MODULE_HEAD);
  for (char *line = room; *line != 0; line += strcspn(line, "\n"), line += *line != 0)
    module_tell(r, line);
  mid_os_unmap(room, MAPS_BYTES);
}

// ---- whose ring it is ----

// All spans of the calling thread's heap: by the inline paths, or not.
MID_RARELY static void heap_switch(struct mid_heap *heap, bool recorded) {
  mid_lock_take(&heap->lock);
  heap->recorded = recorded;
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    struct mid_span *current = heap->current[c];
    if (current != &mid_span_none) {
      mid_heap_set_current(heap, c, current);
      mid_span_set_key(heap, current);
    }
    const struct mid_span_list *lists[] = {&heap->partial[c], &heap->full[c]};
    for (int l = 0; l < 2; l++)
      for (struct mid_span *span = lists[l]->first; span != NULL; span = span->next)
        mid_span_set_key(heap, span);
  }
  mid_lock_give(&heap->lock);
}

static struct record_ring *spare_take(void) {
  struct record_ring *r = spare;
  if (r != NULL) {
    spare = r->next_spare;
    return r;
  }
  r = mid_meta_take(sizeof *r);
  if (r == NULL) return NULL;
  r->next = rings;
  return rings = r;
}

// There is no room for a ring, which is not asked for again at each event.
MID_RARELY static void ring_refused(struct record_ring *r, uint64_t recording) {
  ring_shut(r);
  r->words = r->head = r->tail = 0;  // no event fits
  r->wanted = recording * 2 + 1;
}

// A ring for the calling thread, one that another has left if there is such.
MID_RARELY static struct record_ring *ring_for_thread(uint64_t recording) {
  mid_lock_take(&rings_lock);
  struct record_ring *r = spare_take();
  if (r != NULL) {
    r->thread = ++threads;
    if (r->unwind != NULL) mid_unwind_hand_on(r->unwind);
    if (told != recording) mid_record_stack_forget();
    uint64_t thread[] = {first_word(MID_RING_THREAD, 0), r->thread, mid_os_thread_id()};
    if (r->ring != NULL && r->wanted == recording * 2 + 1 && ring_has_room(r, 3))
      ring_put(r, thread, 3);
    else if (!ring_renew(r, RING_LEAST, recording))
      ring_refused(r, recording);
    if (told != recording && r->ring != NULL) told = recording, modules_tell(r);
  }
  mid_lock_give(&rings_lock);
  return r;
}

MID_RARELY static struct record_ring *ring_switch(uint64_t wanted) {
  struct mid_heap *heap = mid_thread_heap_get();
  uint64_t recording = (wanted & 1) != 0 ? wanted / 2 : 0;
  if (heap != NULL && heap == mid_thread_heap && heap->recorded != (recording != 0))
    heap_switch(heap, recording != 0);
  if (own != NULL && own->wanted != wanted) {
    ring_shut(own);
    mid_record_thread_ended();
  }
  mid_options.record = recording;  // for the feeds of children
  if (recording == 0) return NULL;
  if (own == NULL) own = ring_for_thread(recording);
  return own;
}

// A forked child may free before anything makes it a feed.
static uint64_t recording_wanted(void) {
  if (mid_unlikely(atomic_load_explicit(&mid_feed_recording_at, memory_order_relaxed) == NULL) &&
      mid_options.record != 0)
    mid_tell_open();
  return mid_feed_recording();
}

// The ring for the calling thread's next event; NULL: nothing is recorded.  In an ended thread the
// late one's lock is held after it.
static struct record_ring *ring_get(void) {
  uint64_t wanted = recording_wanted();
  if (mid_thread_heap == MID_HEAP_ENDED) {
    mid_lock_take(&late_lock);
    if ((wanted & 1) != 0 && (late.ring == NULL || late.wanted != wanted))
      (void)ring_renew(&late, RING_LEAST, wanted / 2);
    return (wanted & 1) != 0 ? &late : NULL;
  }
  struct record_ring *r = own;
  if (r == NULL || r->wanted != wanted) r = ring_switch(wanted);
  return r;
}

__attribute__((noinline)) static void record_slow(const uint64_t *word, uint32_t count) {
  struct record_ring *r = ring_get();
  if (r != NULL && r->ring != NULL) (void)ring_add(r, word, count);
  if (mid_thread_heap == MID_HEAP_ENDED) mid_lock_give(&late_lock);
}

// An ended thread has no ring of its own.
static inline void record(const uint64_t *word, uint32_t count) {
  struct record_ring *r = own;
  uint64_t place = mid_likely(r != NULL) ? r->head & (r->words - 1) : 0;
  if (mid_unlikely(r == NULL || r->wanted != mid_feed_recording() || place + count > r->words ||
                   r->head + count - r->tail > r->words || r->lost_in_row != 0))
    return record_slow(word, count);
  for (uint32_t i = 0; i < count; i++) r->word[place + i] = word[i];
  r->head += count;
  atomic_store_explicit(&r->ring->xhead, r->head, memory_order_release);
}

MID_RARELY void mid_record_thread_ended(void) {
  struct record_ring *r = own;
  if (r == NULL) return;
  own = NULL;
  mid_lock_take(&rings_lock);
  r->next_spare = spare;
  spare = r;
  mid_lock_give(&rings_lock);
}

// ---- where an event comes from ----

static bool wants_stacks(const struct record_ring *r) {
  return (r->wanted / 2 & MID_RING_WANTS_STACKS) != 0;
}

// Tell the stack that was just unwound; 0: it is lost.
MID_RARELY static uint64_t stack_tell(struct record_ring *r, uint64_t hash) {
  const struct mid_unwind_trace *trace = &r->unwind->trace;
  uint64_t word[MID_RING_EVENT_MOST], number;
  mid_lock_take(&rings_lock);
  if (mid_record_stack_is_elsewhere(trace)) modules_tell(r);
  number = mid_record_stack_next();
  word[0] = first_word(MID_RING_STACK, trace->frames);
  word[1] = number | (trace->cut ? MID_RING_IS_CUT : 0);
  memcpy(&word[MID_RING_STACK_HEAD], trace->frame, trace->frames * sizeof *trace->frame);
  if (ring_add(r, word, MID_RING_STACK_HEAD + trace->frames))
    mid_record_stack_keep(hash, number);
  else
    number = 0;
  mid_lock_give(&rings_lock);
  return number;
}

// With the number of the calling stack.  Its time is before the event's, which is taken later.
__attribute__((noinline)) static uint64_t site_with_stack(const void *caller) {
  struct record_ring *r = mid_thread_heap == MID_HEAP_ENDED ? NULL : ring_get();
  struct mid_unwind_frame here;
  if (r == NULL || r->ring == NULL || !wants_stacks(r)) return (uintptr_t)caller;
  if (r->unwind == NULL) r->unwind = mid_meta_take(sizeof *r->unwind);
  if (r->unwind == NULL) return (uintptr_t)caller;
  mid_unwind_here(&here);
  uint64_t number = mid_unwind(r->unwind, &here, (uintptr_t)caller);
  if (number == 0) {
    uint64_t hash = mid_record_stack_hash(&r->unwind->trace);
    number = mid_record_stack_find(hash);
    if (number == 0) number = stack_tell(r, hash);
    if (number == 0) return (uintptr_t)caller;
    mid_unwind_mark(r->unwind, number);
  }
  return number | MID_RING_IS_STACK;
}

static inline uint64_t site_of(const void *caller) {
  const struct record_ring *r = own;
  if (mid_likely(r != NULL && !wants_stacks(r))) return (uintptr_t)caller;
  return site_with_stack(caller);
}

// ---- events ----

static uint64_t block_word(const void *p, uint64_t bytes) {
  return (uintptr_t)p / MID_BLOCK_ALIGN | mid_min(bytes, MID_RING_SIZE_APART)
                                              << MID_RING_BLOCK_BITS;
}

static inline void record_taken(enum mid_ring_op op, const void *p, size_t bytes, size_t align,
                                const void *caller) {
  uint64_t site = site_of(caller);
  uint64_t word[4] = {first_word(op, mid_log2(align)), block_word(p, bytes), site};
  if (mid_likely(bytes < MID_RING_SIZE_APART)) return record(word, 3);
  word[2] = bytes;
  word[3] = site;
  record(word, 4);
}

// A signal's handler that calls malloc amid an event has its own left out.
static void busy_set(bool on) {
  atomic_signal_fence(memory_order_seq_cst);
  busy = on;
  atomic_signal_fence(memory_order_seq_cst);
}

void mid_record_take(enum mid_ring_op op, const void *p, size_t bytes, size_t align,
                     const void *caller) {
  if (mid_unlikely(busy)) return;
  busy_set(true);
  record_taken(op, p, bytes, align, caller);
  busy_set(false);
}

void mid_record_give(const void *p, const void *caller) {
  if (mid_unlikely(busy) || p == NULL) return;
  busy_set(true);
  uint64_t site = site_of(caller);
  uint64_t word[] = {first_word(MID_RING_GIVE, 0), block_word(p, 0), site};
  record(word, 3);
  busy_set(false);
}

bool mid_record_resize_begin(const void *p) {
  if (busy) return false;
  busy_set(true);
  uint64_t word[] = {first_word(MID_RING_RESIZING, 0), block_word(p, 0)};
  if (p != NULL) record(word, 2);
  return true;
}

void mid_record_resize_end(const void *p, size_t bytes, const void *caller) {
  record_taken(MID_RING_RESIZED, p, p == NULL ? 0 : bytes, MID_BLOCK_ALIGN, caller);
  busy_set(false);
}

// ---- modules that go, the end, and fork ----

MID_RARELY void mid_record_unloaded(void) {
  if (busy) return;
  busy_set(true);
  mid_lock_take(&rings_lock);
  mid_record_stack_forget();
  if (own != NULL && own->ring != NULL) modules_tell(own);
  mid_lock_give(&rings_lock);
  busy_set(false);
}

MID_RARELY void mid_record_end(void) {
  if (!mid_record_is_on() || busy || own == NULL || own->ring == NULL) return;
  busy_set(true);
  modules_tell(own);  // those that were loaded meanwhile
  busy_set(false);
}

void mid_record_lock(void) {
  mid_lock_take(&late_lock);
  mid_lock_take(&rings_lock);
}
void mid_record_unlock(void) {
  mid_lock_give(&rings_lock);
  mid_lock_give(&late_lock);
}

static void ring_forget(struct record_ring *r) {
  if (r->ring != NULL) mid_ring_close(r->ring);
  r->ring = NULL;
}

// The rings are the parent's.
MID_RARELY void mid_record_forked(void) {
  own = spare = NULL;
  for (struct record_ring *r = rings; r != NULL; r = r->next) {
    ring_forget(r);
    r->next_spare = spare;
    spare = r;
  }
  ring_forget(&late);
  told = threads = 0;
  mid_record_stack_forget();
}
