// walk/victim_test.h -- a process to walk, which tells what blocks it has; behind support.h.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_VICTIM_TEST_H
#define MID_WALK_VICTIM_TEST_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "midden/heap.h"
#include "walk/blocks.h"
#include "walk/target.h"

enum { VICTIM_MOST = 1 << 19 };
enum victim_phase {
  VICTIM_STARTS,
  VICTIM_READY,
  VICTIM_WORK,
  VICTIM_DONE,
  VICTIM_MORE,
  VICTIM_END
};

// In memory of both.
struct victim {
  _Atomic int phase;
  _Atomic int pid;
  _Atomic size_t count;
  void *_Atomic block[VICTIM_MOST];  // that it has; NULL: not any more
};

static inline void victim_wait(struct victim *v, int phase) {
  while (atomic_load(&v->phase) < phase) usleep(200);
}

// As malloc and free, and noted.
static inline void *victim_take(struct victim *v, size_t bytes) {
  void *p = midden_malloc(bytes);
  if (p == NULL) abort();
  size_t at = atomic_fetch_add(&v->count, 1);
  if (at >= VICTIM_MOST) abort();
  atomic_store(&v->block[at], p);
  return p;
}

static inline void victim_give(struct victim *v, size_t at) {
  midden_free(atomic_exchange(&v->block[at], NULL));
}

// Start a process that does `work` between VICTIM_WORK and VICTIM_DONE, and after VICTIM_MORE ends.
static inline struct victim *victim_start(void (*warm_up)(struct victim *),
                                          void (*work)(struct victim *)) {
  struct victim *v =
      mmap(NULL, sizeof *v, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (v == MAP_FAILED) abort();
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(120);
    atomic_store(&v->pid, getpid());
    midden_free(midden_malloc(1));
    if (warm_up != NULL) warm_up(v);
    atomic_store(&v->count, 0);
    atomic_store(&v->phase, VICTIM_READY);
    victim_wait(v, VICTIM_WORK);
    work(v);
    atomic_store(&v->phase, VICTIM_DONE);
    victim_wait(v, VICTIM_END);
    _exit(0);
  }
  victim_wait(v, VICTIM_READY);
  return v;
}

static inline void victim_work(struct victim *v) {
  atomic_store(&v->phase, VICTIM_WORK);
  victim_wait(v, VICTIM_DONE);
}

// Whether it ended as it should.
static inline bool victim_end(struct victim *v) {
  int status;
  atomic_store(&v->phase, VICTIM_END);
  bool good = waitpid(atomic_load(&v->pid), &status, 0) < 0 || status == 0;
  munmap(v, sizeof *v);
  return good;
}

// The addresses of live blocks, sorted.
struct set {
  uint64_t *at;
  size_t count;
};

static inline int set_compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static inline struct set set_of(const struct mid_blocks *b) {
  struct set set = {malloc((b->live_blocks + 1) * sizeof *set.at), 0};
  for (uint32_t n = 0; n < b->blocks; n++) {
    if (!mid_blocks_is_live(b, n)) continue;
    set.at[set.count++] = mid_blocks_address(b, n);
  }
  return set;
}

static inline bool set_has(const struct set *set, uint64_t at) {
  return bsearch(&at, set->at, set->count, sizeof at, set_compare) != NULL;
}

#endif
