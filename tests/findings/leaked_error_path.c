// tests/findings/leaked_error_path.c -- a parser forgets what it holds on bad lines.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely parse_record
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

struct record {
  int id;
  char name[28];
};

static struct record *table[1000];
static size_t records;

PLANT int parse_record(const char *line) {
  struct record *record = malloc(sizeof *record);  // HERE
  if (sscanf(line, "%d %27s", &record->id, record->name) != 2) {
#ifdef MENDED
    free(record);
#endif
    return -1;
  }
  table[records++] = record;
  return 0;
}

int main(void) {
  char line[64];
  int bad = 0;
  for (int i = 0; i < 1000; i++) {
    snprintf(line, sizeof line, i % 7 == 3 ? "damaged line" : "%d name%d", i, i);
    if (parse_record(line) != 0) bad++;
  }
  printf("%zu records, %d bad lines\n", records, bad);
  while (records > 0) free(table[--records]);
  return 0;
}
