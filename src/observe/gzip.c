// observe/gzip.c -- see gzip.h.
// SPDX-License-Identifier: MIT
#include "observe/gzip.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

unsigned char *mid_gzip(const void *data, size_t bytes, size_t *packed) {
  enum { GZIP = 15 + 16 };  // the largest window, with gzip's header
  z_stream z = {0};
  if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return NULL;
  size_t room = deflateBound(&z, bytes);
  unsigned char *out = malloc(room);
  z.next_in = (unsigned char *)(uintptr_t)data;
  z.avail_in = (uInt)bytes;
  z.next_out = out;
  z.avail_out = (uInt)room;
  bool ok = out != NULL && bytes <= UINT32_MAX / 2 && deflate(&z, Z_FINISH) == Z_STREAM_END;
  *packed = z.total_out;
  deflateEnd(&z);
  if (ok) return out;
  free(out);
  return NULL;
}
