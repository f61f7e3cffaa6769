// tests/findings/leaked_small_among_many.c -- 500 blocks of 96 bytes are lost among 800,000 others.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely open_session blocks 450-500
// mended: churn temporary
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { MESSAGES = 800000, LIVE = 64, EACH = 1600 };

struct session {
  int number;
  char name[92];
};

PLANT int open_session(int number) {
  struct session *session = malloc(sizeof *session);  // HERE
  session->number = number;
  USED(session);
#ifdef MENDED
  free(session);
#endif
  return number;
}

int main(void) {
  static char *message[LIVE];
  long sum = 0;
  for (int i = 0; i < MESSAGES; i++) {
    char **slot = &message[i % LIVE];
    free(*slot);
    *slot = malloc(32 + i % 100);
    (*slot)[0] = (char)i;
    if (i % EACH == 0) sum += open_session(i);
  }
  for (int i = 0; i < LIVE; i++) free(message[i]);
  return sum == 0;
}
