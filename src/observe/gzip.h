// observe/gzip.h -- bytes packed as a gzip file.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_GZIP_H
#define MID_OBSERVE_GZIP_H

#include <stddef.h>

// gzip of `data`, the caller's to free; NULL: there was no memory, or it is 2 GiB or more.
unsigned char *mid_gzip(const void *data, size_t bytes, size_t *packed);

#endif
