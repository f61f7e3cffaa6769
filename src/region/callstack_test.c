// region/callstack_test.c -- a thread's own stack: used, at its peak, and guarded.
// SPDX-License-Identifier: MIT
#include "midden/callstack.h"

#include <pthread.h>

#include "support.h"
#include "test.h"

static midden_stack_use used(void) {
  midden_stack_use use;
  if (midden_stack_used(&use) != MIDDEN_OK) abort();
  return use;
}

// Use `bytes` of stack, and say what was used when they were.
static __attribute__((noinline)) midden_stack_use dive(size_t bytes) {
  volatile char room[4096];
  memset((char *)room, 1, sizeof room);
  midden_stack_use use = bytes > sizeof room ? dive(bytes - sizeof room) : used();
  room[0] = 2;
  return use;
}

static void forget_peak(void) {
  if (midden_stack_forget_peak() != MIDDEN_OK) abort();
}

struct seen {
  midden_stack_use before, deep, after, forgotten;
};

static void *measure(void *with) {
  struct seen *seen = with;
  forget_peak();
  seen->before = used();
  seen->deep = dive(100000);
  seen->after = used();
  forget_peak();
  seen->forgotten = used();
  return NULL;
}

static midden_stack_use in_thread(const pthread_attr_t *attr) {
  pthread_t thread;
  struct seen seen;
  CHECK_EQ(pthread_create(&thread, attr, measure, &seen), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  size_t start = seen.before.used_bytes, deep = seen.deep.used_bytes;
  CHECK(seen.before.peak_bytes >= start && seen.before.peak_bytes < start + 32 * 1024);
  CHECK(deep > start + 100000 && deep < start + 150000 * (1 + SANITIZED));
  CHECK(seen.deep.peak_bytes >= deep);
  CHECK_EQ(seen.after.used_bytes, start);
  CHECK(seen.after.peak_bytes >= deep && seen.after.peak_bytes < deep + 32 * 1024);
  CHECK(seen.forgotten.peak_bytes < start + 32 * 1024);
  return seen.after;
}

TEST(a_thread_learns_what_it_uses_and_what_it_used_at_most)
{
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  CHECK_EQ(pthread_attr_setstacksize(&attr, MIB), 0);
  CHECK_EQ(pthread_attr_setguardsize(&attr, 2 * PAGE), 0);
  midden_stack_use use = in_thread(&attr);
  CHECK(use.whole_bytes > MIB - 64 * 1024 && use.whole_bytes <= MIB);
  CHECK(use.guard_bytes >= 2 * PAGE);
  pthread_attr_destroy(&attr);
}

TEST(a_stack_without_a_guard_is_recognised)
{
  char *memory = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  CHECK_EQ(pthread_attr_setstack(&attr, memory + MIB, MIB), 0);
  CHECK_EQ(in_thread(&attr).guard_bytes, 0);
  CHECK_EQ(mprotect(memory + MIB - 3 * PAGE, 3 * PAGE, PROT_NONE), 0);
  CHECK_EQ(in_thread(&attr).guard_bytes, 3 * PAGE);
  pthread_attr_destroy(&attr);
  munmap(memory, 2 * MIB);
}

TEST(the_first_thread_has_a_stack_too)
{
  midden_stack_use deep = dive(300000), after = used();
  CHECK(deep.used_bytes > 300000);
  CHECK(after.peak_bytes >= deep.used_bytes);
  CHECK(after.used_bytes < deep.used_bytes);
  CHECK(after.whole_bytes >= after.peak_bytes);
  CHECK(after.guard_bytes > 0);
}
