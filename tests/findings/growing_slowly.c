// tests/findings/growing_slowly.c -- one request in a thousand leaves something behind.
// SPDX-License-Identifier: MIT
//
// expect: growing possible audit
// mended: churn
// variants: plain inlined
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { REQUESTS = 600000, BATCH = 200, LIVE = 50 };

struct note {
  struct note *next;
  char text[10000];
};

static struct note *notes;

PLANT void audit(int request) {
#ifdef MENDED
  if (notes != NULL) {
    free(notes);
    notes = NULL;
  }
#endif
  struct note *note = malloc(sizeof *note);  // HERE
  memset(note->text, request, sizeof note->text);
  note->next = notes;
  notes = note;
}

int main(void) {
  static char *live[LIVE];
  for (int i = 0; i < REQUESTS; i++) {
    char **slot = &live[i % LIVE];
    free(*slot);
    *slot = malloc(100 + i % 400);
    (*slot)[0] = 1;
    if (i % 1000 == 0) audit(i);
    if (i % BATCH == 0) plant_sleep_us(1000);
  }
  for (int i = 0; i < LIVE; i++) free(live[i]);
  return 0;
}
