// tests/findings/churn_scratch.c -- each step of a loop allocates its scratch space and frees it.
// SPDX-License-Identifier: MIT
//
// expect: churn|temporary possible blur_row
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { ROWS = 1000000, WIDTH = 128 };

#ifdef MENDED
static int scratch_row[WIDTH];
#endif

PLANT int blur_row(const int *row) {
#ifdef MENDED
  int *scratch = scratch_row;
#else
  int *scratch = malloc(WIDTH * sizeof *scratch);  // HERE
#endif
  for (int i = 1; i < WIDTH - 1; i++) scratch[i] = (row[i - 1] + row[i] + row[i + 1]) / 3;
  int middle = scratch[WIDTH / 2];
#ifndef MENDED
  free(scratch);
#endif
  return middle;
}

int main(void) {
  int row[WIDTH];
  long sum = 0;
  for (int i = 0; i < WIDTH; i++) row[i] = i * i;
  for (int i = 0; i < ROWS; i++) {
    row[i % WIDTH]++;
    sum += blur_row(row);
  }
  return sum == 0;
}
