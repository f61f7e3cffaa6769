// walk/reach_test.c -- where a living program may keep a pointer, and what that makes of the block.
// SPDX-License-Identifier: MIT
//
// A child puts blocks where its table says and then stands still.  It tells the parent of each by
// the complement of its address, which is no pointer.
#include <pthread.h>
#include <sys/epoll.h>
#include <ucontext.h>

#include "support.h"
#include "test.h"
#include "walk/leaks.h"
#include "walk/reach.h"
#include "walk/victim_test.h"

enum verdict { HELD, POSSIBLE, LEFT, DIRECT, INDIRECT };

struct told {
  _Atomic size_t count;
  struct {
    uintptr_t not_address;
    enum verdict verdict;
    char what[48];
  } block[256];
};
static struct told *told;

static void tell(const void *block, enum verdict verdict, const char *what) {
  size_t i = atomic_fetch_add(&told->count, 1);
  told->block[i].not_address = ~(uintptr_t)block;
  told->block[i].verdict = verdict;
  snprintf(told->block[i].what, sizeof told->block[i].what, "%s", what);
}

// A block that leads nowhere.
static void *take(size_t bytes, enum verdict verdict, const char *what) {
  void *p = midden_malloc(bytes);
  if (p == NULL) abort();
  memset(p, 0, bytes);
  tell(p, verdict, what);
  return p;
}

// Nothing of what was called before is left on the stack.
static __attribute__((noinline)) void wipe(void) {
  volatile char room[1 << 16];
  for (size_t i = 0; i < sizeof room; i++) room[i] = 0;
}

// ---- where pointers are ----

void *kept_global[32];
static __thread void *volatile kept_tls;
static _Atomic int threads_up;

static __attribute__((noinline)) void plant_globals(void) {
  void **chain = take(64, HELD, "a global");
  chain[1] = take(64, HELD, "a block that a global holds");
  kept_global[0] = chain;
  kept_tls = take(80, HELD, "thread-local storage");
  void **map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  map[70000] = take(96, HELD, "mapped memory");
  void **sealed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sealed[7] = take(96, HELD, "memory that was made read-only");
  mprotect(sealed, 4096, PROT_READ);
  void **shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared[500] = take(96, HELD, "shared memory");
}

static __attribute__((noinline)) void plant_in_file(void) {
  char name[] = "/tmp/midden-reach-XXXXXX";
  int fd = mkstemp(name);
  if (fd < 0 || ftruncate(fd, 4096) != 0) abort();
  void **file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  file[3] = take(112, LEFT, "a mapped file");
  kept_global[30] = strdup(name);
}

static __attribute__((noinline)) void plant_with_kernel(void) {
  struct epoll_event event = {.events = EPOLLIN};
  int ends[2];
  if (pipe(ends) != 0) abort();
  event.data.ptr = take(112, HELD, "epoll");
  if (epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, ends[0], &event) != 0) abort();
  timer_t timer;
  struct sigevent signal = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  signal.sigev_value.sival_ptr = take(112, HELD, "a timer");
  if (timer_create(CLOCK_MONOTONIC, &signal, &timer) != 0) abort();
}

static void *thread_waits(void *self) {
  (void)self;
  void *volatile on_stack = take(128, HELD, "the stack of a thread");
  kept_tls = take(128, HELD, "thread-local storage of a thread");
  threads_up++;
  for (;;) pause();
  return on_stack;
}

static void *thread_computes(void *self) {
  (void)self;
  void *one = take(144, HELD, "a register"), *two = take(144, HELD, "a vector register");
  __asm__ volatile(
      "movq %1, %%xmm15\n\t"
      "mov %0, %%r15\n\t"
      "mov %2, %%rax\n\t"
      "xor %0, %0\n\t"
      "xor %1, %1\n\t"
      "lock incl (%%rax)\n"
      "1: pause\n\t"
      "jmp 1b"
      : "+r"(one), "+r"(two)
      : "r"(&threads_up)
      : "rax", "r15", "xmm15", "memory");
  return NULL;
}

// Most of its stack is given back at once; what is above the last frame stays.
static void *thread_ends(void *self) {
  kept_tls = take(160, LEFT, "the stack of a thread that ended");
  return self;
}

static __attribute__((noinline)) void plant_in_threads(void) {
  pthread_t thread[2];
  pthread_create(&thread[0], NULL, thread_waits, NULL);
  pthread_create(&thread[1], NULL, thread_computes, NULL);
  while (threads_up < 2) usleep(100);
  memset(thread, 0, sizeof thread);
}

static ucontext_t coroutine, back;
static void in_coroutine(void) {
  void *volatile here = take(176, HELD, "the stack of a coroutine, in a block");
  swapcontext(&coroutine, &back);
  kept_global[31] = here;
}
static __attribute__((noinline)) void plant_in_coroutine(void) {
  getcontext(&coroutine);
  coroutine.uc_stack.ss_sp = take(65536, HELD, "a stack");
  coroutine.uc_stack.ss_size = 65536;
  coroutine.uc_link = &back;
  makecontext(&coroutine, in_coroutine, 0);
  swapcontext(&back, &coroutine);
}

// The signal arrives in a thread that stays in its handler, on a stack of its own.
static void *volatile on_signal_stack;
static void signalled(int number) {
  (void)number;
  void *volatile here = on_signal_stack;
  on_signal_stack = NULL;
  threads_up++;
  for (;;) pause();
  kept_global[31] = here;
}
static void *thread_signalled(void *self) {
  (void)self;
  void *volatile under = take(192, HELD, "a stack under a signal's");
  on_signal_stack = take(192, HELD, "a signal's stack");
  stack_t stack = {.ss_sp = take(65536, HELD, "a block that is a signal's stack"),
                   .ss_size = 65536};
  sigaltstack(&stack, NULL);
  memset(&stack, 0, sizeof stack);
  signal(SIGUSR2, signalled);
  struct sigaction action = {.sa_handler = signalled, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR2, &action, NULL);
  pthread_kill(pthread_self(), SIGUSR2);
  return under;
}
static __attribute__((noinline)) void plant_under_signal(void) {
  pthread_t thread;
  int up = threads_up;
  pthread_create(&thread, NULL, thread_signalled, NULL);
  while (threads_up == up) usleep(100);
}

// Its stack waits for the next thread, so it is the last one.
static __attribute__((noinline)) void plant_in_finished(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, thread_ends, NULL);
  pthread_join(thread, NULL);
}

// ---- what pointers look like ----

// Its own pages, so that what is learned of a size says nothing of the others.
static __attribute__((noinline)) void plant_inside(void) {
  char *inside = take(1000, POSSIBLE, "a pointer to the inside");
  kept_global[1] = inside + 100;
  kept_global[2] = (char *)take(2000, POSSIBLE, "a tagged pointer") + 1;
  kept_global[3] = (void *)((uintptr_t)take(3000, POSSIBLE, "a tag in the top bits") | 5ull << 48);
  char *past = take(200000, DIRECT, "a pointer just behind the end");
  kept_global[4] = past + midden_heap_usable(past);
  kept_global[5] = take(0, HELD, "a block of no bytes");
}

static __attribute__((noinline)) void plant_known(void) {
  uint64_t *array = take(8 + 30 * 56, HELD, "an array of C++ objects");
  array[0] = 30;
  kept_global[6] = array + 1;
  uint64_t *sqlite = take(5000, HELD, "a block with its length in front");
  sqlite[0] = 5000 - 8;
  kept_global[7] = sqlite + 1;
  uint64_t *string = take(24 + 6000 + 1, HELD, "a string of old libstdc++");
  string[0] = 5500;
  string[1] = 6000;
  kept_global[8] = string + 3;
  uint64_t *collected = take(7000, HELD, "an object that CPython collects");
  uint64_t *next = take(7100, HELD, "the next of its list");
  collected[0] = (uintptr_t)next;
  next[1] = (uintptr_t)collected | 1;
  kept_global[9] = collected + 2;
  kept_global[10] = next;
}

// A vector that is full ends where the next block starts.
static __attribute__((noinline)) void plant_ends(void) {
  static uintptr_t table[3 + 40];
  char *block[40], *first = NULL;
  for (int i = 0; i < 40; i++) block[i] = midden_malloc(512);
  for (int i = 0; i < 40; i++)
    for (int k = 0; k < 40; k++)
      if (block[k] == block[i] + 512 && first == NULL) first = block[i];
  if (first == NULL) abort();
  for (int i = 0; i < 40; i++) memset(block[i], 0, 512);
  for (int i = 0; i < 40; i++) {
    if (block[i] == first || block[i] == first + 512) continue;
    tell(block[i], HELD, "one of a table of neighbours");
    table[3 + i] = (uintptr_t)block[i];
  }
  tell(first, HELD, "what a vector has");
  tell(first + 512, POSSIBLE, "what starts where a vector ends");
  table[0] = (uintptr_t)first;
  table[1] = table[2] = (uintptr_t)first + 512;
  kept_global[12] = table;
}

// Twenty blocks, all held at one place inside, beside what else has their size.
static __attribute__((noinline)) void plant_learned(void) {
  char **table = take(20 * sizeof *table, HELD, "a table");
  kept_global[11] = table;
  for (int i = 0; i < 20; i++)
    table[i] = (char *)take(12000, HELD, "blocks that are handed out at one place inside") + 40;
}

// ---- what is lost ----

static __attribute__((noinline)) void plant_lost(void) {
  void **list = NULL;
  for (int i = 0; i < 5; i++) {
    void **node = take(64, i < 4 ? INDIRECT : DIRECT, "a lost list");
    node[3] = list;
    list = node;
  }
  void **stale = midden_malloc(256);
  stale[5] = take(64, DIRECT, "what a freed block still points at");
  midden_free(stale);
  void **self = take(64, DIRECT, "a block that points at itself");
  self[2] = self;
}

static void plant_all(struct victim *v) {
  (void)v;
  plant_globals();
  plant_in_file();
  plant_with_kernel();
  plant_in_threads();
  plant_in_coroutine();
  plant_under_signal();
  plant_in_finished();
  plant_inside();
  plant_known();
  plant_ends();
  plant_learned();
  plant_lost();
  wipe();
}

// ---- the parent ----

static enum verdict verdict_on(const struct mid_reach_marks *marks, uint32_t block) {
  if (mid_reach_bit(marks->held, block)) return HELD;
  if (mid_reach_bit(marks->left, block)) return LEFT;
  return mid_reach_bit(marks->possible, block) ? POSSIBLE : DIRECT;
}

static bool is_leader;
static uint32_t asked_of;
static void note_leader(void *self, uint32_t block, uint32_t leader) {
  (void)self;
  if (block == asked_of) is_leader = block == leader;
}

// Places are searched page by page, of which a sanitizer's shadow memory has too many.
TEST(every_place_for_a_pointer_is_searched)
{
  if (SANITIZED) skip();
  struct mid_target target;
  struct mid_blocks blocks;
  struct mid_roots roots;
  struct mid_reach reach;
  told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct victim *v = victim_start(NULL, plant_all);
  victim_work(v);
  CHECK_WHOLE(mid_target_copy(atomic_load(&v->pid), &target));
  CHECK_WHOLE(mid_blocks_read(&target, &blocks));
  mid_roots_find(&target, &blocks, &roots);
  CHECK_WHOLE(mid_reach_read(&target, &blocks, &roots, NULL, &reach));
  struct mid_reach_marks marks = mid_reach_mark(&reach, &roots);
  unsigned wrong = 0;
  CHECK(told->count > 50);
  for (size_t i = 0; i < told->count; i++) {
    uint64_t offset = 0;
    uint32_t block = mid_blocks_find(&blocks, ~told->block[i].not_address, &offset);
    CHECK(block != MID_BLOCK_NONE && offset == 0);
    enum verdict is = verdict_on(&marks, block), should = told->block[i].verdict;
    asked_of = block;
    if (is == DIRECT) {
      mid_reach_lost(&reach, &blocks, &marks, note_leader, NULL);
      if (!is_leader) is = INDIRECT;
    }
    if (is == should) continue;
    print_error("%s: %d, not %d\n", told->block[i].what, (int)is, (int)should);
    wrong++;
  }
  CHECK_EQ(wrong, 0);
  mid_reach_marks_close(&marks);
  mid_reach_close(&reach);
  mid_roots_close(&roots);
  mid_blocks_close(&blocks);
  mid_target_close(&target);
  CHECK(victim_end(v));
}
