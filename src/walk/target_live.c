// walk/target_live.c -- a process whose threads are stopped by ptrace, read as it stands.
// SPDX-License-Identifier: MIT
//
// PTRACE_SEIZE sends no signal and PTRACE_INTERRUPT stops a thread without one, so the program
// sees nothing; when the tracer ends, however it ends, the kernel lets all threads go.
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "observe/proc.h"
#include "walk/target_source.h"

enum { STOP_SECONDS = 5 };

// ---- why not ----

// The number after `name` in /proc/PID/status; -1 when there is none.
static long status_number(pid_t pid, const char *name) {
  char path[64], room[8192], line[32];
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  if (mid_proc_file(path, room, sizeof room) <= 0) return -1;
  snprintf(line, sizeof line, "\n%s:", name);
  const char *at = strstr(room, line);
  return at == NULL ? -1 : strtol(at + strlen(line), NULL, 10);
}

static const char why_gone[] = "there is no such process";

static const char *why_traced(long tracer) {
  char name[256];
  mid_proc_command((pid_t)tracer, name, sizeof name);
  return target_say("it is traced by process %ld (%.60s): end that first", tracer, name);
}

static const char *why_not_ours(long user) {
  const struct passwd *row = getpwuid((uid_t)user);
  return target_say("it is of user %s: look at it as that user or as root",
                    row != NULL ? row->pw_name : "unknown");
}

static const char *why_refused(pid_t pid) {
  char scope[16] = "0";
  long tracer = status_number(pid, "TracerPid"), user = status_number(pid, "Uid");
  if (tracer > 0 && tracer != getpid()) return why_traced(tracer);
  if (user >= 0 && geteuid() != 0 && (uid_t)user != geteuid()) return why_not_ours(user);
  (void)mid_proc_file("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof scope);
  if (scope[0] != '0' && geteuid() != 0)
    return "the kernel lets nobody but its parent look into it: run as root, or set "
           "kernel.yama.ptrace_scope to 0";
  return "the kernel does not let us look into it: in a container, give it CAP_SYS_PTRACE; a "
         "program "
         "that changed its user is root's to look into";
}

// ---- stop ----

static int tid_compare(const void *a, const void *b) {
  pid_t x = ((const struct target_stopped *)a)->tid, y = ((const struct target_stopped *)b)->tid;
  return (x > y) - (x < y);
}

static bool is_known(const struct mid_target_source *s, size_t known, pid_t tid) {
  struct target_stopped key = {.tid = tid};
  return known > 0 && bsearch(&key, s->stopped, known, sizeof key, tid_compare) != NULL;
}

// A thread that has ended, but not yet gone, cannot be traced.
static bool has_ended(pid_t tid) {
  struct mid_proc_stat stat;
  return !mid_proc_stat_read(tid, &stat) || stat.state == 'Z' || stat.state == 'X';
}

// Begin to stop thread `tid`; false when that is refused.
static bool seize(struct mid_target_source *s, pid_t tid, bool *no_memory) {
  if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0) return errno == ESRCH || has_ended(tid);
  *no_memory = !target_grow((void **)&s->stopped, &s->stops_room, s->stops, sizeof *s->stopped);
  if (*no_memory) {
    ptrace(PTRACE_DETACH, tid, NULL, NULL);
    return false;
  }
  (void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
  s->stopped[s->stops++] = (struct target_stopped){.tid = tid};
  return true;
}

// Begin to stop those threads of `pid` that are not known yet.
static const char *seize_new(struct mid_target_source *s, pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *tasks = opendir(path);
  if (tasks == NULL) return why_gone;
  size_t known = s->stops;
  if (known > 0) qsort(s->stopped, known, sizeof *s->stopped, tid_compare);
  const char *why = NULL;
  bool no_memory = false;
  for (struct dirent *entry; why == NULL && (entry = readdir(tasks)) != NULL;) {
    pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
    if (tid <= 0 || is_known(s, known, tid) || seize(s, tid, &no_memory)) continue;
    why = no_memory ? target_no_memory : why_refused(pid);
  }
  closedir(tasks);
  return why;
}

// Wait for thread `at` to stop; it may end instead.
enum waited { WAITED_STOPPED, WAITED_GONE, WAITED_FOR_NOTHING };
static enum waited wait_for(struct target_stopped *at, double until) {
  for (unsigned tries = 0;; tries++) {
    int status;
    pid_t got = waitpid(at->tid, &status, __WALL | WNOHANG);
    if (got < 0 && errno != EINTR) return WAITED_GONE;
    if (got > 0 && !WIFSTOPPED(status)) return WAITED_GONE;
    if (got > 0) {
      // Without an event it is a signal that was on its way.
      at->signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;
      return WAITED_STOPPED;
    }
    struct timespec now, nap = {.tv_nsec = 50000};
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((double)now.tv_sec + (double)now.tv_nsec / 1e9 > until) return WAITED_FOR_NOTHING;
    if (tries > 10) nanosleep(&nap, NULL);
  }
}

static const char *wait_for_all(struct mid_target_source *s, size_t from) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double until = (double)now.tv_sec + STOP_SECONDS;
  for (size_t i = from; i < s->stops;) {
    enum waited waited = wait_for(&s->stopped[i], until);
    if (waited == WAITED_FOR_NOTHING)
      return target_say(
          "its thread %d did not stop within %d seconds, as it waits in the kernel: "
          "try again later",
          (int)s->stopped[i].tid, STOP_SECONDS);
    if (waited == WAITED_GONE)
      s->stopped[i] = s->stopped[--s->stops];
    else
      i++;
  }
  return NULL;
}

static const char *stop_all(struct mid_target_source *s, pid_t pid) {
  const char *why = NULL;
  for (size_t known = SIZE_MAX; why == NULL && known != s->stops;) {
    known = s->stops;
    why = seize_new(s, pid);
    if (why == NULL) why = wait_for_all(s, known);
  }
  return why != NULL || s->stops > 0 ? why : why_gone;
}

void mid_target_resume(struct mid_target *t) {
  struct mid_target_source *s = t->source;
  for (size_t i = 0; i < s->stops; i++)
    if (!s->stopped[i].held)
      (void)ptrace(PTRACE_DETACH, s->stopped[i].tid, NULL, (void *)(intptr_t)s->stopped[i].signal);
  s->stops = 0;
  t->stopped = false;
  if (s->pagemap >= 0) close(s->pagemap);
  s->pagemap = -1;
}

// ---- registers ----

// xmm registers lie in the first 512 bytes of what XSAVE writes, the halves and registers that came
// later behind its header.
enum { XSAVE_XMM = 160, XSAVE_XMM_END = 416, XSAVE_MORE = 576 };

void target_vectors_add(struct mid_target_thread *thread, const void *area, size_t bytes) {
#if defined(__x86_64__)
  for (size_t at = XSAVE_XMM; at + 8 <= bytes && thread->vectors < MID_TARGET_VECTORS; at += 8) {
    if (at == XSAVE_XMM_END) at = XSAVE_MORE;
    if (at + 8 > bytes) break;
    memcpy(&thread->vector[thread->vectors++], (const char *)area + at, 8);
  }
#else
  size_t words = mid_min(bytes / 8, (size_t)MID_TARGET_VECTORS);
  memcpy(thread->vector, area, words * 8);
  thread->vectors = words;
#endif
}

void target_registers_set(struct mid_target_thread *thread, const struct user_regs_struct *r) {
#if defined(__x86_64__)
  const uint64_t words[] = {r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp, r->r8,
                            r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->orig_rax};
  memcpy(thread->reg, words, sizeof words);
  thread->sp = r->rsp;
  thread->pc = r->rip;
  thread->tp = r->fs_base;
#elif defined(__aarch64__)
  memcpy(thread->reg, r->regs, sizeof thread->reg);
  thread->sp = r->sp;
  thread->pc = r->pc;
#endif
}

// One set of registers; how many bytes of it there are.
static size_t set_read(pid_t tid, int set, void *room, size_t bytes) {
  struct iovec at = {room, bytes};
  return ptrace(PTRACE_GETREGSET, tid, (void *)(intptr_t)set, &at) == 0 ? at.iov_len : 0;
}

static void thread_read(pid_t tid, struct mid_target_thread *thread) {
  char area[16384];
  struct user_regs_struct registers = {0};
  *thread = (struct mid_target_thread){.tid = tid};
  if (set_read(tid, NT_PRSTATUS, &registers, sizeof registers) > 0)
    target_registers_set(thread, &registers);
  size_t bytes = 0;
#if defined(__x86_64__)
  bytes = set_read(tid, NT_X86_XSTATE, area, sizeof area);
#elif defined(__aarch64__)
  (void)set_read(tid, NT_ARM_TLS, &thread->tp, sizeof thread->tp);
#endif
  if (bytes == 0) bytes = set_read(tid, NT_PRFPREG, area, sizeof area);
  target_vectors_add(thread, area, bytes);
}

static const char *threads_read(struct mid_target *t) {
  const struct mid_target_source *s = t->source;
  t->thread = calloc(s->stops, sizeof *t->thread);
  if (t->thread == NULL) return target_no_memory;
  for (t->threads = 0; t->threads < s->stops; t->threads++)
    thread_read(s->stopped[t->threads].tid, &t->thread[t->threads]);
  return NULL;
}

static bool held_add(struct mid_target_source *s, const pid_t *held, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!target_grow((void **)&s->stopped, &s->stops_room, s->stops, sizeof *s->stopped))
      return false;
    s->stopped[s->stops++] = (struct target_stopped){.tid = held[i], .held = true};
  }
  return true;
}

const char *mid_target_adopt(pid_t pid, const pid_t *held, size_t count, struct mid_target *out) {
  *out = (struct mid_target){.pid = pid, .live = true, .stopped = true};
  out->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
  struct mid_target_source *s = out->source = target_source_open();
  if (s == NULL || !held_add(s, held, count)) {
    mid_target_close(out);
    return target_no_memory;
  }
  const char *why = pid == getpid() ? "it is midden itself" : stop_all(s, pid);
  if (why == NULL) why = threads_read(out);
  if (why == NULL) {
    // The first thread may have ended before the others.
    s->tid = count > 0 ? held[0] : s->stopped[0].tid;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)s->tid);
    s->pagemap = open(path, O_RDONLY | O_CLOEXEC);
    long swapped = status_number(s->tid, "VmSwap");
    out->swapped = swapped > 0 ? (uint64_t)swapped << 10 : 0;
    why = target_maps_read(s->tid, out);
  }
  if (why != NULL) mid_target_close(out);
  return why;
}

const char *mid_target_stop(pid_t pid, struct mid_target *out) {
  return mid_target_adopt(pid, NULL, 0, out);
}

// ---- memory ----

size_t target_pages_read(const struct mid_target *t, uint64_t first, uint64_t *entry,
                         size_t count) {
  ssize_t n =
      pread(t->source->pagemap, entry, count * sizeof *entry, (off_t)(first * sizeof *entry));
  return n < 0 ? 0 : (size_t)n / sizeof *entry;
}

bool target_live_bytes(const struct mid_target *t, uint64_t address, void *room, size_t bytes) {
  while (bytes > 0) {
    struct iovec here = {room, bytes}, there = {(void *)(uintptr_t)address, bytes};
    ssize_t n = process_vm_readv(t->source->tid, &here, 1, &there, 1, 0);
    if (n <= 0) return false;
    address += (uint64_t)n;
    room = (char *)room + n;
    bytes -= (size_t)n;
  }
  return true;
}

// The page map's entry of a page, of which a piece is read at a time.
enum { SEEN_PAGES = 512 };
static uint64_t page_entry(const struct mid_target *t, uint64_t page) {
  const uint64_t unknown = (uint64_t)1 << TARGET_PRESENT;
  struct mid_target_source *s = t->source;
  if (s->seen == NULL && (s->seen = malloc(SEEN_PAGES * sizeof *s->seen)) == NULL) return unknown;
  if (page - s->seen_first >= s->seen_count) {
    s->seen_first = page - page % SEEN_PAGES;
    s->seen_count = target_pages_read(t, s->seen_first, s->seen, SEEN_PAGES);
  }
  return page - s->seen_first < s->seen_count ? s->seen[page - s->seen_first] : unknown;
}

// Whether a page is here, swapped out, or neither.
enum page_is { PAGE_NOWHERE, PAGE_SWAPPED, PAGE_HERE };
static enum page_is page_is(const struct mid_target *t, uint64_t page) {
  uint64_t bits = page_entry(t, page) >> TARGET_SWAPPED;
  return bits > PAGE_HERE ? PAGE_HERE : (enum page_is)bits;
}

bool target_live_touched(const struct mid_target *t, uint64_t address) {
  return page_is(t, address / t->page_bytes) != PAGE_NOWHERE;
}

// Memory of no file is read where it has pages; the rest is zero, or swapped out.
bool target_live_read(const struct mid_target *t, const struct mid_target_mapping *m,
                      uint64_t address, void *room, size_t bytes) {
  if (m->inode != 0 || t->source->pagemap < 0) return target_live_bytes(t, address, room, bytes);
  bool whole = true;
  for (uint64_t at = address, end = address + bytes, to; at < end; at = to) {
    uint64_t page = at / t->page_bytes;
    enum page_is is = page_is(t, page);
    do to = ++page * t->page_bytes;
    while (to < end && page_is(t, page) == is);
    to = mid_min(to, end);
    if (is == PAGE_SWAPPED) whole = false;
    if (is == PAGE_HERE)
      whole = target_live_bytes(t, at, (char *)room + (at - address), to - at) && whole;
  }
  return whole;
}
