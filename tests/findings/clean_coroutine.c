// tests/findings/clean_coroutine.c -- blocks that only the stacks of coroutines hold.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "plant.h"

enum { STACK = 64 << 10, COROUTINES = 20 };

static ucontext_t home, inside[COROUTINES];
static int started;

static void run(void) {
  char room[STACK - 8192], *mine = malloc(700);
  memset(room, started, sizeof room);
  USED(room);
  memset(mine, started, 700);
  swapcontext(&inside[started], &home);  // it never comes back
  mine[0] = 0;
  free(mine);
}

int main(void) {
  static char *stack[COROUTINES];
  for (started = 0; started < COROUTINES; started++) {
    stack[started] = malloc(STACK);
    getcontext(&inside[started]);
    inside[started].uc_stack.ss_sp = stack[started];
    inside[started].uc_stack.ss_size = STACK;
    inside[started].uc_link = &home;
    makecontext(&inside[started], run, 0);
    swapcontext(&home, &inside[started]);
  }
  return 0;
}
