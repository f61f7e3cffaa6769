// feed/feed.h -- publish counters into the feed file.  The truth stays with the caller: a feed that
// cannot be made, or is made anew by a forked child, loses nothing.
// SPDX-License-Identifier: MIT
#ifndef MID_FEED_FEED_H
#define MID_FEED_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "feed/format.h"

// A slot in the mapped file; opaque, and never given back: heaps keep theirs and hand it on.
struct mid_feed_place;

// Make the feed file in the first of $XDG_RUNTIME_DIR/midden, /dev/shm/midden-UID, /tmp/midden-UID
// that can be used, with the class table and the process record in it.  `run` as in the options.
// false when there is no place or no room; the process goes on without.
// threads  the caller holds the span lock in all five calls below
// cost     about ten system calls; allocates nothing from the heap
// recording  what stands in the header under this name
bool mid_feed_open(uint64_t run, uint64_t recording, const struct mid_feed_class *classes,
                   uint32_t class_count);
bool mid_feed_is_open(void);

// The recording that is asked for now (mid_feed_header); 0 without a feed.  Any thread, at any
// time.
extern _Atomic(_Atomic uint64_t *) mid_feed_recording_at;
static inline uint64_t mid_feed_recording(void) {
  _Atomic uint64_t *at = atomic_load_explicit(&mid_feed_recording_at, memory_order_relaxed);
  return at == NULL ? 0 : atomic_load_explicit(at, memory_order_relaxed);
}

// A new file of `bytes` beside the feed, named as that is but for `ending`: its descriptor, or an
// error as in -EEXIST.
int mid_feed_beside(const char *ending, uint64_t bytes);
// The same, or where the feed's folder has no room in another that may hold feeds: for readers that
// look into all of them.  A container's /dev/shm has 64 MiB.
int mid_feed_beside_or_elsewhere(const char *ending, uint64_t bytes);
// The same file again, with room for `bytes` more from `from` on, where it ended.
int mid_feed_beside_again(const char *ending, uint64_t from, uint64_t bytes);
const struct mid_feed_header *mid_feed_header(void);  // NULL without a feed

// Copy *values into the process record, under the sequence lock.
void mid_feed_publish_process(const struct mid_feed_process *values);

// A new slot, NULL where the file cannot grow (mid_feed_lost counts those).
struct mid_feed_place *mid_feed_place_open(void);
uint64_t mid_feed_lost(void);

// Copy a heap's own fields but `requests`, or the counts of one class, into its slot.  `place` may
// be NULL.
// threads  one writer a slot
void mid_feed_publish_heap(struct mid_feed_place *place, const struct mid_feed_heap *values);
void mid_feed_publish_count(struct mid_feed_place *place, uint32_t klass,
                            const struct mid_feed_count *values);
// The heap's `requests`.
// threads  the heap's own, beside those that publish the rest
void mid_feed_publish_requests(struct mid_feed_place *place, uint64_t requests);

// Collected heaps, and their collections.  Without the span lock, and without effect before the
// feed is there.
// threads  any; one at a time for each call
void mid_feed_publish_gc(const struct mid_feed_gc *values);
void mid_feed_publish_gc_all(const struct mid_feed_gc_all *values);

// The word of the last look; NULL without a feed of this very process.
_Atomic uint32_t *mid_feed_last_look(void);
// The file of this name in the feed's folder, to read and write: its descriptor, or an error.
int mid_feed_neighbour(const char *name);

// In a forked child: drop the parent's file (unmapped, not removed).  Places are void from here on.
void mid_feed_forget(void);

// At a clean exit: remove the file and that with the samples, or leave them when `keep`.  The
// mapping stays, so that threads which still run write into nothing that others see.
void mid_feed_end(bool keep);

#endif
