// unwind/bytes.h -- read DWARF's numbers out of bytes that end somewhere.
// SPDX-License-Identifier: MIT
#ifndef MID_UNWIND_BYTES_H
#define MID_UNWIND_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Past the end every answer is 0, and `bad` is set.
struct mid_unwind_bytes {
  const unsigned char *at, *end;
  bool bad;
};

static inline bool mid_unwind_has(struct mid_unwind_bytes *b, uint64_t count) {
  if (count <= (size_t)(b->end - b->at)) return true;
  b->bad = true;
  b->at = b->end;
  return false;
}

// `bytes` of them, at most 8, in the machine's order.
static inline uint64_t mid_unwind_fixed(struct mid_unwind_bytes *b, size_t bytes) {
  uint64_t n = 0;
  if (!mid_unwind_has(b, bytes)) return 0;
  memcpy(&n, b->at, bytes);  // the lowest first, on all machines that are known here
  b->at += bytes;
  return n;
}

static inline int64_t mid_unwind_fixed_signed(struct mid_unwind_bytes *b, size_t bytes) {
  unsigned spare = 64 - 8 * (unsigned)bytes;
  return (int64_t)(mid_unwind_fixed(b, bytes) << spare) >> spare;
}

// 7 bits a byte, the lowest first (LEB128).
static inline uint64_t mid_unwind_leb(struct mid_unwind_bytes *b, bool is_signed) {
  uint64_t n = 0;
  for (unsigned shift = 0; shift < 64 && mid_unwind_has(b, 1); shift += 7) {
    unsigned char c = *b->at++;
    n |= (uint64_t)(c & 127) << shift;
    if (c >= 128) continue;
    if (is_signed && (c & 64) != 0 && shift < 57) n |= UINT64_MAX << (shift + 7);
    return n;
  }
  b->bad = true;
  return 0;
}

static inline uint64_t mid_unwind_number(struct mid_unwind_bytes *b) {
  return mid_unwind_leb(b, false);
}
static inline int64_t mid_unwind_signed(struct mid_unwind_bytes *b) {
  return (int64_t)mid_unwind_leb(b, true);
}

#endif
