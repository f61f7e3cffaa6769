// tests/traps/signals.c -- 1 kHz timers over threads that allocate; the handlers make system calls
// of the kinds that a handler may, use the stack, and touch the block in hand.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include "check.h"
#include "support.h"

enum { THREADS = 3, SLOTS = 300, WANTED = 2000 };
static atomic_int ticks;
static int null_fd;
static _Thread_local unsigned char *volatile in_hand;

static void tick(int number) {
  (void)number;
  int kept = errno;
  char deep[6000];  // handlers use the stack that malloc stands on
  memset(deep, ticks, sizeof deep);
  if (write(null_fd, deep, sizeof deep) < 0) abort();
  if (in_hand != NULL) in_hand[0]++;
  atomic_fetch_add(&ticks, 1);
  errno = kept;
}

static void *work_on(void *with) {
  struct {
    unsigned char *p;
    size_t bytes;
  } slot[SLOTS] = {0};
  uint64_t seed = (uintptr_t)with << 40;
  while (atomic_load(&ticks) < WANTED) {
    size_t k = test_random(&seed) % SLOTS;
    errno = 99;
    CHECK(slot[k].p == NULL || test_filled(slot[k].p + 1, slot[k].bytes, k));
    in_hand = NULL;
    free(slot[k].p);
    CHECK(errno == 99);
    slot[k].bytes = test_random_size(&seed, test_random(&seed) % 100 == 0 ? 1000000 : 3000);
    CHECK((slot[k].p = malloc(slot[k].bytes + 1)) != NULL);
    in_hand = slot[k].p;
    test_fill(slot[k].p + 1, slot[k].bytes, k);
  }
  in_hand = NULL;
  for (int k = 0; k < SLOTS; k++) free(slot[k].p);
  return NULL;
}

int main(void) {
  null_fd = open("/dev/null", O_WRONLY);
  struct sigaction act = {.sa_handler = tick, .sa_flags = SA_RESTART};
  CHECK(null_fd >= 0 && sigaction(SIGALRM, &act, NULL) == 0 && sigaction(SIGPROF, &act, NULL) == 0);
  pthread_t thread[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK(pthread_create(&thread[i], NULL, work_on, (void *)(i + 1)) == 0);
  struct itimerval each_ms = {{0, 1000}, {0, 1000}};
  CHECK(setitimer(ITIMER_REAL, &each_ms, NULL) == 0 && setitimer(ITIMER_PROF, &each_ms, NULL) == 0);
  work_on((void *)(uintptr_t)77);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(thread[i], NULL) == 0);
  return 0;
}
