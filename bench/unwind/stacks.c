// bench/unwind/stacks.c -- what a stack costs: new, of frames that were seen before, and
// remembered.
// SPDX-License-Identifier: MIT
//
//   stacks WAY DEPTH ROUNDS     prints nanoseconds a stack; where WAY is none, of the calls alone
//
// A chain of DEPTH calls through eight functions of different frames, none with a frame pointer.
// Between two stacks the chain is left and entered again.
#define _GNU_SOURCE
#include <execinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unwind/unwind.h"

static struct mid_unwind_thread self;
static uint64_t frames, marks;
static enum { NONE, COLD, RULES, MEMO, LIBC } way;

__attribute__((noinline)) static void stack_take(void) {
  struct mid_unwind_frame here;
  void *frame[MID_UNWIND_MOST];
  if (way == NONE) return;
  if (way == LIBC) {
    frames += (uint64_t)backtrace(frame, MID_UNWIND_MOST);
    return;
  }
  if (way == COLD) mid_unwind_forget();
  if (way == RULES) self.epoch = 0;
  mid_unwind_here(&here);
  if (mid_unwind(&self, &here, (uintptr_t)__builtin_return_address(0)) == 0)
    mid_unwind_mark(&self, ++marks);
  frames += self.trace.frames;
}

static int chain(int levels);

// The last line is no function, so that each use ends with a semicolon.
#define LINK(n)                                               \
  __attribute__((noinline)) static int link_##n(int levels) { \
    volatile long room[2 * n + 1];                            \
    room[n] = levels;                                         \
    return chain(levels - 1) + (int)room[n];                  \
  }                                                           \
  _Static_assert(n >= 0, "")

LINK(0);
LINK(1);
LINK(2);
LINK(3);
LINK(4);
LINK(5);
LINK(6);
LINK(7);

__attribute__((noinline)) static int chain(int levels) {
  static int (*const link[])(int) = {link_0, link_1, link_2, link_3,
                                     link_4, link_5, link_6, link_7};
  if (levels <= 0) return stack_take(), 1;
  return link[levels % 8](levels - 1) + 1;
}

int main(int argc, char **argv) {
  static const char *const names[] = {"none", "cold", "rules", "memo", "libc"};
  struct timespec from, to;
  if (argc != 4) return 2;
  while (way < LIBC && strcmp(argv[1], names[way]) != 0) way++;
  int depth = atoi(argv[2]), sum = 0;
  long rounds = atol(argv[3]);
  for (long i = -1; i < rounds; i++) {
    if (i == 0) clock_gettime(CLOCK_MONOTONIC, &from);
    sum += chain(depth);
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
  printf("%.1f %.1f\n", ns / (double)rounds, (double)frames / (double)(rounds + 1));
  return sum == 0;
}
