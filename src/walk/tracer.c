// walk/tracer.c -- see tracer.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "walk/tracer.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "observe/proc.h"

enum { ONLY_MINE = __WALL | __WNOTHREAD };

// ---- what /proc says of signals -----------------------------------------------------------------

// A line of hexadecimal figures in /proc/PID/task/TID/status.
static uint64_t status_mask(pid_t pid, pid_t tid, const char *name) {
  char path[64], room[8192];
  snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)tid);
  const char *at = mid_proc_file(path, room, sizeof room) > 0 ? strstr(room, name) : NULL;
  return at != NULL ? strtoull(at + strlen(name), NULL, 16) : 0;
}

static bool mask_has(uint64_t mask, int sig) { return (mask >> (sig - 1)) & 1; }

static bool is_harmless(int sig) {
  return sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH || sig == SIGSTOP ||
         sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static bool is_fault(int sig) {
  return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE;
}

// ---- threads ------------------------------------------------------------------------------------

static struct tracer_thread *thread_of(struct mid_tracer *t, pid_t tid) {
  for (size_t i = 0; i < t->count; i++)
    if (t->thread[i].tid == tid) return &t->thread[i];
  struct tracer_thread *more = reallocarray(t->thread, t->count + 1, sizeof *more);
  if (more == NULL) abort();
  t->thread = more;
  t->thread[t->count] = (struct tracer_thread){.tid = tid};
  return &t->thread[t->count++];
}

static void thread_drop(struct mid_tracer *t, pid_t tid) {
  for (size_t i = 0; i < t->count; i++)
    if (t->thread[i].tid == tid) t->thread[i--] = t->thread[--t->count];
}

static bool is_of(pid_t pid, pid_t tid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d", (int)pid, (int)tid);
  return access(path, F_OK) == 0;
}

// Whether every other thread is on its way out too.  A first thread may end alone, by pthread_exit
// or because another one has called exec.
static bool others_are_dying(pid_t pid, bool *any) {
  char path[64], room[1024];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *dir = opendir(path);
  bool dying = true;
  *any = false;
  for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
    pid_t tid = (pid_t)atoi(entry->d_name);
    if (tid == 0 || tid == pid) continue;
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    const char *at = mid_proc_file(path, room, sizeof room) > 0 ? strrchr(room, ')') : NULL;
    unsigned flags = 0;
    *any = true;
    if (at == NULL || sscanf(at, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1) continue;
    const unsigned exiting = 4;  // PF_EXITING
    if ((flags & exiting) == 0 && !mask_has(status_mask(pid, tid, "SigPnd:"), SIGKILL))
      dying = false;
  }
  if (dir != NULL) closedir(dir);
  return dying;
}

// ---- the end ------------------------------------------------------------------------------------

static void go_on(struct mid_tracer *t, pid_t tid, int sig) {
  struct tracer_thread *thread = thread_of(t, tid);
  if (thread->stopped) ptrace(PTRACE_CONT, tid, 0, sig);
  thread->stopped = false;
}

static void answer(struct mid_tracer *t, pid_t tid, int sig, int event);

// Stop all threads that are traced.  What one of them stops with instead is kept for later.
struct stops {
  struct tracer_stop {
    pid_t tid;
    int status;
  } * stop;
  size_t count;
};

// One that waits for its vfork to end does not stop, so a second must be enough.
static bool stop_wait(pid_t tid, int *status) {
  for (int i = 0; i < 10000; i++) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | ONLY_MINE) != 0) return false;
    *status = info.si_status;
    if (info.si_pid != 0) return info.si_code == CLD_TRAPPED;
    usleep(100);
  }
  return false;
}

static void stop_others(struct mid_tracer *t, struct stops *stops) {
  stops->stop = calloc(t->count, sizeof *stops->stop);
  if (stops->stop == NULL) abort();
  for (size_t i = 0; i < t->count; i++) {
    struct tracer_thread *thread = &t->thread[i];
    int status;
    if (thread->stopped || ptrace(PTRACE_INTERRUPT, thread->tid, 0, 0) != 0) continue;
    if (!stop_wait(thread->tid, &status)) continue;
    thread->stopped = true;
    stops->stop[stops->count++] = (struct tracer_stop){thread->tid, status};
  }
}

static void tell(struct mid_tracer *t, struct mid_tracer_end *end) {
  struct stops stops = {0};
  stop_others(t, &stops);
  pid_t *held = calloc(t->count, sizeof *held);
  if (held == NULL) abort();
  for (size_t i = 0; i < t->count; i++)
    if (t->thread[i].stopped) held[end->helds++] = t->thread[i].tid;
  end->held = held;
  t->end(t->self, end);
  free(held);
  for (size_t i = 0; i < stops.count; i++)
    answer(t, stops.stop[i].tid, stops.stop[i].status & 0xff, stops.stop[i].status >> 8);
  free(stops.stop);
}

static void at_exit(struct mid_tracer *t, pid_t tid) {
  struct mid_tracer_end end = {.pid = t->pid, .thread = tid, .all = t->threads};
  unsigned long status = 0;
  ptrace(PTRACE_GETEVENTMSG, tid, 0, &status);
  end.killed = WIFSIGNALED((int)status) && WTERMSIG((int)status) == SIGKILL;
  if (tid == t->pid && others_are_dying(t->pid, &end.late)) tell(t, &end);
}

static void at_signal(struct mid_tracer *t, pid_t tid, int sig) {
  struct mid_tracer_end end = {.pid = t->pid, .thread = tid, .all = t->threads};
  if (is_harmless(sig) || ptrace(PTRACE_GETSIGINFO, tid, 0, &end.info) != 0) return;
  if (mask_has(status_mask(t->pid, tid, "SigIgn:"), sig)) return;
  end.handled = mask_has(status_mask(t->pid, tid, "SigCgt:"), sig);
  if (!end.handled || (t->threads && is_fault(sig))) tell(t, &end);
}

// Being traced, a set-uid program is run with the rights of who started it.
static void at_exec(struct mid_tracer *t) {
  char path[64], file[sizeof t->lost_rights];
  struct stat s;
  snprintf(path, sizeof path, "/proc/%d/exe", (int)t->pid);
  ssize_t n = readlink(path, file, sizeof file - 1);
  if (n <= 0 || stat(path, &s) != 0 || geteuid() == 0) return;
  file[n] = 0;
  if ((s.st_mode & S_ISUID) != 0 && s.st_uid != geteuid()) strcpy(t->lost_rights, file);
}

static void answer(struct mid_tracer *t, pid_t tid, int sig, int event) {
  bool group_stop = sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
  if (event == PTRACE_EVENT_STOP && group_stop) {
    ptrace(PTRACE_LISTEN, tid, 0, 0);
    thread_of(t, tid)->stopped = false;
    return;
  }
  // A clone that asks for another signal than SIGCHLD at its end is a process of its own.
  if (event == PTRACE_EVENT_STOP && !is_of(t->pid, tid)) {
    ptrace(PTRACE_DETACH, tid, 0, 0);
    return thread_drop(t, tid);
  }
  if (event == PTRACE_EVENT_EXIT) at_exit(t, tid);
  if (event == PTRACE_EVENT_EXEC) at_exec(t);
  if (event == 0) at_signal(t, tid, sig);
  go_on(t, tid, event == 0 ? sig : 0);
}

void mid_tracer_attend(struct mid_tracer *t) {
  while (t->pid != 0) {
    siginfo_t info = {0};
    const int peek = WSTOPPED | WEXITED | WNOHANG | WNOWAIT;
    if (waitid(P_ALL, 0, &info, peek | ONLY_MINE) != 0 || info.si_pid == 0) return;
    bool stop = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
    pid_t tid = info.si_pid;
    if (!stop && tid == t->pid) return;  // that is for whoever started it
    if (waitid(P_PID, (id_t)tid, &info, (stop ? WSTOPPED : WEXITED) | WNOHANG | ONLY_MINE) != 0)
      continue;
    if (!stop) thread_drop(t, tid);
    if (info.si_code != CLD_TRAPPED) continue;
    thread_of(t, tid)->stopped = true;
    answer(t, tid, info.si_status & 0xff, info.si_status >> 8);
  }
}

// ---- open and close -----------------------------------------------------------------------------

const char *mid_tracer_open(struct mid_tracer *t, pid_t pid, bool threads,
                            void (*end)(void *self, const struct mid_tracer_end *end), void *self) {
  *t = (struct mid_tracer){.pid = pid, .threads = threads, .end = end, .self = self};
  long how = PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC | (threads ? PTRACE_O_TRACECLONE : 0);
  if (ptrace(PTRACE_SEIZE, pid, 0, how) == 0) return thread_of(t, pid), NULL;
  t->pid = 0;
  return errno == ESRCH ? "it had ended before it could be traced"
                        : "the kernel does not let it be traced: it is being traced by another, or "
                          "the settings of this machine forbid it (kernel.yama.ptrace_scope, or "
                          "those of a container)";
}

void mid_tracer_close(struct mid_tracer *t) {
  struct stops stops = {0};
  if (t->pid != 0) stop_others(t, &stops);
  for (size_t i = 0; i < stops.count; i++) {
    int sig = stops.stop[i].status >> 8 == 0 ? stops.stop[i].status & 0xff : 0;
    ptrace(PTRACE_DETACH, stops.stop[i].tid, 0, sig);
  }
  free(stops.stop);
  free(t->thread);
  t->thread = NULL;
  t->pid = 0;
  t->count = 0;
}
