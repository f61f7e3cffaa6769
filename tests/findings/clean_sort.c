// tests/findings/clean_sort.c -- lines are made, sorted by merging, and freed.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 100000 };

static void merge_sort(char **line, char **other, size_t lines) {
  if (lines < 2) return;
  size_t half = lines / 2, left = 0, right = half;
  merge_sort(line, other, half);
  merge_sort(line + half, other, lines - half);
  memcpy(other, line, lines * sizeof *line);
  for (size_t i = 0; i < lines; i++)
    line[i] = right == lines || (left < half && strcmp(other[left], other[right]) <= 0)
                  ? other[left++]
                  : other[right++];
}

int main(void) {
  char **line = malloc(LINES * sizeof *line), **other = malloc(LINES * sizeof *other);
  unsigned key = 7;
  for (int i = 0; i < LINES; i++) {
    line[i] = malloc(16 + (size_t)i % 40);
    sprintf(line[i], "%09u", key = key * 1103515245 + 12345);
  }
  merge_sort(line, other, LINES);
  int wrong = 0;
  for (int i = 1; i < LINES; i++) wrong += strcmp(line[i - 1], line[i]) > 0;
  for (int i = 0; i < LINES; i++) free(line[i]);
  free(other);
  free(line);
  return wrong;
}
