// observe/stacks_test.c -- which stacks are told to be near their end.
// SPDX-License-Identifier: MIT
#include "observe/stacks.h"

#include <alloca.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

// The thread sanitizer keeps megabytes of its own there.
enum { STACK = 16 << 20, PAGE = 4096 };

// Look from within a thread that has touched so many bytes of its stack.
struct depth {
  size_t bytes;
  struct mid_near_stacks near;
  pid_t tid;
};

static void *look_from_depth(void *self) {
  struct depth *d = self;
  volatile char *room = alloca(d->bytes);
  for (size_t i = 0; i < d->bytes; i += PAGE) room[i] = 1;
  d->tid = gettid();
  mid_stacks_look(getpid(), &d->near);
  return NULL;
}

static void run_at_depth(struct depth *d) {
  pthread_t thread;
  pthread_attr_t how;
  pthread_attr_init(&how);
  pthread_attr_setstacksize(&how, STACK);
  CHECK(pthread_create(&thread, &how, look_from_depth, d) == 0);
  pthread_join(thread, NULL);
  pthread_attr_destroy(&how);
}

TEST(a_thread_near_the_end_of_its_stack_is_seen)
{
  struct depth d = {.bytes = STACK * 85 / 100};
  run_at_depth(&d);
  CHECK(d.near.count == 1);
  CHECK(d.near.stack[0].tid == d.tid && d.near.stack[0].limit == STACK);
  CHECK(d.near.stack[0].used >= d.bytes && d.near.stack[0].used < STACK);
  CHECK(strlen(d.near.stack[0].name) > 0 && !d.near.stack[0].first);
}

TEST(a_thread_that_used_half_of_its_stack_is_not_seen)
{
  struct depth d = {.bytes = STACK / 2};
  run_at_depth(&d);
  CHECK(d.near.count == 0);
}

TEST(the_deepest_use_of_a_stack_is_kept_when_its_thread_has_gone)
{
  struct depth d = {.bytes = STACK * 85 / 100};
  run_at_depth(&d);
  uint64_t used = d.near.stack[0].used;
  mid_stacks_look(getpid(), &d.near);
  CHECK(d.near.count == 1 && d.near.stack[0].used == used);
}
