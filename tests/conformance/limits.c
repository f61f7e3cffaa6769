// tests/conformance/limits.c -- where a limit of the process refuses memory: NULL and ENOMEM, and
// the program goes on with all it had.  Each runs in a child, since a limit does not come off
// again.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/resource.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

// Allow `room` more bytes than the process has now, by the `field`-th number of /proc/self/statm:
// 0 all address space, 5 data (private and writable).
static bool limit_to(__rlimit_resource_t resource, int field, size_t room) {
#if defined(__SANITIZE_THREAD__)
  _exit(0);  // it takes memory of its own as the program goes, and stops where it gets none
#endif
  char words[256] = {0};
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, words, sizeof words - 1) <= 0) return false;
  close(fd);
  char *at = words;
  for (int i = 0; i < field; i++) at = strchr(at, ' ') + 1;
  rlim_t now = strtoul(at, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
  struct rlimit limit = {now + room, now + room};
  return setrlimit(resource, &limit) == 0;
}

enum { MOST = 100000 };
static struct {
  unsigned char *p;
  size_t bytes;
} taken[MOST];
static size_t taken_count;

// Take blocks of up to `most` bytes until one is refused; each is filled.
static bool take_until_refused(size_t most) {
  uint64_t seed = most;
  for (taken_count = 0; taken_count < MOST; taken_count++) {
    size_t bytes = most / 2 + test_random_size(&seed, most / 2);
    errno = 0;
    unsigned char *p = midden_malloc(bytes);
    if (p == NULL) return errno == ENOMEM;
    test_fill(p, bytes, taken_count);
    taken[taken_count].p = p, taken[taken_count].bytes = bytes;
  }
  return false;  // nothing refused it
}

static bool all_is_intact(void) {
  for (size_t i = 0; i < taken_count; i++)
    if (!test_filled(taken[i].p, taken[i].bytes, i)) return false;
  return true;
}

// At the limit: every kind of call refuses in order, nothing is lost, and room that is freed is
// room again.
static bool holds_at_the_limit(size_t most) {
  HOLDS(take_until_refused(most));
  HOLDS(taken_count > 10);
  HOLDS(all_is_intact());
  errno = 0;
  HOLDS(midden_calloc(1, 256 * MIB) == NULL && errno == ENOMEM);
  errno = 0;
  HOLDS(midden_aligned_alloc(MIB, 256 * MIB) == NULL && errno == ENOMEM);
  errno = 0;
  HOLDS(midden_realloc(taken[0].p, 256 * MIB) == NULL && errno == ENOMEM);
  HOLDS(all_is_intact());
  for (size_t i = 0; i < taken_count; i += 2) midden_free(taken[i].p);
  // Sizes may come to lie so that a few no longer fit; most must.
  size_t again = 0;
  for (size_t i = 0; i < taken_count; i += 2) {
    taken[i].p = midden_malloc(taken[i].bytes);
    if (taken[i].p == NULL) taken[i].bytes = 0;
    test_fill(taken[i].p, taken[i].bytes, i);
    again += taken[i].p != NULL;
  }
  HOLDS(again >= taken_count / 2 * 3 / 4);
  HOLDS(all_is_intact());
  for (size_t i = 0; i < taken_count; i++) midden_free(taken[i].p);
  // Nearly all of it, again: nothing was lost to the refusal.
  size_t had = taken_count;
  HOLDS(take_until_refused(most));
  HOLDS(taken_count >= had - had / 4);
  HOLDS(all_is_intact());
  return true;
}

TEST_IN_CHILD(an_address_space_limit_refuses_small_blocks_and_loses_none) {
  return limit_to(RLIMIT_AS, 0, 64 * MIB) && holds_at_the_limit(6000);
}

TEST_IN_CHILD(an_address_space_limit_refuses_large_blocks_and_loses_none) {
  return limit_to(RLIMIT_AS, 0, 64 * MIB) && holds_at_the_limit(1000000);
}

TEST_IN_CHILD(a_data_limit_refuses_small_blocks_and_loses_none) {
  return limit_to(RLIMIT_DATA, 5, 64 * MIB) && holds_at_the_limit(6000);
}

TEST_IN_CHILD(a_data_limit_refuses_large_blocks_and_loses_none) {
  return limit_to(RLIMIT_DATA, 5, 64 * MIB) && holds_at_the_limit(1000000);
}

TEST_IN_CHILD(four_megabytes_of_room_hold_a_megabyte_of_blocks) {
  HOLDS(limit_to(RLIMIT_AS, 0, 4 * MIB));
  HOLDS(midden_malloc(64 * MIB) == NULL && errno == ENOMEM);
  void *p[200];
  for (size_t i = 0; i < 200; i++) {
    HOLDS((p[i] = midden_malloc(5000)) != NULL);
    test_fill(p[i], 5000, i);
  }
  for (size_t i = 0; i < 200; i++) {
    HOLDS(test_filled(p[i], 5000, i));
    midden_free(p[i]);
  }
  return true;
}

TEST_IN_CHILD(a_heap_at_the_limit_refuses_and_closing_it_makes_room) {
  HOLDS(limit_to(RLIMIT_AS, 0, 64 * MIB));
  for (int round = 0; round < 5; round++) {
    midden_heap *heap;
    size_t n = 0;
    HOLDS(midden_heap_open(&heap) == MIDDEN_OK);
    errno = 0;
    while (midden_heap_alloc(heap, 100000) != NULL && n < 1000) n++;
    HOLDS(errno == ENOMEM && n > 100);
    midden_heap_close(heap);
  }
  return true;
}
