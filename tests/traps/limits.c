// tests/traps/limits.c -- allocate under a limit.
//   serve MIB            so much must be had
//   fill LEAST MOST LIB  take until refused: between LEAST and MOST MiB; then go on; load LIB
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "support.h"

enum { MOST = 1000000 };
static struct {
  unsigned char *p;
  size_t bytes;
} taken[MOST];
static size_t count, total;

static bool take(size_t bytes) {
  errno = 0;
  unsigned char *p = malloc(bytes);
  if (p == NULL) {
    CHECK(errno == ENOMEM);
    return false;
  }
  CHECK(count < MOST);
  test_fill(p, bytes, count);
  taken[count].p = p, taken[count++].bytes = bytes;
  total += bytes;
  return true;
}

static void check_all(void) {
  for (size_t i = 0; i < count; i++) CHECK(test_filled(taken[i].p, taken[i].bytes, i));
}

static void drop_all(void) {
  check_all();
  for (; count > 0; count--) free(taken[count - 1].p);
  total = 0;
}

static void serve(size_t bytes) {
  uint64_t seed = 1;
  while (total < bytes) CHECK(take(test_random_size(&seed, 100000)));
  drop_all();
  CHECK(take(bytes / 2));  // one block, of what many were
  drop_all();
}

static void *touch_room(void *room) {
  char *mine = ((char *(*)(void))room)();
  mine[100] = 7;
  return mine[100] == 7 ? NULL : mine;
}

static void make_room(size_t bytes) {
  for (size_t freed = 0; freed < bytes && count > 1; freed += taken[count].bytes)
    free(taken[--count].p), total -= taken[count].bytes;
}

// The loader treats NULL as fatal: what it asks for under heap_limit is exempt.  A limit of the
// system's exempts nobody, so some room is made first.
static void load(const char *name) {
  if (getenv("MIDDEN_OPTIONS") == NULL) make_room(4 * MIB);
  void *library = dlopen(name, RTLD_NOW);
  CHECK(library != NULL || getenv("MIDDEN_OPTIONS") == NULL);
  if (library == NULL) return;
  void *room = dlsym(library, "plugin_room"), *result;
  pthread_t thread;
  CHECK(room != NULL);
  if (pthread_create(&thread, NULL, touch_room, room) == 0)
    CHECK(pthread_join(thread, &result) == 0 && result == NULL);
  CHECK(touch_room(room) == NULL);
  CHECK(dlclose(library) == 0);
}

static void fill(size_t least, size_t most, size_t bytes, const char *library) {
  uint64_t seed = bytes;
  while (take(bytes / 2 + test_random_size(&seed, bytes / 2))) continue;
  dprintf(1, "  blocks up to %zu bytes: %zu KiB before the end\n", bytes, total / 1024);
  CHECK(total >= least && total <= most);
  check_all();
  load(library);
  for (int i = 0; i < 1000; i++) {  // refusals do not wear out
    errno = 0;
    CHECK(calloc(1, most) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(realloc(taken[0].p, most) == NULL && errno == ENOMEM);
  }
  check_all();
  make_room(MIB / 4);                      // for what the loader had beyond the limit
  for (size_t i = 0; i < count; i += 2) {  // what is freed may be had again
    free(taken[i].p);
    CHECK((taken[i].p = malloc(taken[i].bytes)) != NULL);
    test_fill(taken[i].p, taken[i].bytes, i);
  }
  drop_all();
}

static const size_t sizes[] = {1000, 50000, 1000000, 600, 3000000};

int main(int words, char **word) {
  CHECK(words >= 3);
  size_t n = strtoul(word[2], NULL, 10) * MIB;
  if (strcmp(word[1], "serve") == 0) serve(n);
  if (strcmp(word[1], "fill") == 0) {
    CHECK(words == 5);
    size_t most = strtoul(word[3], NULL, 10) * MIB;
    for (int i = 0; i < 5; i++) fill(n, most, sizes[i], word[4]);
    pid_t child = fork();  // and in a child, where the limit is the same
    if (child == 0) fill(n, most, sizes[1], word[4]), exit(0);
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  }
  return 0;
}
