// observe/bell.c -- see bell.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "observe/bell.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "feed/bell.h"
#include "observe/folders.h"

// The kernel's list of what the calling thread holds: as it ends, however it does, the kernel takes
// its number out of the words that the list's entries stand for.  libc's own list, of its robust
// mutexes, is left without: nothing here has such.
static struct {
  struct robust_list_head head;
  struct robust_list entry;
} held;

static void hold(_Atomic uint32_t *word) {
  held.entry.next = &held.head.list;
  held.head.list.next = &held.entry;
  held.head.futex_offset = (char *)word - (char *)&held.entry;
  held.head.list_op_pending = NULL;
  syscall(SYS_set_robust_list, &held.head, sizeof held.head);
}

static void name_of(uint64_t run, char room[48]) { snprintf(room, 48, "%" PRIu64 ".bell", run); }

static struct mid_bell *map(int fd) {
  int how = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void *at = mmap(NULL, sizeof(struct mid_bell), PROT_READ | PROT_WRITE, how, fd, 0);
  return at == MAP_FAILED ? NULL : at;
}

void mid_bell_open(struct mid_bell_hung *b, uint64_t run) {
  char name[48];
  name_of(run, name);
  *b = (struct mid_bell_hung){.run = run};
  int fd = mid_folders_make(name);
  const struct mid_bell start = {
      .magic = MID_BELL_MAGIC, .run = run, .observer = (uint32_t)gettid()};
  // Written, not only made longer: a full file system shows here, not at a touch of the mapping.
  if (fd >= 0 && pwrite(fd, &start, sizeof start, 0) == sizeof start) b->bell = map(fd);
  if (fd >= 0) close(fd);
  if (b->bell == NULL) b->bell = map(-1);
  if (b->bell == NULL) abort();
  hold(&b->bell->observer);
}

void mid_bell_close(struct mid_bell_hung *b) {
  char name[48];
  name_of(b->run, name);
  atomic_store_explicit(&b->bell->observer, 0, memory_order_release);
  held.head.list.next = &held.head.list;
  mid_folders_remove(name);
  munmap(b->bell, sizeof *b->bell);
  *b = (struct mid_bell_hung){0};
}

void mid_bell_wait(struct mid_bell_hung *b, double seconds) {
  struct timespec most = {.tv_sec = (time_t)seconds,
                          .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
  syscall(SYS_futex, &b->bell->rung, FUTEX_WAIT, b->heard, &most, NULL, 0);
  b->heard = atomic_load_explicit(&b->bell->rung, memory_order_acquire);
}

void mid_bell_ring(struct mid_bell_hung *b) {
  atomic_fetch_add_explicit(&b->bell->rung, 1, memory_order_release);
  syscall(SYS_futex, &b->bell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
