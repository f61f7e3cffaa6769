// live/text.h -- words, figures and small charts that fit into so many columns of a terminal.
// SPDX-License-Identifier: MIT
//
// By the locale (LC_CTYPE): blocks and an ellipsis are UTF-8 where that is UTF-8, else ASCII.  What
// is no printable character in words of others becomes a question mark.
#ifndef MID_LIVE_TEXT_H
#define MID_LIVE_TEXT_H

#include <stdbool.h>

#include "live/series.h"
#include "observe/words.h"

struct mid_line {
  char at[2048];
};

bool mid_locale_is_utf8(void);
unsigned mid_columns(const char *words);

enum mid_cut { MID_CUT_END, MID_CUT_MIDDLE };
// `words` in at most `columns`, with an ellipsis where something was cut out.
const char *mid_fit(const char *words, unsigned columns, enum mid_cut cut, struct mid_line *room);
// A path and its line, of which the last part is kept: /usr/s…/cache.c:41.
const char *mid_fit_path(const char *path, unsigned line, unsigned columns, struct mid_line *room);

// Sizes of three digits, so that they take 8 columns at most: 1.27 GiB, 98.0 KiB, 512 B.
const char *mid_short_size(double bytes, struct mid_words *room);
// With its sign: +1.27 GiB, -3.00 KiB, 0 B.
const char *mid_signed_size(double bytes, struct mid_words *room);

// Straight into printf, with room of their own.
#define MID_SIZE(bytes) mid_short_size((double)(bytes), &(struct mid_words){{0}})
#define MID_COUNT(count) mid_words_count((count), &(struct mid_words){{0}})
#define MID_MEAN(mean) mid_words_mean((mean), &(struct mid_words){{0}})
#define MID_SECONDS(seconds) mid_words_seconds((seconds), &(struct mid_words){{0}})

// A column for each of these shares of the largest.
const char *mid_histogram(const double *share, size_t count, struct mid_line *room);

// What a chart shows: of a value that changes little, not less than an eighth of it.
struct mid_scale {
  double low, high;
};
struct mid_scale mid_scale_of(const struct mid_series *s);

// One row of a chart that is `rows` high, the newest value at its right; row 0 is the lowest.
const char *mid_chart(const struct mid_series *s, unsigned columns, unsigned rows, unsigned row,
                      struct mid_line *room);

#endif
