// tests/traps/thread_exit.c -- pthread keys whose destructors allocate and free, and set themselves
// again until the last round; threads that end by return, pthread_exit, cancellation, or detached.
// SPDX-License-Identifier: MIT
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "support.h"

enum { KEYS = 40, THREADS = 3000 };
static pthread_key_t key[KEYS];
static _Atomic(char *) left_behind;  // made by a destructor of a thread that is gone
static atomic_int rounds, ended;
static sem_t never;

// What a key holds: the round that its destructor runs in next, and which key it is.
struct note {
  int round, key;
  char words[100];
};

static void last_words(void *with) {
  struct note *old = with, *note = malloc(sizeof *note);
  CHECK(note != NULL && test_filled(old->words, sizeof old->words, (uint64_t)old->key));
  *note = *old;
  note->round++;
  free(old);
  char *large = malloc(200000), *p = realloc(malloc(50), 3000);
  CHECK(large != NULL && p != NULL);
  large[0] = p[0] = 1;
  free(large), free(p);
  free(atomic_exchange(&left_behind, calloc(1, 64)));
  if (note->round < PTHREAD_DESTRUCTOR_ITERATIONS)
    CHECK(pthread_setspecific(key[note->key], note) == 0);
  else
    free(note), atomic_fetch_add(&rounds, 1);
}

static void set_keys(void) {
  for (int i = 0; i < KEYS; i += 13) {  // keys made early and late
    struct note *note = malloc(sizeof *note);
    note->round = 0, note->key = i;
    test_fill(note->words, sizeof note->words, (uint64_t)i);
    CHECK(pthread_setspecific(key[i], note) == 0);
  }
}

static void *by_return(void *with) { return set_keys(), with; }
static void *by_exit(void *with) {
  set_keys();
  free(malloc(1000));
  pthread_exit(with);
}
static void *by_cancel(void *with) {
  set_keys();
  while (sem_wait(&never) != 0) continue;
  return with;
}
// Nothing is allocated here but by the destructors: the heap of this thread begins at its end.
static struct note prepared;
static void late_only(void *with) {
  (void)with;
  for (int i = 0; i < 50; i++) free(realloc(malloc(100), 2000));
  atomic_fetch_add(&ended, 1);
}
static pthread_key_t late_key;
static void *without_a_heap(void *with) {
  CHECK(pthread_setspecific(late_key, &prepared) == 0);
  return with;
}
static void *detached(void *with) {
  pthread_detach(pthread_self());
  return without_a_heap(with);
}

static void run(void *(*body)(void *), bool cancel, bool join) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
  if (cancel) CHECK(pthread_cancel(thread) == 0);
  if (join) CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
  sem_init(&never, 0, 0);
  CHECK(pthread_key_create(&late_key, late_only) == 0);
  for (int i = 0; i < KEYS; i++) CHECK(pthread_key_create(&key[i], last_words) == 0);
  size_t settled = 0;
  int asked = 0, detached_ones = 0;
  for (int i = 0; i < THREADS; i++) {
    switch (i % 5) {
      case 0:
        run(by_return, false, true), asked += 4;
        break;
      case 1:
        run(by_exit, false, true), asked += 4;
        break;
      case 2:
        run(by_cancel, true, true);
        break;  // may be cancelled before it set a key
      case 3:
        run(without_a_heap, false, true), detached_ones++;
        break;
      case 4:
        run(detached, false, false), detached_ones++;
        break;
    }
    if (i == THREADS / 10) settled = test_rss_bytes();
  }
  while (atomic_load(&ended) < detached_ones) usleep(1000);
  CHECK(atomic_load(&rounds) >= asked);
  CHECK(test_rss_bytes() < settled + 8 * MIB);
  free(atomic_exchange(&left_behind, NULL));
  set_keys();
  pthread_exit(NULL);  // the main thread too, and the last: exit status 0
}
