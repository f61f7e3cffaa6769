// os/os_linux_threads.c -- os.h on Linux: threads that are stopped by a signal.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "base/check.h"
#include "base/text.h"
#include "os/call.h"
#include "os/os.h"

// ---- signals ----

static void (*threads_handler)(void *context);

static void threads_signalled(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  threads_handler(context);
}

// What the processor itself raises: held back, it would end the process without a word.
static const int threads_faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};

static uint64_t threads_bit(int signal) { return (uint64_t)1 << (signal - 1); }

int mid_os_signal_free(void) { return SIGRTMAX - 2; }

bool mid_os_signal_handle(int signal, void (*handler)(void *context)) {
  struct sigaction ours = {.sa_sigaction = threads_signalled,
                           .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  struct sigaction before;
  int kept = errno;
  bool done = signal > 0 && sigaction(signal, NULL, &before) == 0;
  bool is_ours = done && (before.sa_flags & SA_SIGINFO) && before.sa_sigaction == threads_signalled;
  bool is_free = done && !(before.sa_flags & SA_SIGINFO) && before.sa_handler == SIG_DFL;
  threads_handler = handler;
  sigfillset(&ours.sa_mask);
  for (size_t i = 0; i < sizeof threads_faults / sizeof *threads_faults; i++)
    sigdelset(&ours.sa_mask, threads_faults[i]);
  if (is_free) done = sigaction(signal, &ours, NULL) == 0;
  errno = kept;
  return done && (is_ours || is_free);
}

static void threads_mask(int how, const uint64_t *set, uint64_t *before) {
  mid_call(SYS_rt_sigprocmask, how, set, before, sizeof *set);
}

void mid_os_signal_unblock(int signal) {
  uint64_t set = threads_bit(signal);
  threads_mask(SIG_UNBLOCK, &set, NULL);
}

void mid_os_signals_hold(uint64_t *before) {
  uint64_t set = ~(uint64_t)0;
  for (size_t i = 0; i < sizeof threads_faults / sizeof *threads_faults; i++)
    set &= ~threads_bit(threads_faults[i]);
  threads_mask(SIG_BLOCK, &set, before);
}

void mid_os_signals_let(const uint64_t *before) { threads_mask(SIG_SETMASK, before, NULL); }

// ---- other threads ----

enum mid_os_sent mid_os_thread_signal(uint64_t thread, int signal) {
  long answer = mid_call(SYS_tgkill, mid_call(SYS_getpid), thread, signal);
  if (answer == -ESRCH) return MID_OS_GONE;
  return answer == 0 ? MID_OS_SENT : MID_OS_NOT_SENT;
}

static size_t threads_file(uint64_t thread, const char *name, char *room, size_t bytes) {
  char path_room[64];
  struct mid_text path = mid_text_open(path_room, sizeof path_room);
  mid_text_add(&path, "/proc/self/task/");
  mid_text_number(&path, thread);
  mid_text_add(&path, name);
  return mid_os_file_read(path_room, room, bytes);
}

MID_RARELY bool mid_os_thread_blocks(uint64_t thread, int signal) {
  char room[4096];
  uint64_t blocked = 0;
  if (threads_file(thread, "/status", room, sizeof room) == 0) return false;
  const char *at = strstr(room, "\nSigBlk:");
  if (at == NULL) return false;
  for (at += strcspn(at, "\t") + 1; *at != '\n' && *at != 0; at++)
    blocked = blocked << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
  return (blocked & threads_bit(signal)) != 0;
}

MID_RARELY void mid_os_thread_name(uint64_t thread, char *room, size_t bytes) {
  size_t have = threads_file(thread, "/comm", room, bytes);
  if (have > 0 && room[have - 1] == '\n') room[have - 1] = 0;
}

void mid_os_thread_wait(_Atomic uint32_t *word, uint32_t value, uint64_t nanoseconds) {
  struct timespec most = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
  mid_call(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
           nanoseconds == MID_OS_FOR_EVER ? NULL : &most);
}

void mid_os_thread_wake(_Atomic uint32_t *word) {
  mid_call(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX);
}

// ---- where a signal found it ----

uintptr_t mid_os_context_sp(const void *context) {
  const ucontext_t *u = context;
#if defined(__x86_64__)
  enum { RED_ZONE = 128 };  // what a function that calls no other may use below its sp
  return (uintptr_t)u->uc_mcontext.gregs[REG_RSP] - RED_ZONE;
#elif defined(__aarch64__)
  return u->uc_mcontext.sp;
#else
  return (uintptr_t)u;  // above it lies what the signal interrupted, where it has no stack apart
#endif
}

static void threads_alternate(const stack_t *s, uintptr_t *low, uintptr_t *high) {
  bool is_there = (s->ss_flags & SS_DISABLE) == 0;
  *low = is_there ? (uintptr_t)s->ss_sp : 0;
  *high = is_there ? (uintptr_t)s->ss_sp + s->ss_size : 0;
}

void mid_os_context_alternate(const void *context, uintptr_t *low, uintptr_t *high) {
  threads_alternate(&((const ucontext_t *)context)->uc_stack, low, high);
}

void mid_os_alternate_stack(uintptr_t *low, uintptr_t *high) {
  stack_t s = {.ss_flags = SS_DISABLE};
  mid_call(SYS_sigaltstack, NULL, &s);
  threads_alternate(&s, low, high);
}
