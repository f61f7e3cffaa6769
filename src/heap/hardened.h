// heap/hardened.h -- the option hardened=1: what each block goes through beside the common path.
// SPDX-License-Identifier: MIT
//
// With it every take and give comes here.  Nothing of Midden's is kept in a free block: the state
// of each block is a 16-bit word in a table apart, so there is no link to overwrite, and a free
// block reads as zero.
//
//   word = slack: block_bytes - bytes asked for, at least 8   in use; the slack is filled
//        = MID_HARD_FREE                                       may be taken
//        = MID_HARD_HELD                                       in quarantine
#ifndef MID_HEAP_HARDENED_H
#define MID_HEAP_HARDENED_H

#include "heap/heap.h"

enum {
  MID_HARD_FREE = 0xffff,
  MID_HARD_HELD = 0xfffe,
  MID_HELD_MOST = 1024,
  MID_HARD_WORDS = MID_SLICE_BYTES / MID_BLOCK_ALIGN / 64
};

// What a heap needs beside the common parts.
struct mid_hardened {
  uint64_t random;  // xorshift64
  void *held[MID_HELD_MOST];
  uint32_t held_count;
  _Atomic uint32_t held_of[MID_CLASSES];  // x: blocks of each class among them; relaxed, figures
  size_t held_bytes;
};

// The blocks of a span; span->asked is its address.
struct mid_hardened_table {
  uint32_t reciprocal;  // of the block size: 2^32 / block_bytes, rounded up
  uint32_t few;         // so many free blocks are no choice: more of the span is opened
  char *base;           // of the span
  uint32_t next;        // the block to take next, chosen early so that it is in the cache by then
  uint64_t some;        // bit w: free[w] has a bit
  uint64_t free[MID_HARD_WORDS];
  _Atomic uint64_t
      xfreed[MID_HARD_WORDS];  // x: freed by other threads; set before span->xfreed counts it
  _Atomic uint16_t state[];    // x: relaxed; changed by who has the block.  Behind them, a bit for
                               // each block: whether it is a sample
};

void mid_hardened_start(void);  // once, before any other call

// A random free block of `heap` for `bytes`, zero; NULL when memory is refused.
void *mid_hardened_take(struct mid_heap *heap, unsigned klass, size_t bytes, bool urgent);
// The same from the calling thread's heap, without a lock; NULL when that is not enough.
void *mid_hardened_quick(size_t bytes);

// Free `p`, a block of `span`: check the slack, clear the block, hold it back, and free what was
// held long enough by mid_heap_give_block.  No lock is held.
void mid_hardened_give(struct mid_span *span, void *p);
// The same for a block of the calling thread's heap; false for any other word.
bool mid_hardened_give_quick(void *p);
void mid_hardened_flush(struct mid_heap *heap);  // free all that is held; no lock is held
// Hold nothing any more, and never use it again: fork cut the owner off, perhaps in a free, so the
// list may have one block twice.
void mid_hardened_forget(struct mid_heap *heap);
// Make a block in use `bytes` long where it stands; false when another class is right for it.
bool mid_hardened_resize(struct mid_span *span, void *p, size_t bytes);

// Make a block that was held free: by the owner, or under the lock.
void mid_hardened_push(struct mid_span *span, void *p);
// Note that it is, by any thread; and free up to `count` of these, returning how many there were.
void mid_hardened_push_remote(struct mid_span *span, void *p);
uint32_t mid_hardened_fold(struct mid_span *span, uint32_t count);

// A span comes, or goes; blocks are made from its untouched end, false when there is none or the
// limit refuses.  The lock is held.
bool mid_hardened_open(struct mid_heap *heap, struct mid_span *span);
bool mid_hardened_carve(struct mid_heap *heap, struct mid_span *span, bool urgent);
void mid_hardened_close(struct mid_span *span);
bool mid_hardened_has_free(const struct mid_span *span);
bool mid_hardened_has_choice(const struct mid_span *span);  // enough that are free
bool mid_hardened_has_room(const struct mid_span *span);    // any, or the end is untouched

// Blocks of a class in quarantine: free for the program, used for their spans.
uint32_t mid_hardened_held(const struct mid_heap *heap, unsigned klass);
bool mid_hardened_is_free(const struct mid_span *span, const void *p);
size_t mid_hardened_usable(const struct mid_span *span, const void *p);

// Bytes to ask a class for so that the slack is there.
enum { MID_HARDENED_SLACK = 8 };

// Guards around a large block, while the kernel has mappings left for them; and off again, with the
// slack checked and the pages given back.
void mid_hardened_guard(struct mid_span *span);
void mid_hardened_unguard(struct mid_span *span);

#endif
