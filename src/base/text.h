// base/text.h -- sentences built in a caller's buffer: no printf, no allocation, no locale.
// SPDX-License-Identifier: MIT
#ifndef MID_BASE_TEXT_H
#define MID_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// at[0] is always NUL; what does not fit is cut, and `cut` says so.
struct mid_text {
  char *start, *at, *end;
  bool cut;
};

struct mid_text mid_text_open(char *room, size_t bytes);
void mid_text_add(struct mid_text *t, const char *words);
void mid_text_number(struct mid_text *t, uint64_t n);
void mid_text_hex(struct mid_text *t, uint64_t n);       // with 0x
void mid_text_size(struct mid_text *t, uint64_t bytes);  // as a person reads it: 1.4 GiB
void mid_text_write(const struct mid_text *t, int fd);   // all of it, through short writes
void mid_text_say(const struct mid_text *t);             // the same, on standard error

// Read a number with an optional k, M, G or T (powers of 1024, either case, "iB" or "B" allowed
// after it).  false, and *out untouched, when `words` (`bytes` long) is anything else or overflows.
bool mid_text_read_size(const char *words, size_t bytes, uint64_t *out);

#endif
