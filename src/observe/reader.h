// observe/reader.h -- read a feed file (feed/format.h), which may be damaged or of another version.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_READER_H
#define MID_OBSERVE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed/format.h"

// What a feed said.  A field that the file does not have is 0.
struct mid_feed_image {
  uint32_t version;
  uint64_t pid, start_ticks, run, opened_ns, forked_ticks;
  char command[128];
  char last_words[256];  // of libmidden in it, as it stopped the process; "": none
  struct mid_feed_process process;
  uint32_t classes;
  struct mid_feed_class klass[MID_FEED_CLASSES];
  struct mid_feed_count count[MID_FEED_CLASSES];  // summed over the heap slots; freed <= allocated
  struct mid_feed_heap heaps;                     // all but `thread`: summed
  uint64_t slots;
  struct mid_feed_gc gc;               // collected heaps; all 0 where there never was one
  struct mid_feed_gc_all collections;  // theirs
  uint64_t last_collections;           // records of collections.last that the file has
  bool torn;  // the process record was being written each time we looked, or forever
};

// Room that is used again from one reading to the next: a feed is read into it whole, since a file
// that is mapped can be cut short under its reader's feet.
struct mid_feed_room {
  char *bytes;
  size_t size, filled;  // filled: by the feed that was read last
};
void mid_feed_room_close(struct mid_feed_room *room);

// Read the feed open at `fd`.  NULL, or a sentence that says what is wrong with the file; then
// *out is as it was.
const char *mid_feed_read(int fd, struct mid_feed_room *room, struct mid_feed_image *out);

// Call `visit` for each heap slot of the feed that was read last, by its number.
void mid_feed_heaps(const struct mid_feed_room *room,
                    void (*visit)(void *self, size_t slot, const struct mid_feed_heap *heap),
                    void *self);

// The same as mid_feed_read from `size` bytes in memory.
const char *mid_feed_parse(const char *bytes, size_t size, struct mid_feed_image *out);

#endif
