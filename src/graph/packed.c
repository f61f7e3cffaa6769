// graph/packed.c -- see packed.h.
// SPDX-License-Identifier: MIT
#include "graph/packed.h"

#include <stdlib.h>
#include <string.h>

#include "graph/array.h"

enum { PACKED_BUFFER = 1 << 17, LEVEL = 3, NUMBER_MOST = 10 };  // NUMBER_MOST: bytes of a number

static void open_stream(struct mid_packed *p, FILE *file) {
  *p = (struct mid_packed){.file = file};
  p->plain = mid_graph_kept(malloc(PACKED_BUFFER));
  p->packed = mid_graph_kept(malloc(PACKED_BUFFER));
}

static void close_stream(struct mid_packed *p) {
  ZSTD_freeCCtx(p->packer);
  ZSTD_freeDCtx(p->unpacker);
  free(p->plain);
  free(p->packed);
}

void mid_packed_open_write(struct mid_packed *p, FILE *out) {
  open_stream(p, out);
  p->packer = mid_graph_kept(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(p->packer, ZSTD_c_compressionLevel, LEVEL);
  ZSTD_CCtx_setParameter(p->packer, ZSTD_c_checksumFlag, 1);
}

static void write_out(struct mid_packed *p, ZSTD_EndDirective how) {
  ZSTD_inBuffer in = {p->plain, p->at, 0};
  size_t left = 1;
  while (!p->bad && (in.pos < in.size || (how == ZSTD_e_end && left > 0))) {
    ZSTD_outBuffer out = {p->packed, PACKED_BUFFER, 0};
    left = ZSTD_compressStream2(p->packer, &out, &in, how);
    p->bad = ZSTD_isError(left) || fwrite(p->packed, 1, out.pos, p->file) != out.pos;
  }
  p->at = 0;
}

void mid_packed_put(struct mid_packed *p, uint64_t number) {
  if (p->at + NUMBER_MOST > PACKED_BUFFER) write_out(p, ZSTD_e_continue);
  for (; number >= 0x80; number >>= 7) p->plain[p->at++] = (unsigned char)(number | 0x80);
  p->plain[p->at++] = (unsigned char)number;
}

void mid_packed_put_words(struct mid_packed *p, const char *words) {
  mid_packed_put(p, strlen(words));
  for (; *words != 0; words++) mid_packed_put(p, (unsigned char)*words);
}

bool mid_packed_end_write(struct mid_packed *p) {
  write_out(p, ZSTD_e_end);
  close_stream(p);
  return !p->bad;
}

// ---- reading ------------------------------------------------------------------------------------

void mid_packed_open_read(struct mid_packed *p, FILE *in) {
  open_stream(p, in);
  p->unpacker = mid_graph_kept(ZSTD_createDCtx());
}

static void read_in(struct mid_packed *p) {
  p->at = p->end = 0;
  while (p->end == 0 && !p->bad && !p->whole) {
    if (p->packed_at == p->packed_end) {
      p->packed_at = 0;
      p->packed_end = fread(p->packed, 1, PACKED_BUFFER, p->file);
      if (p->packed_end == 0) p->bad = true;
    }
    ZSTD_inBuffer in = {p->packed, p->packed_end, p->packed_at};
    ZSTD_outBuffer out = {p->plain, PACKED_BUFFER, 0};
    size_t left = ZSTD_decompressStream(p->unpacker, &out, &in);
    p->packed_at = in.pos;
    p->end = out.pos;
    p->whole = left == 0;
    if (ZSTD_isError(left)) p->bad = true;
  }
}

static uint32_t byte(struct mid_packed *p) {
  if (p->at == p->end) read_in(p);
  if (p->bad || p->at == p->end) {
    p->bad = true;
    return 0;
  }
  return p->plain[p->at++];
}

uint64_t mid_packed_take(struct mid_packed *p, uint64_t most) {
  uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint32_t b = byte(p);
    if (shift > 63 || (shift == 63 && b > 1)) p->bad = true;
    if (p->bad) return 0;
    number |= (uint64_t)(b & 0x7f) << shift;
    if (b < 0x80) break;
  }
  if (number > most) p->bad = true;
  return p->bad ? 0 : number;
}

void mid_packed_take_words(struct mid_packed *p, char *room, size_t bytes) {
  uint64_t length = mid_packed_take(p, 1 << 20);
  size_t at = 0;
  for (uint64_t i = 0; i < length && !p->bad; i++) {
    char c = (char)mid_packed_take(p, 255);
    if (at + 1 < bytes) room[at++] = c;
  }
  room[at] = 0;
}

bool mid_packed_end_read(struct mid_packed *p) {
  if (!p->bad && p->at == p->end && !p->whole) read_in(p);  // the checksum may be behind
  bool good = !p->bad && p->whole && p->at == p->end && p->packed_at == p->packed_end &&
              getc(p->file) == EOF;
  close_stream(p);
  return good;
}
