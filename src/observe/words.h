// observe/words.h -- figures as a person reads them.  Each call writes into the caller's room and
// returns it, so that they go straight into printf.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_WORDS_H
#define MID_OBSERVE_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct mid_words {
  char at[32];
};

const char *mid_words_size(uint64_t bytes, struct mid_words *room);     // 1.4 GiB
const char *mid_words_count(double count, struct mid_words *room);      // 950, 12.3 M
const char *mid_words_mean(double mean, struct mid_words *room);        // 0.034, 2.5, 950, 12.3 M
const char *mid_words_seconds(double seconds, struct mid_words *room);  // 3.2 ms, 2 h 05 min
// `part` in hundredths of `whole`, with one place after the point; 0 of nothing is 0.
double mid_words_share(double part, double whole);

// How many columns `bytes` of UTF-8 take; what is no UTF-8 is counted as it comes.
unsigned mid_words_columns(const char *words, size_t bytes);

// Print a bar that is `share` (0 to 1) of `columns` long, in blocks or, without utf8, in #.
void mid_words_bar(FILE *out, double share, unsigned columns, bool utf8, bool colour);

// What would command a terminal becomes blanks: words of others go to it.
void mid_words_tame(char *words);

// Print `text`, broken at blanks to stay within `columns`.  The cursor is at column `indent`, where
// further lines begin too.
void mid_words_wrap(FILE *out, const char *text, unsigned indent, unsigned columns);

#endif
