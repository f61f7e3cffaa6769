// cli/child.c -- see child.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"

// ---- the program --------------------------------------------------------------------------------

// As a shell would end: 127 where nothing was found, 126 where it cannot be run.
static _Noreturn void blame_program(const struct cli_child *child, int error) {
  const char *name = child->argv[0];
  bool there = access(child->program.path, F_OK) == 0 && child->program.path[0] != 0;
  if (error == ENOENT && there)
    cli_die(126,
            "'%s' cannot be run: what its first line or its header names to run it is not "
            "there",
            name);
  if (error == ENOENT || error == ENOTDIR)
    cli_die(127, "there is no program '%s': give a path, or a name that is in PATH", name);
  if (error == ENAMETOOLONG)
    cli_die(127, "there is no program of this name: it is longer than a path can be");
  if (error == EACCES)
    cli_die(126, "'%s' cannot be run: it is no program, or its permissions forbid it", name);
  cli_die(126, "'%s' cannot be run: %s", name, strerror(error));
}

void cli_child_find(struct cli_child *child, const struct cli_args *args) {
  if (args->at == args->argc)
    cli_die(CLI_USAGE, "a program is missing: midden %s [OPTION]... [--] PROGRAM [ARGUMENT]...",
            args->verb->name);
  child->argv = args->argv + args->at;
  int error = mid_program_find(child->argv[0], &child->program);
  if (error != 0) blame_program(child, error);
}

bool cli_child_blind(const struct cli_child *child, char *room, size_t bytes) {
  const struct mid_program *p = &child->program;
  const char *why = NULL;
  if (p->secure)
    why =
        "is set-uid, set-gid or has capabilities: the loader ignores LD_PRELOAD for it, so its "
        "memory cannot be seen: run it as the user whose rights it takes";
  else if (p->foreign)
    why =
        "is a program for another machine: libmidden cannot be loaded into it, so its memory "
        "cannot be seen";
  else if (p->elf && p->is_static)
    why =
        "is statically linked: libmidden cannot be loaded into it, so its memory cannot be seen: "
        "link it with libmidden.a, or link it dynamically";
  if (why != NULL) snprintf(room, bytes, "%s %s", p->looked_at, why);
  return why != NULL;
}

// ---- its life -----------------------------------------------------------------------------------

static const int passed_on[] = {SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT, SIGUSR1,
                                SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP};

static sigset_t watched_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) sigaddset(&set, passed_on[i]);
  return set;
}

// Stop as a terminal's ^Z has it, which is not at all where no shell could wake us again.
static void stop_here(struct cli_child *child) {
  sigset_t one;
  if (child->line != NULL) cli_status_hide(child->line);
  sigemptyset(&one);
  sigaddset(&one, SIGTSTP);
  raise(SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &one, NULL);
  sigprocmask(SIG_BLOCK, &one, NULL);
}

// What the terminal sends reaches the program by itself, since it is in our process group; what a
// process sent was meant for us alone.
static void handle(struct cli_child *child, const siginfo_t *info) {
  if (info->si_signo == SIGCHLD) {
    if (child->attend != NULL) child->attend(child->self);
    return;
  }
  if (info->si_code <= 0) kill(child->pid, info->si_signo);
  if (info->si_signo == SIGTSTP) stop_here(child);
}

// The stops of one that is traced are told of whether they are asked for or not.
static bool has_ended(pid_t pid) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
}

bool cli_child_wait(struct cli_child *child, double seconds) {
  sigset_t set = watched_signals();
  double end = cli_seconds() + seconds;
  while (!has_ended(child->pid)) {
    double left = end - cli_seconds();
    if (left <= 0) return false;
    siginfo_t info;
    struct timespec most = {.tv_sec = (time_t)left,
                            .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
    if (sigtimedwait(&set, &info, &most) > 0) handle(child, &info);
  }
  return true;
}

void cli_child_start(struct cli_child *child) {
  sigset_t set = watched_signals(), before;
  signal(SIGCHLD, SIG_DFL);  // ignored, it would keep the status from us
  sigprocmask(SIG_BLOCK, &set, &before);
  int error =
      cli_launch(&child->program, child->argv, &before, child->before, child->self, &child->pid);
  if (error != 0) blame_program(child, error);
  signal(SIGPIPE, SIG_IGN);  // a report that nobody reads is no reason to lose the status
}

uint64_t cli_random_number(void) {
  uint64_t n = 0;
  while (n == 0)
    if (getrandom(&n, sizeof n, 0) == sizeof n) n &= (1ull << 62) - 1;
  return n;
}
