// tests/findings/crash_freed_block.c -- a table is read after it was freed.
// SPDX-License-Identifier: MIT
//
// expect: crash SIGSEGV freed
// run: --diagnose-crash
#include <stdlib.h>
#include <string.h>

#include "plant.h"

struct item {
  struct item *next;
  long value;
  char room[48];
};

static struct item *table;

PLANT long read_item(int i) {
  struct item *item = &table[i];
  long other = item->next->value;  // HERE
  return other + item->value;
}

int main(void) {
  long sum = 0;
  table = malloc(1000000 * sizeof *table);
  for (int i = 0; i < 1000000; i++) table[i].next = &table[i], table[i].value = i;
#ifdef MENDED
  for (int i = 0; i < 1000000; i++) sum += read_item(i);
  free(table);
#else
  free(table);
  for (int i = 0; i < 1000000; i++) sum += read_item(i);
#endif
  return sum == 1;
}
