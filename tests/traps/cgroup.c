// tests/traps/cgroup.c -- take and touch memory until malloc refuses, and go on.
//   cgroup LEAST MOST        between LEAST and MOST MiB
//   cgroup LEAST MOST late   the same, but touched only then
//   cgroup LEAST MOST child  and then a child, which was there first, wants some too
// Status 1 where something does not hold; killed where malloc does not refuse in time.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "check.h"
#include "support.h"

enum { BLOCKS = 200000 };
static const size_t sizes[] = {1000, 20000, 300000, 2000000};
static struct {
  char *p;
  size_t bytes;
} taken[BLOCKS];

static size_t take_until_refused(size_t most) {
  size_t total = 0;
  for (size_t i = 0; i < BLOCKS; i++) {
    size_t bytes = sizes[i % 4];
    errno = 0;
    char *p = malloc(bytes);
    if (p == NULL) {
      CHECK(errno == ENOMEM);
      break;
    }
    test_fill(p, bytes, i);  // each page is touched at once, so that the kernel counts it
    taken[i].p = p, taken[i].bytes = bytes;
    total += bytes;
    CHECK(total <= most);
  }
  return total;
}

static void drop_all(void) {
  for (size_t i = 0; i < BLOCKS && taken[i].p != NULL; i++) {
    CHECK(test_filled(taken[i].p, taken[i].bytes, i));
    free(taken[i].p);
    taken[i].p = NULL;
  }
}

// Three times over: nothing is lost to a refusal.
static void alone(size_t least, size_t most) {
  for (int i = 0; i < 3; i++) {
    size_t had = take_until_refused(most);
    dprintf(1, "  %zu KiB before the refusal\n", had / 1024);
    CHECK(had >= least);
    drop_all();
  }
}

// Touched only when malloc has refused: what it gave, it must be possible to use.
static void touched_late(size_t least, size_t most) {
  size_t i = 0;
  for (; i < BLOCKS && (taken[i].p = malloc(300000)) != NULL; i++) CHECK(i * 300000 <= most);
  CHECK(i * 300000 >= least);
  for (size_t k = 0; k < i; k++) taken[k].bytes = 300000, test_fill(taken[k].p, 300000, k);
  drop_all();
}

// A child that was there first, and goes on when its parent has all that there is.
static void beside_a_child(size_t least, size_t most) {
  int to_child[2], from_child[2], status;
  char turn = 0;
  CHECK(pipe(to_child) == 0 && pipe(from_child) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  close(child == 0 ? to_child[1] : to_child[0]);  // where one is killed the other is not to wait
  close(child == 0 ? from_child[0] : from_child[1]);
  if (child == 0) {
    memset(malloc(MIB), 1, MIB);
    CHECK(write(from_child[1], &turn, 1) == 1 && read(to_child[0], &turn, 1) == 1);
    take_until_refused(most);
    drop_all();
    _exit(0);
  }
  CHECK(read(from_child[0], &turn, 1) == 1);
  CHECK(take_until_refused(most) >= least);
  CHECK(write(to_child[1], &turn, 1) == 1);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  drop_all();
}

int main(int words, char **word) {
  CHECK(words >= 3);
  size_t least = strtoul(word[1], NULL, 10) * MIB, most = strtoul(word[2], NULL, 10) * MIB;
  if (words == 3)
    alone(least, most);
  else if (strcmp(word[3], "late") == 0)
    touched_late(least, most);
  else
    beside_a_child(least, most);
  return 0;
}
