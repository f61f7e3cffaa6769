// cli/looks.h -- the looks at the processes of a run: again and again, and a last one at each.
// SPDX-License-Identifier: MIT
//
//   main thread     signals, ptrace of the program, the last look at the program
//   looking thread  the watch, the status line, the last looks at all other processes
//
// The main thread never works for long, since the signals of the program pass through it.
#ifndef MID_CLI_LOOKS_H
#define MID_CLI_LOOKS_H

#include <pthread.h>
#include <semaphore.h>

#include "child.h"
#include "gate.h"
#include "observe/bell.h"
#include "observe/cgroup.h"
#include "observe/watch.h"
#include "status.h"
#include "walk/last_look.h"
#include "walk/tracer.h"

struct cli_looks {
  struct cli_child *child;
  struct cli_status *line;
  struct cli_gate *gate;  // that warns on the status line; the looking thread's until it ends
  bool wanted;            // last looks; else only the watch
  bool diagnose;          // crashes too
  pthread_mutex_t lock;   // for `watch`, while both threads run; not held during a last look
  struct mid_watch watch;
  struct mid_cgroup cgroup;
  struct mid_bell_hung bell;
  struct mid_tracer tracer;
  const char *refused;  // why the program is not traced; NULL: it is, or need not be

  pthread_mutex_t looking;  // for `symbols`, and what walk/ keeps between calls
  struct mid_symbols *symbols;
  pthread_t thread, main;
  _Atomic bool asked;  // x: by the looking thread, for the last look at the program
  _Atomic bool over;   // x: by the main thread
  sem_t answered;
};

// Before the program is started: what it needs to ask for its last look.
void cli_looks_prepare(struct cli_looks *looks, uint64_t run, const char *options,
                       struct cli_child *child);
// Set why each process was not seen at its end, where it was not.  After the last look at all.
// returns  how many children ended in a way that only the first process is seen in
size_t cli_looks_explain(struct cli_looks *looks);
// From its start to its end; then it is a zombie.
void cli_looks_go(struct cli_looks *looks, uint64_t run, struct cli_status *line);
void cli_looks_close(struct cli_looks *looks);

#endif
