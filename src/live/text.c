// live/text.c -- see text.h.
// SPDX-License-Identifier: MIT
#include "live/text.h"

#include <langinfo.h>
#include <math.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

bool mid_locale_is_utf8(void) { return strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }

// ---- words --------------------------------------------------------------------------------------

struct glyph {
  char at[8];
  unsigned bytes, columns;
};
enum { MOST_GLYPHS = 1024 };

// The next character of `*words`, which is moved past it.
static struct glyph glyph_next(const char **words) {
  wchar_t c;
  mbstate_t state = {0};
  size_t n = mbrtowc(&c, *words, strlen(*words), &state);
  bool whole = n != (size_t)-1 && n != (size_t)-2 && n > 0 && n <= 6;
  int width = whole && iswprint((wint_t)c) ? wcwidth(c) : -1;
  struct glyph g = {"?", 1, 1};
  if (width >= 0) {
    memcpy(g.at, *words, n);
    g.bytes = (unsigned)n;
    g.columns = (unsigned)width;
  }
  *words += whole ? n : 1;
  return g;
}

static size_t glyphs_read(const char *words, struct glyph *out) {
  size_t n = 0;
  while (*words != 0 && n < MOST_GLYPHS) out[n++] = glyph_next(&words);
  return n;
}

static unsigned glyphs_columns(const struct glyph *glyph, size_t count) {
  unsigned columns = 0;
  for (size_t i = 0; i < count; i++) columns += glyph[i].columns;
  return columns;
}

unsigned mid_columns(const char *words) {
  unsigned columns = 0;
  while (*words != 0) columns += glyph_next(&words).columns;
  return columns;
}

// What is shown so far; there is always room for a NUL.
struct shown {
  struct mid_line *line;
  size_t bytes;
};

static void show(struct shown *s, const char *at, size_t bytes) {
  if (s->bytes + bytes >= sizeof s->line->at) return;
  memcpy(s->line->at + s->bytes, at, bytes);
  s->bytes += bytes;
  s->line->at[s->bytes] = 0;
}

static void show_glyphs(struct shown *s, const struct glyph *glyph, size_t count) {
  for (size_t i = 0; i < count; i++) show(s, glyph[i].at, glyph[i].bytes);
}

// The first `head` columns and the last `tail` of them, with an ellipsis between.
static void show_cut(struct shown *s, const struct glyph *glyph, size_t count, unsigned head,
                     unsigned tail) {
  size_t first = 0, last = count;
  for (unsigned n = 0; first < count && n + glyph[first].columns <= head; first++)
    n += glyph[first].columns;
  for (unsigned n = 0; last > first && n + glyph[last - 1].columns <= tail; last--)
    n += glyph[last - 1].columns;
  show_glyphs(s, glyph, first);
  const char *ellipsis = mid_locale_is_utf8() ? "\u2026" : "~";
  show(s, ellipsis, strlen(ellipsis));
  show_glyphs(s, glyph + last, count - last);
}

const char *mid_fit(const char *words, unsigned columns, enum mid_cut cut, struct mid_line *room) {
  struct glyph glyph[MOST_GLYPHS];
  struct shown s = {room, 0};
  size_t count = glyphs_read(words, glyph);
  room->at[0] = 0;
  if (columns == 0) return room->at;
  unsigned tail = cut == MID_CUT_MIDDLE ? (columns - 1) / 2 : 0;
  if (glyphs_columns(glyph, count) <= columns)
    show_glyphs(&s, glyph, count);
  else
    show_cut(&s, glyph, count, columns - 1 - tail, tail);
  return room->at;
}

// `path` with what is between its first `head` bytes and `rest` cut out.
static bool path_fits(const char *path, int head, const char *rest, const char *number,
                      unsigned columns, struct mid_line *room) {
  struct mid_line whole;
  const char *ellipsis = mid_locale_is_utf8() ? "\u2026" : "~";
  snprintf(whole.at, sizeof whole.at, "%.*s%s%s%s", head, path, rest == path ? "" : ellipsis, rest,
           number);
  mid_fit(whole.at, columns, MID_CUT_END, room);
  return mid_columns(whole.at) <= columns;
}

// What goes is from the end of the first folder to the beginning of a later one, as little as is
// enough; then the first folder as well.
const char *mid_fit_path(const char *path, unsigned line, unsigned columns, struct mid_line *room) {
  char number[16] = "";
  if (line > 0) snprintf(number, sizeof number, ":%u", line);
  if (path_fits(path, 0, path, number, columns, room)) return room->at;
  const char *slash = *path != 0 ? strchr(path + 1, '/') : NULL;
  int first = slash != NULL ? (int)(slash - path) + 1 : 0;
  for (int head = first; first > 0; head = 0) {
    for (const char *rest = slash; (rest = strchr(rest + 1, '/')) != NULL;)
      if (path_fits(path, head, rest, number, columns, room)) return room->at;
    if (head == 0) break;
  }
  const char *base = strrchr(path, '/');
  base = base != NULL ? base + 1 : path;
  path_fits(base, 0, base, number, columns, room);
  return room->at;
}

// ---- figures ------------------------------------------------------------------------------------

const char *mid_short_size(double bytes, struct mid_words *room) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  if (!(bytes > 0)) bytes = 0;
  // 1023.5 would print as 1024 of its unit.
  for (; bytes >= 1023.5 && unit < 6; unit++) bytes /= 1024;
  int places = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
  snprintf(room->at, sizeof room->at, "%.*f %s", places, bytes, units[unit]);
  return room->at;
}

const char *mid_signed_size(double bytes, struct mid_words *room) {
  struct mid_words size;
  const char *sign = fabs(bytes) < 0.5 ? "" : bytes < 0 ? "-" : "+";
  snprintf(room->at, sizeof room->at, "%s%s", sign, mid_short_size(fabs(bytes), &size));
  return room->at;
}

// ---- charts -------------------------------------------------------------------------------------

struct mid_scale mid_scale_of(const struct mid_series *s) {
  if (s->count == 0) return (struct mid_scale){0, 1};
  double least = s->most[0], most = s->most[0];
  for (size_t i = 1; i < s->count; i++) {
    least = fmin(least, s->most[i]);
    most = fmax(most, s->most[i]);
  }
  double range = fmax(fmax(most - least, most / 8), 1);
  double low = fmax((most + least - range) / 2, 0);
  return (struct mid_scale){low, low + range};
}

// The most in the windows that column `column` of `columns` stands for; less than 0: none.
static double column_value(const struct mid_series *s, unsigned columns, unsigned column) {
  size_t from, to;
  if (s->count <= columns) {
    if (column < columns - s->count) return -1;
    from = column - (columns - s->count);
    to = from + 1;
  } else {
    from = s->count * column / columns;
    to = s->count * (column + 1) / columns;
  }
  double most = s->most[from];
  for (size_t i = from + 1; i < to; i++) most = fmax(most, s->most[i]);
  return most;
}

// A column that is filled up to `level` eighths.
static void show_level(struct shown *out, long level) {
  static const char *const block[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                      "\u2585", "\u2586", "\u2587", "\u2588"};
  static const char *const letter[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
  const char *const *mark = mid_locale_is_utf8() ? block : letter;
  const char *at = mark[level < 0 ? 0 : level > 8 ? 8 : level];
  show(out, at, strlen(at));
}

const char *mid_histogram(const double *share, size_t count, struct mid_line *room) {
  struct shown out = {room, 0};
  room->at[0] = 0;
  for (size_t i = 0; i < count; i++) show_level(&out, share[i] > 0 ? (long)ceil(share[i] * 8) : 0);
  return room->at;
}

const char *mid_chart(const struct mid_series *s, unsigned columns, unsigned rows, unsigned row,
                      struct mid_line *room) {
  struct mid_scale scale = mid_scale_of(s);
  struct shown out = {room, 0};
  room->at[0] = 0;
  for (unsigned c = 0; c < columns; c++) {
    double value = column_value(s, columns, c);
    double share = (value - scale.low) / (scale.high - scale.low);
    long level = value <= 0 ? 0 : lround(share * 8 * rows);
    if (level < 1 && value > 0) level = 1;  // something is there
    show_level(&out, level - 8 * (long)row);
  }
  return room->at;
}
