// base/text.c -- see text.h.
// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

struct mid_text mid_text_open(char *room, size_t bytes) {
  room[0] = 0;
  return (struct mid_text){room, room, room + bytes - 1, false};
}

static void text_add_bytes(struct mid_text *t, const char *words, size_t bytes) {
  size_t left = (size_t)(t->end - t->at);
  if (bytes > left) bytes = left, t->cut = true;
  memcpy(t->at, words, bytes);
  t->at += bytes;
  *t->at = 0;
}

void mid_text_add(struct mid_text *t, const char *words) {
  text_add_bytes(t, words, strlen(words));
}

static void text_add_base(struct mid_text *t, uint64_t n, unsigned base) {
  char digits[20];
  char *d = digits + sizeof digits;
  do *--d = "0123456789abcdef"[n % base];
  while ((n /= base) != 0);
  text_add_bytes(t, d, (size_t)(digits + sizeof digits - d));
}

void mid_text_number(struct mid_text *t, uint64_t n) { text_add_base(t, n, 10); }

MID_RARELY void mid_text_hex(struct mid_text *t, uint64_t n) {
  mid_text_add(t, "0x");
  text_add_base(t, n, 16);
}

MID_RARELY void mid_text_size(struct mid_text *t, uint64_t bytes) {
  static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  int unit = 0;
  uint64_t tenths = bytes;  // of the unit, once the unit is over bytes
  for (; bytes >= 1024 || tenths >= 10240; bytes >>= 10, unit++) tenths = (bytes * 10 + 512) >> 10;
  if (unit == 0) {
    mid_text_number(t, bytes);
  } else {
    mid_text_number(t, tenths / 10);
    mid_text_add(t, ".");
    mid_text_number(t, tenths % 10);
  }
  mid_text_add(t, units[unit]);
}

MID_RARELY void mid_text_write(const struct mid_text *t, int fd) {
  for (const char *p = t->start; p < t->at;) {
    // Not by write, a cancellation point: who is told of a crime must not end before the process.
    long n = syscall(SYS_write, fd, p, (size_t)(t->at - p));
    if (n > 0)
      p += n;
    else if (n == 0 || errno != EINTR)
      return;
  }
}

MID_RARELY void mid_text_say(const struct mid_text *t) { mid_text_write(t, STDERR_FILENO); }

// The power of 1024 that `words` names, or -1.
static int size_shift(const char *words, size_t bytes) {
  if (bytes == 0) return 0;
  const char *units = "bkmgt";
  const char *unit = strchr(units, words[0] | 0x20);
  if (unit == NULL || words[0] == 0) return -1;
  int shift = 10 * (int)(unit - units);
  if (bytes == 1) return shift;
  if (bytes == 2 && shift > 0 && (words[1] | 0x20) == 'b') return shift;
  return bytes == 3 && shift > 0 && words[1] == 'i' && words[2] == 'B' ? shift : -1;
}

MID_RARELY bool mid_text_read_size(const char *words, size_t bytes, uint64_t *out) {
  uint64_t n = 0;
  size_t i = 0;
  for (; i < bytes && words[i] >= '0' && words[i] <= '9'; i++)
    if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, words[i] - '0', &n))
      return false;
  int shift = i == 0 ? -1 : size_shift(words + i, bytes - i);
  if (shift < 0 || (n << shift) >> shift != n) return false;
  *out = n << shift;
  return true;
}
