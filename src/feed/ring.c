// feed/ring.c -- see ring.h.
// SPDX-License-Identifier: MIT
#include "feed/ring.h"

#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "feed/feed.h"
#include "os/call.h"
#include "os/os.h"

enum { RING_NAMES = 100000 };

// The first name that is free from the last one on; what was there before is of the program that
// called exec.
MID_RARELY static int ring_create(uint64_t bytes) {
  static unsigned last;
  int fd = -EEXIST;
  for (int tries = 0; fd == -EEXIST && tries < RING_NAMES; tries++) {
    char room[32];
    struct mid_text ending = mid_text_open(room, sizeof room);
    mid_text_add(&ending, ".");
    mid_text_number(&ending, last++);
    mid_text_add(&ending, ".ring");
    fd = mid_feed_beside_or_elsewhere(room, bytes);
  }
  return fd;
}

// A process that was forked or called exec has a feed of its own, opened at a time of its own.
static uint64_t ring_image(const struct mid_feed_header *feed) {
  return (feed->opened_ns ^ feed->pid << 40) | 1;
}

MID_RARELY struct mid_ring *mid_ring_open(uint64_t words, uint64_t recording) {
  const struct mid_feed_header *feed = mid_feed_header();
  uint64_t bytes = MID_RING_HEAD_BYTES + words * sizeof(uint64_t);
  int fd = feed == NULL ? -1 : ring_create(bytes);
  if (fd < 0) return NULL;
  struct mid_ring *ring =
      mid_call_map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  mid_call(SYS_close, fd);
  if (ring == NULL) return NULL;
  ring->version = MID_RING_VERSION;
  ring->words = words;
  ring->pid = feed->pid;
  ring->start_ticks = feed->start_ticks;
  ring->parent = (uint64_t)mid_call(SYS_getppid);
  ring->image = ring_image(feed);
  ring->recording = recording;
  memcpy(ring->command, feed->command, sizeof ring->command);
  return ring;
}

MID_RARELY void mid_ring_publish(struct mid_ring *ring) {
  atomic_store_explicit(&ring->xmagic, MID_RING_MAGIC, memory_order_release);
}

MID_RARELY void mid_ring_close(struct mid_ring *ring) {
  mid_call_unmap(ring, MID_RING_HEAD_BYTES + ring->words * sizeof(uint64_t));
}
