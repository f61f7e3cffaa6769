// tests/traps/cgroup.c -- take and touch memory until malloc refuses, and go on.
//   cgroup LEAST MOST       one process: between LEAST and MOST MiB
//   cgroup LEAST MOST two   two at once: between LEAST and MOST MiB together
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

static size_t take_until_refused(size_t first, size_t most) {
  size_t total = 0, i = first;
  for (; i < BLOCKS; i++) {
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
  for (size_t k = first; k < i; k++) CHECK(test_filled(taken[k].p, taken[k].bytes, k));
  for (size_t k = first; k < i; k++) free(taken[k].p), taken[k].p = NULL;
  return total;
}

// How much there is, three times over: nothing is lost to a refusal.
static size_t least_of_three(size_t most) {
  size_t least = SIZE_MAX;
  for (int i = 0; i < 3; i++) {
    size_t now = take_until_refused(0, most);
    if (now < least) least = now;
  }
  return least;
}

int main(int words, char **word) {
  CHECK(words >= 3);
  size_t least = strtoul(word[1], NULL, 10) * MIB, most = strtoul(word[2], NULL, 10) * MIB;
  if (words == 3) {
    size_t had = least_of_three(most);
    dprintf(1, "  %zu KiB before the first refusal\n", had / 1024);
    CHECK(had >= least);
    return 0;
  }
  int status;
  pid_t child = fork();
  CHECK(child >= 0);
  size_t had = take_until_refused(0, most);
  if (child == 0) _exit(0);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  had = take_until_refused(0, most);  // alone again, all of it is to be had
  dprintf(1, "  %zu KiB beside nobody\n", had / 1024);
  CHECK(had >= least);
  return 0;
}
