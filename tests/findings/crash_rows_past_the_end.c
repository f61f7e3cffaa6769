// tests/findings/crash_rows_past_the_end.c -- memset is told to clear rows that no block has.
// SPDX-License-Identifier: MIT
//
// expect: crash SIGSEGV past its end
// run: --diagnose-crash
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { WIDTH = 32768, ROWS = 300 };

struct image {
  int width, rows;
  unsigned char *pixels;
};

PLANT void clear(const struct image *image) {
  for (int y = 0; y < image->rows; y++)
    memset(image->pixels + (size_t)y * (size_t)image->width, 0, (size_t)image->width);
}

int main(void) {
  struct image image = {WIDTH, ROWS, malloc(WIDTH * ROWS)};
#ifndef MENDED
  image.rows = 200 * ROWS;
#endif
  USED(&image);
  clear(&image);
  USED(&image);
  free(image.pixels);
  return 0;
}
