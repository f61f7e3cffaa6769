// os/os_linux.c -- os.h on Linux: memory, threads, locks.  Figures are in os_linux_proc.c.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "base/bits.h"
#include "base/check.h"
#include "os/call.h"
#include "os/os.h"

#if !defined(__x86_64__)
size_t mid_os_page_bytes(void) {
  static _Atomic size_t bytes;
  size_t known = atomic_load_explicit(&bytes, memory_order_relaxed);
  if (known != 0) return known;
  known = getauxval(AT_PAGESZ);
  atomic_store_explicit(&bytes, known, memory_order_relaxed);
  return known;
}
#endif

static void *os_mmap(void *at, size_t bytes, int prot, int more) {
  return mid_call_map(at, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | more, -1, 0);
}

void *mid_os_map(void *at, size_t bytes) {
  void *p = os_mmap(at, bytes, PROT_READ | PROT_WRITE, at ? MAP_FIXED_NOREPLACE : 0);
  if (at == NULL || p == at || p == NULL) return p;
  mid_os_unmap(p, bytes);  // a kernel before 4.17 takes the flag for a hint
  return NULL;
}

void *mid_os_map_aligned(size_t bytes, size_t align) {
  size_t slack = align - mid_os_page_bytes();
  char *p = os_mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE, 0);
  if (p == NULL || slack == 0) return p;
  char *base = (char *)mid_round_up((uintptr_t)p, align);
  if (base != p) mid_os_unmap(p, (size_t)(base - p));
  if (base != p + slack) mid_os_unmap(base + bytes, (size_t)(p + slack - base));
  return base;
}

void *mid_os_reserve(size_t bytes) { return os_mmap(NULL, bytes, PROT_READ, 0); }

static bool os_protect(void *base, size_t bytes, int prot) {
  return mid_call(SYS_mprotect, base, bytes, prot) == 0;
}

bool mid_os_commit(void *base, size_t bytes) {
  return os_protect(base, bytes, PROT_READ | PROT_WRITE);
}
bool mid_os_guard(void *base, size_t bytes) { return os_protect(base, bytes, PROT_NONE); }
bool mid_os_unguard(void *base, size_t bytes) { return mid_os_commit(base, bytes); }
MID_RARELY void mid_os_seal(void *base, size_t bytes) { (void)os_protect(base, bytes, PROT_READ); }

// ENOMEM: cutting a mapping in two would pass vm.max_map_count.  The addresses leak; no harm.
void mid_os_unmap(void *base, size_t bytes) { mid_call_unmap(base, bytes); }

void mid_os_purge(void *base, size_t bytes) {
  // mlocked pages refuse with EINVAL: the caller counts on zero, so they are cleared by hand.
  if (mid_call(SYS_madvise, base, bytes, MADV_DONTNEED) != 0) memset(base, 0, bytes);
}

void mid_os_huge(void *base, size_t bytes, bool huge) {
  (void)mid_call(SYS_madvise, base, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

bool mid_os_renew(void *base, size_t bytes) {
  return os_mmap(base, bytes, PROT_READ | PROT_WRITE, MAP_FIXED) != NULL;
}

bool mid_os_move(void *from, void *to, size_t bytes) {
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
  const int how = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  return !mid_call_failed(mid_call(SYS_mremap, from, bytes, bytes, how, to));
}

void mid_os_populate(void *base, size_t bytes) {
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
  static _Atomic bool unknown;
  if (atomic_load_explicit(&unknown, memory_order_relaxed)) return;
  // Other errors have to do with these pages, or with memory: the touch will tell.
  if (mid_call(SYS_madvise, base, bytes, MADV_POPULATE_WRITE) == -EINVAL)
    atomic_store_explicit(&unknown, true, memory_order_relaxed);
}

// ---- the process ----

uint64_t mid_os_random(void) {
  uint64_t r;
  if (mid_call(SYS_getrandom, &r, sizeof r, GRND_NONBLOCK) == sizeof r) return r;
  struct timespec now;  // too early at boot, or forbidden
  mid_call(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return ((uint64_t)now.tv_nsec ^ (uintptr_t)&r) * 0x9e3779b97f4a7c15u;
}

static uint64_t clock_nanoseconds(int clock) {
  struct timespec now = {0};
  mid_call(SYS_clock_gettime, clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t mid_os_nanoseconds(void) { return clock_nanoseconds(CLOCK_MONOTONIC); }
uint64_t mid_os_cpu_nanoseconds(void) { return clock_nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

struct mid_os_times mid_os_times_read(void) {
  struct rusage used = {0};
  mid_call(SYS_getrusage, RUSAGE_SELF, &used);
  return (struct mid_os_times){
      .user = (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec * 1e-6,
      .system = (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec * 1e-6};
}

MID_RARELY _Noreturn void mid_os_exit(int status) {
  for (;;) mid_call(SYS_exit_group, status);
}

uint64_t mid_os_thread_id(void) { return (uint64_t)mid_call(SYS_gettid); }
uint64_t mid_os_process_id(void) { return (uint64_t)mid_call(SYS_getpid); }

MID_RARELY bool mid_os_in_loader(const void *code) {
  // The loader's segments are few and lie together: its headers tell how far they reach.
  uintptr_t base = getauxval(AT_BASE);
  if (base == 0 || (uintptr_t)code < base) return false;
  const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)base;
  const ElfW(Phdr) *head = (const ElfW(Phdr) *)(base + elf->e_phoff);
  uintptr_t end = 0;
  for (int i = 0; i < elf->e_phnum; i++)
    if (head[i].p_type == PT_LOAD) end = mid_max(end, head[i].p_vaddr + head[i].p_memsz);
  return (uintptr_t)code < base + end;
}

static pthread_key_t os_key;

static bool os_key_made;  // programs may have taken all keys

void mid_os_thread_watch(void (*ended)(void *)) {
  os_key_made = pthread_key_create(&os_key, ended) == 0;
}
void mid_os_thread_mark(void *value) {
  if (os_key_made) (void)pthread_setspecific(os_key, value);
}

void mid_os_fork_watch(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
  (void)pthread_atfork(prepare, parent, child);
}

MID_RARELY static void *thread_body(void *body) {
  void (*run)(void);
  memcpy(&run, &body, sizeof run);
  run();
  return NULL;
}

MID_RARELY bool mid_os_thread_start(void (*body)(void)) {
  pthread_t thread;
  pthread_attr_t attr;
  sigset_t all, kept;
  void *argument;
  memcpy(&argument, &body, sizeof body);
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);  // the program's signals are for the program's threads
  pthread_sigmask(SIG_SETMASK, &all, &kept);
  bool started = pthread_create(&thread, &attr, thread_body, argument) == 0;
  pthread_sigmask(SIG_SETMASK, &kept, NULL);
  pthread_attr_destroy(&attr);
  return started;
}

MID_RARELY void mid_os_sleep_ms(unsigned ms) {
  struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
  while (mid_call(SYS_nanosleep, &t, &t) == -EINTR) continue;
}

MID_RARELY void mid_os_word_wait(_Atomic uint32_t *word, uint32_t value, unsigned ms) {
  struct timespec most = {ms / 1000, (long)(ms % 1000) * 1000000};
  mid_call(SYS_futex, word, FUTEX_WAIT, value, &most);
}
MID_RARELY void mid_os_word_wake(_Atomic uint32_t *word) {
  mid_call(SYS_futex, word, FUTEX_WAKE, INT32_MAX);
}

// ---- locks: U. Drepper, "Futexes Are Tricky", 2011, mutex 3 ----

#define LOCK_SPINS 64  // about a microsecond: longer than most holders need

static _Atomic uintptr_t in_a_hurry;  // the thread that is

void mid_lock_hurry(bool on) {
  atomic_store_explicit(&in_a_hurry, on ? mid_os_self() : 0, memory_order_relaxed);
}

MID_RARELY static void lock_wait_a_little(struct mid_lock *lock) {
  for (int ms = 0; ms < 200 && !mid_lock_try(lock); ms++) mid_os_sleep_ms(1);
}

void mid_lock_wait(struct mid_lock *lock) {
  for (int i = 0; i < LOCK_SPINS; i++) {
    if (atomic_load_explicit(&lock->xstate, memory_order_relaxed) == 0 && mid_lock_try(lock))
      return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  if (atomic_load_explicit(&in_a_hurry, memory_order_relaxed) == mid_os_self())
    return lock_wait_a_little(lock);
  while (atomic_exchange_explicit(&lock->xstate, 2, memory_order_acquire) != 0)
    mid_call(SYS_futex, &lock->xstate, FUTEX_WAIT_PRIVATE, 2, 0);
}

bool mid_lock_take_within(struct mid_lock *lock, unsigned ms) {
  uint64_t end = mid_os_nanoseconds() + ms * UINT64_C(1000000);
  while (atomic_exchange_explicit(&lock->xstate, 2, memory_order_acquire) != 0) {
    if (mid_os_nanoseconds() >= end) return false;
    mid_os_thread_wait(&lock->xstate, 2, ms * UINT64_C(1000000));
  }
  return true;
}

void mid_lock_wake(struct mid_lock *lock) {
  mid_call(SYS_futex, &lock->xstate, FUTEX_WAKE_PRIVATE, 1);
}
