// cli/launch.c -- see launch.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // asprintf
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
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
static char **shell_words(const struct mid_program *program, char **argv) {
  size_t count = 0;
  while (argv[count] != NULL) count++;
  char **more = calloc(count + 2, sizeof *more);
  if (more == NULL) cli_die(CLI_FAILED, "no memory for the program's arguments");
  more[0] = (char *)"sh";
  more[1] = (char *)program->path;
  for (size_t i = 1; i < count; i++) more[i + 1] = argv[i];
  return more;
}

// In the child: what execve refused is written to `told`, which else closes with it.
static _Noreturn void become(const struct mid_program *program, char **argv, char **shell,
                             const sigset_t *mask, int go, int told) {
  char word;
  while (read(go, &word, 1) < 0 && errno == EINTR) continue;
  sigprocmask(SIG_SETMASK, mask, NULL);
  execve(program->path, argv, environ);
  if (errno == ENOEXEC && !program->foreign) execve("/bin/sh", shell, environ);
  int error = errno;
  if (write(told, &error, sizeof error) != sizeof error) _exit(126);
  _exit(127);
}

// What comes out of the pipe before its other end closes: an error, or nothing.
static int read_error(int told, pid_t pid) {
  int error = 0;
  ssize_t n;
  while ((n = read(told, &error, sizeof error)) < 0 && errno == EINTR) continue;
  if (n != sizeof error) return 0;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return error;
}

int cli_launch(const struct mid_program *program, char **argv, const sigset_t *mask,
               void (*before)(void *self, pid_t pid), void *self, pid_t *pid) {
  int go[2], told[2];
  char **shell = shell_words(program, argv);
  if (pipe2(go, O_CLOEXEC) != 0 || pipe2(told, O_CLOEXEC) != 0) return errno;
  *pid = fork();
  if (*pid == 0) {
    close(go[1]);
    become(program, argv, shell, mask, go[0], told[1]);
  }
  int error = *pid < 0 ? errno : 0;
  close(go[0]);
  close(told[1]);
  if (error == 0 && before != NULL) before(self, *pid);
  close(go[1]);
  if (error == 0) error = read_error(told[0], *pid);
  close(told[0]);
  free(shell);
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

sigset_t cli_block_ends(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  return set;
}
