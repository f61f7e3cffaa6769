// tests/findings/fragmented_after_peak.c -- a few long-lived entries keep the spans of a peak.
// SPDX-License-Identifier: MIT
//
// expect: fragmented likely make_entry
// mended: churn temporary
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { PAGES = 200000, EACH = 200, BYTES = 240 };

static char *page[PAGES];
static char *entry[PAGES / EACH];
#ifdef MENDED
static char entries[PAGES / EACH][BYTES];
#endif

PLANT char *make_entry(int i) {
#ifdef MENDED
  char *made = entries[i];
#else
  char *made = malloc(BYTES);  // HERE
#endif
  memset(made, i, BYTES);
  return made;
}

static char *make_page(int i) {
  char *made = malloc(BYTES);
  memset(made, i, BYTES);
  return made;
}

int main(void) {
  for (int i = 0; i < PAGES; i++) {
    page[i] = make_page(i);
    if (i % EACH == 0) entry[i / EACH] = make_entry(i / EACH);
  }
  for (int i = 0; i < PAGES; i++) free(page[i]);
  plant_sleep_us(300000);
  return entry[1][0] != 1;
}
