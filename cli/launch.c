// cli/launch.c -- see launch.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // asprintf
#include "launch.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

extern char **environ;

// ---- the environment ----------------------------------------------------------------------------

void cli_launch_find(const char *name, const char *folder, char *room, size_t bytes) {
  char self[PATH_MAX], real[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n < 0) cli_die(CLI_FAILED, "/proc/self/exe cannot be read: mount /proc");
  self[n] = 0;
  *strrchr(self, '/') = 0;
  for (int there = 0; there < 2; there++) {
    int length = there ? snprintf(room, bytes, "%s/../%s/%s", self, folder, name)
                       : snprintf(room, bytes, "%s/%s", self, name);
    if (length >= (int)bytes) break;
    if (realpath(room, real) != NULL && access(room, R_OK) == 0) return;
  }
  cli_die(CLI_FAILED, "%s is neither in %s nor in %s/../%s: install it there", name, self, self,
          folder);
}

void cli_launch_library(char *room, size_t bytes) {
  cli_launch_find("libmidden.so", "lib", room, bytes);
  if (strpbrk(room, " :") != NULL)
    cli_die(CLI_FAILED,
            "%s has a blank or a colon in its name, where LD_PRELOAD would end: "
            "install midden elsewhere",
            room);
}

// NAME=`first`, and after it `between` and what was there.
static void put_before(const char *name, const char *first, char between) {
  const char *old = getenv(name);
  char *both;
  int n = old == NULL || *old == 0 ? asprintf(&both, "%s", first)
                                   : asprintf(&both, "%s%c%s", first, between, old);
  if (n < 0 || setenv(name, both, 1) != 0) cli_die(CLI_FAILED, "no memory for %s", name);
  free(both);
}

// Later options win: the user's own come first, and this run's last.
void cli_launch_prepare(uint64_t run, const char *options) {
  char library[PATH_MAX], *all;
  const char *old = getenv("MIDDEN_OPTIONS");
  cli_launch_library(library, sizeof library);
  put_before("LD_PRELOAD", library, ':');
  if (asprintf(&all, "%s%srun=%" PRIu64 ",feed=keep%s%s", old ? old : "", old && *old ? "," : "",
               run, *options ? "," : "", options) < 0 ||
      setenv("MIDDEN_OPTIONS", all, 1) != 0)
    cli_die(CLI_FAILED, "no memory for MIDDEN_OPTIONS");
  free(all);
}

void cli_launch_core_filter(void) {
  const unsigned shared_files = 1 << 3;  // core(5)
  unsigned filter = 0;
  FILE *file = fopen("/proc/self/coredump_filter", "r+e");
  if (file == NULL) return;
  if (fscanf(file, "%x", &filter) == 1) {
    rewind(file);
    fprintf(file, "0x%x", filter | shared_files);
  }
  fclose(file);
}

// ---- start and end ------------------------------------------------------------------------------

// A file without "#!" that is no program is a script for the shell, as execvp has it.
static int spawn_shell(const struct mid_program *program, char **argv, pid_t *pid,
                       const posix_spawnattr_t *how) {
  size_t count = 0;
  while (argv[count] != NULL) count++;
  char **more = calloc(count + 2, sizeof *more);
  if (more == NULL) return ENOMEM;
  more[0] = (char *)"sh";
  more[1] = (char *)program->path;
  for (size_t i = 1; i < count; i++) more[i + 1] = argv[i];
  int error = posix_spawn(pid, "/bin/sh", NULL, how, more, environ);
  free(more);
  return error;
}

int cli_launch(const struct mid_program *program, char **argv, const sigset_t *mask, pid_t *pid) {
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  posix_spawnattr_setsigmask(&how, mask);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
  int error = posix_spawn(pid, program->path, NULL, &how, argv, environ);
  if (error == ENOEXEC && !program->foreign) error = spawn_shell(program, argv, pid, &how);
  posix_spawnattr_destroy(&how);
  return error;
}

_Noreturn void cli_end_as(int status) {
  if (WIFEXITED(status)) exit(WEXITSTATUS(status));
  int sig = WTERMSIG(status);
  fflush(NULL);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  signal(sig, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, sig);
  raise(sig);
  sigprocmask(SIG_UNBLOCK, &one, NULL);
  exit(128 + sig);
}
