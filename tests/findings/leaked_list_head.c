// tests/findings/leaked_list_head.c -- a list is emptied by forgetting its head.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely push
#include <stdio.h>
#include <stdlib.h>

#include "plant.h"

struct entry {
  struct entry *next;
  char text[40];
};

static struct entry *list;

PLANT void push(int i) {
  struct entry *entry = malloc(sizeof *entry);  // HERE
  snprintf(entry->text, sizeof entry->text, "entry %d", i);
  entry->next = list;
  list = entry;
}

static void clear(void) {
#ifdef MENDED
  while (list != NULL) {
    struct entry *next = list->next;
    free(list);
    list = next;
  }
#endif
  list = NULL;
}

int main(void) {
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 100; i++) push(i);
    clear();
  }
  return 0;
}
