// graph/packed.h -- a stream of numbers and words, small on disk.
// SPDX-License-Identifier: MIT
//
// Numbers as LEB128, packed by zstd with a checksum.  Of a reader's stream nothing is believed: one
// that is cut, damaged or says what cannot be is `bad`, and gives 0 from there on.
#ifndef MID_GRAPH_PACKED_H
#define MID_GRAPH_PACKED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <zstd.h>

struct mid_packed {
  FILE *file;
  ZSTD_CCtx *packer;
  ZSTD_DCtx *unpacker;
  unsigned char *plain, *packed;  // buffers
  size_t at, end;                 // of `plain`: bytes that wait to be packed, or to be read
  size_t packed_at, packed_end;
  bool bad, whole;  // whole: the stream's end was seen, with a checksum that agrees
};

void mid_packed_open_write(struct mid_packed *p, FILE *out);
void mid_packed_put(struct mid_packed *p, uint64_t number);
void mid_packed_put_words(struct mid_packed *p, const char *words);
// false: it could not be written whole.
bool mid_packed_end_write(struct mid_packed *p);

void mid_packed_open_read(struct mid_packed *p, FILE *in);
// 0 and p->bad where it is above `most`.
uint64_t mid_packed_take(struct mid_packed *p, uint64_t most);
// Words of any length are read; what does not fit is left out.
void mid_packed_take_words(struct mid_packed *p, char *room, size_t bytes);
// false: there was something wrong with it, or something is left.
bool mid_packed_end_read(struct mid_packed *p);

// Small numbers for small differences of either sign.
static inline uint64_t mid_zigzag(int64_t n) { return (uint64_t)n << 1 ^ (uint64_t)(n >> 63); }
static inline int64_t mid_unzigzag(uint64_t n) { return (int64_t)(n >> 1) ^ -(int64_t)(n & 1); }

#endif
