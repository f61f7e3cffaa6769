// tests/findings/clean_signal_and_jump.c -- blocks are held across a signal handler and a longjmp.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf back;
static char *volatile in_handler;

static void handle(int number) {
  in_handler = malloc(100);
  memset(in_handler, number, 100);
}

static void go_back(char *block) {
  block[0] = 2;
  longjmp(back, 1);
}

int main(void) {
  char *volatile block = malloc(5000);
  memset(block, 1, 5000);
  signal(SIGUSR1, handle);
  raise(SIGUSR1);
  if (setjmp(back) == 0) go_back(block);
  int sum = block[0] + in_handler[5];
  free(block);
  free(in_handler);
  return sum != 2 + SIGUSR1;
}
