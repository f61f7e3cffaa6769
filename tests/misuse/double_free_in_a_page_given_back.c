// expect: midden: double free at 0x
// tests/misuse/double_free_in_a_page_given_back.c -- most blocks are freed, their pages go back to
// the system, and each is freed again: seen before any of them is handed out a second time.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

enum { COUNT = 100000, KEPT_IN = 200 };
static void *p[COUNT];

int main(void) {
  for (int i = 0; i < COUNT; i++) p[i] = malloc(200);
  for (int i = 0; i < COUNT; i++)
    if (i % KEPT_IN != 0) free(p[i]);
  for (int i = COUNT - 1; i >= 0; i--)
    if (i % KEPT_IN != 0) free(p[i]);
  for (int i = 0; i < COUNT; i++) p[i] = malloc(200);
  return 0;
}
