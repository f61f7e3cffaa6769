// tests/traps/fork.c -- four threads allocate, free and hand blocks on through a table while the
// main thread and a fifth fork.  Every child has a heap that others were working on at that moment.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"
#include "support.h"

enum { WORKERS = 4, TABLE = 512, FORKS = 150 };

static _Atomic(uint64_t *) table[TABLE];
static atomic_bool stop;

static uint64_t *make(uint64_t *seed) {
  size_t bytes = 16 + test_random_size(seed, test_random(seed) % 64 == 0 ? 400000 : 5000);
  uint64_t *p = malloc(bytes);
  CHECK(p != NULL);
  p[0] = bytes;
  test_fill(p + 1, bytes - 8, bytes);
  return p;
}

static void drop(uint64_t *p) {
  if (p == NULL) return;
  CHECK(test_filled(p + 1, p[0] - 8, p[0]));
  free(p);
}

static void *work_on(void *with) {
  uint64_t seed = (uintptr_t)with << 40;
  while (!atomic_load(&stop))
    drop(atomic_exchange(&table[test_random(&seed) % TABLE], make(&seed)));
  return NULL;
}

static void *short_work(void *with) {
  uint64_t seed = (uintptr_t)with;
  for (int i = 0; i < 200; i++)
    drop(atomic_exchange(&table[test_random(&seed) % TABLE], make(&seed)));
  return NULL;
}

// Handlers of other libraries allocate and free too.
static _Thread_local void *from_prepare;
static void before_fork(void) { from_prepare = malloc(100); }
static void after_fork(void) { free(from_prepare), free(malloc(3000)), from_prepare = NULL; }

// A child's life: it ends by exit, with all its handlers, or at once.  What stood in the table at
// the fork was whole, since Linux stops writers at one moment.
static void live(uint64_t seed) {
  for (int i = 0; i < TABLE; i += 2) drop(atomic_exchange(&table[i], NULL));
  for (int i = 0; i < 300; i++) drop(make(&seed));
  pthread_t thread[3];
  for (uintptr_t i = 0; i < 3; i++)
    CHECK(pthread_create(&thread[i], NULL, short_work, (void *)(seed + i)) == 0);
  for (int i = 0; i < 3; i++) CHECK(pthread_join(thread[i], NULL) == 0);
  malloc_trim(0);
  for (int i = 0; i < TABLE; i++) drop(atomic_exchange(&table[i], NULL));
  if (seed % 2) exit(0);
  _exit(0);
}

static void live_with_child(uint64_t seed) {
  alarm(60);  // a child that hangs is the failure this is about
  pid_t grandchild = fork();
  if (grandchild == 0) live(seed + 1001);
  int status;
  CHECK(waitpid(grandchild, &status, 0) == grandchild && status == 0);
  live(seed);
}

static void *fork_often(void *with) {
  for (uint64_t i = 0; i < FORKS; i++) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) live_with_child((uintptr_t)with + i);
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) dprintf(2, "child %d of a fork ended with 0x%x\n", (int)i, (unsigned)status);
    CHECK(status == 0);
  }
  return NULL;
}

int main(void) {
  CHECK(pthread_atfork(before_fork, after_fork, after_fork) == 0);
  pthread_t worker[WORKERS], forker;
  for (uintptr_t i = 0; i < WORKERS; i++)
    CHECK(pthread_create(&worker[i], NULL, work_on, (void *)(i + 1)) == 0);
  CHECK(pthread_create(&forker, NULL, fork_often, (void *)((uintptr_t)1 << 32)) == 0);
  fork_often((void *)((uintptr_t)2 << 32));
  CHECK(pthread_join(forker, NULL) == 0);
  atomic_store(&stop, true);
  for (int i = 0; i < WORKERS; i++) CHECK(pthread_join(worker[i], NULL) == 0);
  for (int i = 0; i < TABLE; i++) drop(table[i]);
  return 0;
}
