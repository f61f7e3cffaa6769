// tests/findings/leaked_overwritten_pointer.c -- a buffer is replaced, and the old one never freed.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely resize_window blocks 25-39
#include <stdlib.h>
#include <string.h>

#include "plant.h"

static struct window {
  int width, height;
  unsigned char *pixels;
} window;

PLANT void resize_window(int width, int height) {
#ifdef MENDED
  free(window.pixels);
#endif
  window.pixels = malloc((size_t)(width * height));  // HERE
  memset(window.pixels, 255, (size_t)(width * height));
  window.width = width;
  window.height = height;
  USED(&window);
}

int main(void) {
  for (int i = 1; i <= 40; i++) resize_window(16 * i, 9 * i);
  return 0;
}
