// observe/page.c -- the template with its data in place.
// SPDX-License-Identifier: MIT
//
// In a script element nothing but "<" can begin its end, whatever the names of functions are, and
// JSON has that character in strings alone: there it is written as \u003c.  Data that are long are
// written as the base64 of their gzip, which the page's own script unpacks.
#include "observe/page.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "observe/gzip.h"

enum { PAGE_LONG = 128 << 10 };  // bytes: below it, people can read the data in the file

// What web/report/ was built to.
__asm__(
    ".pushsection .rodata\n"
    ".globl mid_page_template, mid_page_template_end\n"
    "mid_page_template: .incbin \"" MID_PAGE_TEMPLATE
    "\"\n"
    "mid_page_template_end: .byte 0\n"
    ".popsection\n");
extern const char mid_page_template[], mid_page_template_end[];

static const char page_mark[] = "@MIDDEN_DATA@";

static void write_plain(const char *data, FILE *out) {
  for (size_t n; *data != 0; data += n) {
    n = strcspn(data, "<");
    fwrite(data, 1, n, out);
    if (data[n] == '<') {
      fputs("\\u003c", out);
      n++;
    }
  }
}

static void write_base64(const unsigned char *at, size_t bytes, FILE *out) {
  static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes; i += 3) {
    uint32_t word = (uint32_t)at[i] << 16;
    if (i + 1 < bytes) word |= (uint32_t)at[i + 1] << 8;
    if (i + 2 < bytes) word |= at[i + 2];
    char four[4] = {digit[word >> 18], digit[word >> 12 & 63], '=', '='};
    if (i + 1 < bytes) four[2] = digit[word >> 6 & 63];
    if (i + 2 < bytes) four[3] = digit[word & 63];
    fwrite(four, 1, sizeof four, out);
  }
}

static bool write_data(const char *data, FILE *out) {
  size_t bytes = strlen(data), packed = 0;
  if (bytes < PAGE_LONG) {
    write_plain(data, out);
    return true;
  }
  unsigned char *gzip = mid_gzip(data, bytes, &packed);
  if (gzip != NULL) write_base64(gzip, packed, out);
  free(gzip);
  return gzip != NULL;
}

bool mid_page_write(const char *data, FILE *out) {
  const char *at = strstr(mid_page_template, page_mark);
  if (data == NULL || at == NULL) return false;
  fwrite(mid_page_template, 1, (size_t)(at - mid_page_template), out);
  if (!write_data(data, out)) return false;
  at += strlen(page_mark);
  fwrite(at, 1, (size_t)(mid_page_template_end - at), out);
  return !ferror(out);
}
