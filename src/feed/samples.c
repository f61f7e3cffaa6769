// feed/samples.c -- see samples.h.
// SPDX-License-Identifier: MIT
//
// Addresses for all pieces are reserved once; a piece is given room in the file before it is mapped
// there, so that touching it never meets a full file system.  As in feed.c no descriptor stays
// open.
#include "feed/samples.h"

#include <string.h>

#include "base/check.h"
#include "feed/feed.h"
#include "os/call.h"
#include "os/os.h"

#define SAMPLES_ENDING ".samples"
enum { SAMPLES_BYTES = MID_SAMPLES_HEAD + MID_SAMPLES_PIECES * MID_SAMPLES_PIECE };

// Pieces that a kind may have: 32768 blocks, 6144 stacks of 40 frames.
static const uint8_t samples_most[MID_SAMPLES_KINDS] = {
    [MID_SAMPLES_BLOCK] = 64,
    [MID_SAMPLES_STACK] = 96,
    [MID_SAMPLES_FRAME] = 64,
    [MID_SAMPLES_MODULE] = 24,
};
_Static_assert(64 + 96 + 64 + 24 == MID_SAMPLES_PIECES, "all of them");

static struct {
  struct mid_samples_header *header;  // where all lies; NULL: there is no file
  struct samples_kind {
    uint64_t records, room;
    uint8_t pieces;
  } kind[MID_SAMPLES_KINDS];
} samples;

struct mid_samples_place mid_samples_place;

static uint64_t samples_in_piece(enum mid_samples_kind kind) {
  return MID_SAMPLES_PIECE / mid_samples_record_bytes(kind);
}

// Map `bytes` of the file from `from` on, to where they are kept.
static bool samples_map(int fd, char *base, uint64_t from, uint64_t bytes) {
  return mid_call_map(base + from, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                      from) != NULL;
}

struct mid_samples_header *mid_samples_open(uint64_t mean_wanted) {
  const struct mid_feed_header *feed = mid_feed_header();
  if (feed == NULL) return NULL;
  int fd = mid_feed_beside(SAMPLES_ENDING, MID_SAMPLES_HEAD);
  if (fd < 0) return NULL;
  char *base = mid_os_reserve(SAMPLES_BYTES);
  bool mapped = base != NULL && samples_map(fd, base, 0, MID_SAMPLES_HEAD);
  mid_call(SYS_close, fd);
  if (!mapped) {
    if (base != NULL) mid_os_unmap(base, SAMPLES_BYTES);
    return NULL;
  }
  samples.header = (struct mid_samples_header *)base;
  mid_samples_place.base = base + MID_SAMPLES_HEAD;
  samples.header->version = MID_SAMPLES_VERSION;
  samples.header->pid = feed->pid;
  samples.header->start_ticks = feed->start_ticks;
  samples.header->mean_wanted = mean_wanted;
  return samples.header;
}

// One more piece for records of `kind`.
static bool samples_grow(enum mid_samples_kind kind) {
  struct samples_kind *k = &samples.kind[kind];
  uint64_t pieces = atomic_load_explicit(&samples.header->pieces, memory_order_relaxed);
  uint64_t from = MID_SAMPLES_HEAD + pieces * MID_SAMPLES_PIECE;
  if (k->pieces == samples_most[kind]) return false;
  int fd = mid_feed_beside_again(SAMPLES_ENDING, from, MID_SAMPLES_PIECE);
  if (fd < 0) return false;
  bool mapped = samples_map(fd, (char *)samples.header, from, MID_SAMPLES_PIECE);
  mid_call(SYS_close, fd);
  if (!mapped) return false;
  mid_samples_place.piece[kind][k->pieces++] = (uint8_t)pieces;
  k->room += samples_in_piece(kind);
  atomic_store_explicit(&samples.header->kind[pieces], (uint8_t)kind, memory_order_relaxed);
  atomic_store_explicit(&samples.header->pieces, pieces + 1, memory_order_release);
  return true;
}

uint64_t mid_samples_more(enum mid_samples_kind kind, uint64_t count) {
  struct samples_kind *k = &samples.kind[kind];
  while (k->room - k->records < count)
    if (!samples_grow(kind)) return 0;
  k->records += count;
  return k->records - count + 1;
}

void mid_samples_show(enum mid_samples_kind kind) {
  atomic_store_explicit(&samples.header->records[kind], samples.kind[kind].records,
                        memory_order_release);
}

MID_RARELY void mid_samples_forget(void) {
  if (samples.header != NULL) mid_call_unmap(samples.header, SAMPLES_BYTES);
  memset(&samples, 0, sizeof samples);
  memset(&mid_samples_place, 0, sizeof mid_samples_place);
}
