// heap/hardened.h -- the option hardened=1: what each block goes through beside the common path.
// SPDX-License-Identifier: MIT
//
// With it every take and give comes here, under the heap's lock.  Nothing of Midden's is kept in a
// free block: the state of each block is a 16-bit word in a table apart, so there is no link to
// overwrite, and a free block reads as zero.
//
//   word = slack: block_bytes - bytes asked for, at least 8   in use; the slack is filled
//        = HARD_FREE                                          may be taken
//        = HARD_HELD                                          in quarantine
#ifndef MID_HEAP_HARDENED_H
#define MID_HEAP_HARDENED_H

#include "heap/heap.h"

// A random free block of `heap` for `bytes`, zero; NULL when memory is refused.
void *mid_hardened_take(struct mid_heap *heap, unsigned klass, size_t bytes, bool urgent);
// Check the slack, clear the block, hold it back, and free others that were held.  All below: the
// lock is held.
void mid_hardened_give(struct mid_heap *heap, struct mid_span *span, void *p);
void mid_hardened_flush(struct mid_heap *heap);  // give up the quarantine
// A span comes, charged whole, or goes.
bool mid_hardened_open(struct mid_heap *heap, struct mid_span *span, bool urgent);
void mid_hardened_close(struct mid_span *span);
// Blocks of a class in quarantine: free for the program, used for their spans.
uint32_t mid_hardened_held(const struct mid_heap *heap, unsigned klass);
bool mid_hardened_has_room(const struct mid_span *span);
bool mid_hardened_is_free(const struct mid_span *span, const void *p);
size_t mid_hardened_usable(const struct mid_span *span, const void *p);

// Bytes to ask a class for so that the slack is there.
enum { MID_HARDENED_SLACK = 8 };

// Guards around a large block, while the kernel has mappings left for them; and off again, with the
// slack checked and the pages given back.
void mid_hardened_guard(struct mid_span *span);
void mid_hardened_unguard(struct mid_span *span);

#endif
