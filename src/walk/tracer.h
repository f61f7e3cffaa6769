// walk/tracer.h -- a program that is held by ptrace, so that it cannot end unseen.
// SPDX-License-Identifier: MIT
//
// Only the process itself is traced, not its children: those may be debugged, and take the rights
// of set-uid programs.  Every stop is answered at once, signals with the signal, job control with
// PTRACE_LISTEN; two are told of before: a signal that kills, and the exit of the process.
//
//   runs --signal-- caught or ignored? --yes--> goes on with it
//     |                   | no
//     |                   v
//     +--exit-------> told of: end() --> goes on, and dies
//
// The kernel takes ptrace calls from one thread alone: all these are called by the same one.  When
// that thread dies the program goes on untraced.
#ifndef MID_WALK_TRACER_H
#define MID_WALK_TRACER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// A moment at which the process, or one of its threads, is about to end.
struct mid_tracer_end {
  pid_t pid;
  const pid_t *held;  // threads that are in a ptrace-stop, all of those that are traced
  size_t helds;
  pid_t thread;    // whose signal or exit it is
  siginfo_t info;  // of the signal; si_signo 0: the process exits
  bool handled;    // the program has a handler for it: told of only where all threads are traced
  bool all;        // every thread is traced, and so told of
  bool late;       // the other threads are gone, and what their registers held
  bool killed;     // by SIGKILL: perhaps the kernel waits for its memory
};

struct tracer_thread {
  pid_t tid;
  bool stopped;
};

struct mid_tracer {
  pid_t pid;  // 0: nothing is traced
  bool threads;
  void (*end)(void *self, const struct mid_tracer_end *end);
  void *self;
  struct tracer_thread *thread;
  size_t count;
  char lost_rights[256];  // a set-uid program that was started without its rights, being traced
};

// Trace `pid`: its first thread, or all of them, which costs a stop for each that starts or ends.
// Each end is told of as it comes; the last one may have been preceded by others that were survived
// (`handled`).  NULL, or a sentence that says why it cannot be.
const char *mid_tracer_open(struct mid_tracer *t, pid_t pid, bool threads,
                            void (*end)(void *self, const struct mid_tracer_end *end), void *self);

// Answer all stops that there are.  After each SIGCHLD.
void mid_tracer_attend(struct mid_tracer *t);

// Let go of the process, wherever it is; it goes on.
void mid_tracer_close(struct mid_tracer *t);

#endif
