// tests/traps/loader.c -- with a heap_limit that is used up: what the loader asks for is still
// given, since it takes NULL for fatal; what the program asks for is refused.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "support.h"

enum { THREADS = 20 };
static char *(*plugin_room)(unsigned long *bytes);
static pthread_barrier_t barrier;

// Take until no size is to be had; the blocks stay.  A refused size may leave a few pages to
// others.
static void use_up(void) {
  size_t total = 0, before;
  do {
    before = total;
    for (size_t bytes = MIB; bytes >= 16; bytes /= 2)
      for (char *p; (p = malloc(bytes)) != NULL; total += bytes) {
        CHECK(total < 64 * MIB);
        memset(p, 1, bytes);
      }
  } while (total > before);
  CHECK(total > 20 * MIB);
}

// `least`: what the loader gave back may serve smaller blocks.
static void check_used_up(size_t least) {
  for (size_t bytes = least; bytes <= MIB; bytes *= 2) {
    errno = 0;
    CHECK(malloc(bytes) == NULL && errno == ENOMEM);
  }
}

static void *use_room(void *unused) {
  unsigned long bytes;
  char *room = plugin_room(&bytes);
  CHECK(strcmp(room, "first") == 0);
  CHECK(test_zeroed(room + 8, bytes - 8));
  test_fill(room, bytes, (uintptr_t)room);
  if (unused != NULL) pthread_barrier_wait(&barrier);  // all rooms are there at once
  CHECK(test_filled(room, bytes, (uintptr_t)room));
  return unused;
}

static void *wait_for_room(void *started) {
  pthread_barrier_wait(&barrier);
  while (plugin_room == NULL) pthread_barrier_wait(&barrier);
  return use_room(started);
}

static void run_threads(void) {
  pthread_t thread[THREADS];
  CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_create(&thread[i], NULL, use_room, &barrier) == 0);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(thread[i], NULL) == 0);
  CHECK(pthread_barrier_destroy(&barrier) == 0);
}

int main(int words, char **word) {
  CHECK(words == 2);
  // A thread from before: its table of thread-local blocks has no room for the library's yet.
  pthread_t early;
  CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
  CHECK(pthread_create(&early, NULL, wait_for_room, &barrier) == 0);
  pthread_barrier_wait(&barrier);
  use_up();
  check_used_up(16);

  void *library = dlopen(word[1], RTLD_NOW);
  CHECK(library != NULL);
  void *found = dlsym(library, "plugin_room");
  CHECK(found != NULL);
  memcpy(&plugin_room, &found, sizeof found);
  pthread_barrier_wait(&barrier);  // the early thread looks again,
  pthread_barrier_wait(&barrier);  // and has its room
  CHECK(pthread_join(early, NULL) == 0);
  CHECK(pthread_barrier_destroy(&barrier) == 0);
  use_room(NULL);
  for (int round = 0; round < 3; round++) run_threads();
  check_used_up(MIB / 4);  // the exempt calls have made no room for others
  CHECK(dlopen("/no/such/library.so", RTLD_NOW) == NULL);
  CHECK(dlclose(library) == 0);
  check_used_up(MIB / 4);
  return 0;
}
