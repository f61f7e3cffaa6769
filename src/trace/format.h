// trace/format.h -- the trace file's numbers; docs/format.md describes it.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_FORMAT_H
#define MID_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MID_TRACE_MAGIC "MIDDEN TRACE"  // 12 letters, then the version
enum { MID_TRACE_VERSION = 1 };

// Frames that zstd skips: our head, and the seek table of zstd's seekable format.
#define MID_TRACE_HEAD_FRAME 0x184d2a50u
#define MID_TRACE_SEEK_FRAME 0x184d2a5eu
#define MID_TRACE_SEEK_MAGIC 0x8f92eab1u
enum { MID_TRACE_HEAD_BYTES = 24, MID_TRACE_SEEK_FOOT = 9, MID_TRACE_SEEK_EACH = 8 };
// The most that a frame holds when unpacked: bytes, events.
#define MID_TRACE_FRAME_MOST ((size_t)64 << 20)
#define MID_TRACE_EVENTS_MOST ((size_t)1 << 20)

enum mid_trace_section {
  MID_TRACE_STRINGS = 1,
  MID_TRACE_STACKS,
  MID_TRACE_PROCESS,
  MID_TRACE_EVENTS,
  MID_TRACE_END,
};

// Of the events of a thread.
enum mid_trace_column {
  MID_COLUMN_OPS,
  MID_COLUMN_TIMES,
  MID_COLUMN_SIZES,
  MID_COLUMN_STACKS,
  MID_COLUMN_BLOCKS,
  MID_COLUMNS,
};

// In an operation's byte.
enum {
  MID_TRACE_KIND_MASK = 7,
  MID_TRACE_BY_AGE = 0 << 3,  // births of this thread since the block's
  MID_TRACE_NEAR = 1 << 3,    // from the block that this thread named last
  MID_TRACE_PASSED = 2 << 3,  // thread, number, resizes before
  MID_TRACE_HOW_MASK = 3 << 3,
  MID_TRACE_UNSEEN = 1 << 5,  // nobody saw the call: it was lost, or came before
};

// ---- bytes that grow, and numbers in them: 7 bits a byte, the lowest first ----

struct mid_bytes {
  unsigned char *at;
  size_t count, room;
};

static inline void mid_bytes_reserve(struct mid_bytes *b, size_t more) {
  if (b->room - b->count >= more) return;
  b->room = b->room * 2 > b->count + more ? b->room * 2 : b->count + more + 64;
  b->at = realloc(b->at, b->room);
  if (b->at == NULL) abort();
}

static inline void mid_bytes_add(struct mid_bytes *b, const void *from, size_t count) {
  mid_bytes_reserve(b, count);
  if (count > 0) memcpy(b->at + b->count, from, count);
  b->count += count;
}

enum { MID_NUMBER_MOST = 10 };  // bytes of one

// There is room for it.
static inline void mid_bytes_put(struct mid_bytes *b, uint64_t n) {
  for (; n >= 128; n >>= 7) b->at[b->count++] = (unsigned char)(n | 128);
  b->at[b->count++] = (unsigned char)n;
}

static inline void mid_bytes_number(struct mid_bytes *b, uint64_t n) {
  mid_bytes_reserve(b, MID_NUMBER_MOST);
  mid_bytes_put(b, n);
}

// Small numbers of either sign become small ones.
static inline uint64_t mid_zigzag(int64_t n) { return ((uint64_t)n << 1) ^ (uint64_t)(n >> 63); }
static inline int64_t mid_unzigzag(uint64_t n) { return (int64_t)(n >> 1) ^ -(int64_t)(n & 1); }

// Bytes to read: past the end, and after a number that is too long, every answer is 0 and `bad` is
// set.
struct mid_input {
  const unsigned char *at, *end;
  bool bad;
};

static inline uint64_t mid_read_number(struct mid_input *in) {
  uint64_t n = 0;
  for (unsigned shift = 0; in->at < in->end && shift < 64; shift += 7) {
    unsigned char c = *in->at++;
    n |= (uint64_t)(c & 127) << shift;
    if (c < 128) return n;
  }
  in->bad = true;
  return 0;
}

// The next `count` bytes, as a place to read from.
static inline struct mid_input mid_read_part(struct mid_input *in, uint64_t count) {
  struct mid_input part = {in->at, in->at, false};
  if (count > (size_t)(in->end - in->at))
    in->bad = part.bad = true;
  else
    part.end = in->at += count;
  return part;
}

#endif
