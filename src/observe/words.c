// observe/words.c -- see words.h.
// SPDX-License-Identifier: MIT
#include "observe/words.h"

#include <string.h>

#include "base/text.h"

const char *mid_words_size(uint64_t bytes, struct mid_words *room) {
  struct mid_text t = mid_text_open(room->at, sizeof room->at);
  mid_text_size(&t, bytes);
  return room->at;
}

const char *mid_words_count(double count, struct mid_words *room) {
  static const char *const units[] = {"", " k", " M", " G", " T", " P"};
  int unit = 0;
  // 999.95 and more would print as 1000.0 of its unit.
  for (; count >= (unit == 0 ? 999.5 : 999.95) && unit < 5; unit++) count /= 1000;
  snprintf(room->at, sizeof room->at, unit == 0 ? "%.0f%s" : "%.1f%s", count, units[unit]);
  return room->at;
}

const char *mid_words_mean(double mean, struct mid_words *room) {
  if (mean >= 9.95 || mean == 0) return mid_words_count(mean, room);
  snprintf(room->at, sizeof room->at, mean < 0.001 ? "under %.2g" : "%.2g",
           mean < 0.001 ? 0.001 : mean);
  return room->at;
}

const char *mid_words_seconds(double s, struct mid_words *room) {
  unsigned long whole = (unsigned long)(s < 0 ? 0 : s);
  if (s <= 0)
    snprintf(room->at, sizeof room->at, "0 s");
  else if (s < 0.00095)
    snprintf(room->at, sizeof room->at, "%.0f us", s * 1e6);
  else if (s < 0.995)
    snprintf(room->at, sizeof room->at, s < 0.01 ? "%.1f ms" : "%.0f ms", s * 1e3);
  else if (s < 99.5)
    snprintf(room->at, sizeof room->at, s < 9.995 ? "%.2f s" : "%.1f s", s);
  else if (whole < 3600)
    snprintf(room->at, sizeof room->at, "%lu min %02lu s", whole / 60, whole % 60);
  else if (whole < 48 * 3600)
    snprintf(room->at, sizeof room->at, "%lu h %02lu min", whole / 3600, whole / 60 % 60);
  else
    snprintf(room->at, sizeof room->at, "%lu d %02lu h", whole / 86400, whole / 3600 % 24);
  return room->at;
}

void mid_words_bar(FILE *out, double share, unsigned columns, bool utf8, bool colour) {
  static const char *const eighth[] = {"",       "\u258f", "\u258e", "\u258d",
                                       "\u258c", "\u258b", "\u258a", "\u2589"};
  unsigned n = (unsigned)(share * columns * 8 + 0.5);
  if (n > columns * 8) n = columns * 8;
  if (n == 0 || (n < 8 && !utf8)) return;
  if (colour) fputs("\033[36m", out);
  for (unsigned i = 0; i < n / 8; i++) fputs(utf8 ? "\u2588" : "#", out);
  if (utf8) fputs(eighth[n % 8], out);
  if (colour) fputs("\033[0m", out);
}

double mid_words_share(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

unsigned mid_words_columns(const char *words, size_t bytes) {
  unsigned n = 0;
  for (size_t i = 0; i < bytes; i++) n += ((unsigned char)words[i] & 0xc0) != 0x80;
  return n;
}

void mid_words_tame(char *words) {
  for (; *words != 0; words++)
    if ((unsigned char)*words < ' ' || *words == 0x7f) *words = ' ';
}

void mid_words_wrap(FILE *out, const char *text, unsigned indent, unsigned columns) {
  unsigned column = indent;
  for (const char *at = text + strspn(text, " "); *at != 0; at += strspn(at, " ")) {
    size_t bytes = strcspn(at, " ");
    unsigned width = mid_words_columns(at, bytes);
    if (column > indent && column + 1 + width > columns) {
      fprintf(out, "\n%*s", (int)indent, "");
      column = indent;
    }
    if (column > indent) fputc(' ', out), column++;
    fwrite(at, 1, bytes, out);
    column += width;
    at += bytes;
  }
  fputc('\n', out);
}
