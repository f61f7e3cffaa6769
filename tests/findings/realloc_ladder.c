// tests/findings/realloc_ladder.c -- texts grow by a few bytes at a time.
// SPDX-License-Identifier: MIT
//
// expect: realloc-ladder possible append
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { TEXTS = 100, WORDS = 8000 };

struct text {
  char *bytes;
  size_t length, room;
};

PLANT void append(struct text *text, const char *word) {
  size_t more = strlen(word);
#ifdef MENDED
  if (text->length + more > text->room) {
    text->room = text->room * 2 + 65536;
    text->bytes = realloc(text->bytes, text->room);
  }
#else
  text->bytes = realloc(text->bytes, text->length + more);  // HERE
#endif
  memcpy(text->bytes + text->length, word, more);
  text->length += more;
}

int main(void) {
  static struct text text[TEXTS];
  for (int i = 0; i < WORDS; i++)
    for (int k = 0; k < TEXTS; k++) append(&text[k], "some more words ");
  for (int k = 0; k < TEXTS; k++) free(text[k].bytes);
  return 0;
}
