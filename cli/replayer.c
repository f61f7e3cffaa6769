// cli/replayer.c -- see replayer.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // memfd_create
#include "replayer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "cli.h"
#include "launch.h"
#include "observe/words.h"

extern char **environ;

// One that neither works nor ends is waited for so many times as long.
enum { TIMES_ASLEEP = 10 };
enum { LOOK_NS_LEAST = 200 * 1000, LOOK_NS_MOST = 5 * 1000 * 1000 };

static size_t errand_bytes(const struct cli_replayer *r) {
  uint64_t addresses = r->flags & MID_REPLAY_ADDRESSES ? r->planned->plan->ops : 0;
  return sizeof(struct mid_errand) + addresses * sizeof(uint64_t);
}

static int errand_open(struct cli_replayer *r) {
  int fd = memfd_create("midden errand", MFD_CLOEXEC);
  size_t bytes = errand_bytes(r);
  if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
    cli_die(CLI_FAILED, "no memory for a replay: %s", strerror(errno));
  r->errand = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (r->errand == MAP_FAILED) cli_die(CLI_FAILED, "no memory for a replay: %s", strerror(errno));
  snprintf(r->errand->allocator, sizeof r->errand->allocator, "%s", r->allocator);
  r->errand->flags = r->flags;
  r->errand->region = r->region;
  r->errand->most = r->most;
  return fd;
}

void cli_replayer_close(struct cli_replayer *r) {
  if (r->errand != NULL) munmap(r->errand, errand_bytes(r));
  r->errand = NULL;
}

// ---- start ----

static bool is_named(const char *setting, const char *name) {
  size_t bytes = strlen(name);
  return strncmp(setting, name, bytes) == 0 && setting[bytes] == '=';
}

// Ours, less what would change the malloc under the replay.
static char **make_environment(const struct cli_replayer *r, char *preload, size_t preload_bytes,
                               char *options, size_t options_bytes) {
  size_t count = 0, kept = 0;
  while (environ[count] != NULL) count++;
  char **to = calloc(count + 3, sizeof *to);
  if (to == NULL) cli_die(CLI_FAILED, "no memory for an environment");
  for (size_t i = 0; i < count; i++)
    if (!is_named(environ[i], "LD_PRELOAD") && !is_named(environ[i], "MIDDEN_OPTIONS"))
      to[kept++] = environ[i];
  snprintf(preload, preload_bytes, "LD_PRELOAD=%s", r->library);
  snprintf(options, options_bytes, "MIDDEN_OPTIONS=%s", r->options);
  if (r->library[0] != 0) to[kept++] = preload;
  if (r->options[0] != 0) to[kept++] = options;
  return to;
}

// What the loader says of a library that it cannot take is said by us.
static pid_t start(const struct cli_replayer *r, int errand_fd) {
  char path[PATH_MAX], preload[PATH_MAX + 16], options[4200];
  char *argv[] = {(char *)"midden-replay", (char *)(uintptr_t)r->allocator, NULL};
  char **environment = make_environment(r, preload, sizeof preload, options, sizeof options);
  pid_t pid;
  cli_launch_find("midden-replay", "libexec/midden", path, sizeof path);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // Both must be out of the way of the numbers that they shall have.
  const int above = (int)mid_max(MID_REPLAY_PLAN_FD, MID_REPLAY_ERRAND_FD) + 1;
  int plan = r->planned == NULL ? open("/dev/null", O_RDONLY | O_CLOEXEC)
                                : fcntl(r->planned->fd, F_DUPFD_CLOEXEC, above);
  int errand = fcntl(errand_fd, F_DUPFD_CLOEXEC, above);
  if (plan < 0 || errand < 0)
    cli_die(CLI_FAILED, "a replay needs more open files than it may have: raise 'ulimit -n'");
  posix_spawn_file_actions_adddup2(&files, plan, MID_REPLAY_PLAN_FD);
  posix_spawn_file_actions_adddup2(&files, errand, MID_REPLAY_ERRAND_FD);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (r->planned == NULL)
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  int error = posix_spawn(&pid, path, &files, NULL, argv, environment);
  if (error != 0) cli_die(CLI_FAILED, "%s cannot be run: %s", path, strerror(error));
  posix_spawn_file_actions_destroy(&files);
  close(plan);
  close(errand);
  free(environment);
  return pid;
}

// ---- its life ----

// Anonymous memory, without the replayer's own; what is of files, as the plan is, does not count.
static uint64_t resident(const struct cli_replayer *r, pid_t pid) {
  char name[64], words[256] = "", *at;
  snprintf(name, sizeof name, "/proc/%d/statm", (int)pid);
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, words, sizeof words - 1) < 0) words[0] = 0;
  if (fd >= 0) close(fd);
  strtoul(words, &at, 10);
  uint64_t all = strtoul(at, &at, 10), shared = strtoul(at, &at, 10);
  uint64_t bytes = all > shared ? (all - shared) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
  return bytes > r->errand->own_bytes ? bytes - r->errand->own_bytes : 0;
}

static const char *limit_words(const struct cli_replayer *r) {
  static struct mid_words room;
  return mid_words_size(r->most, &room);
}

// Of its processors, so that other work on the machine fails no row.
static double replayer_seconds(pid_t pid) {
  clockid_t clock;
  struct timespec used = {0, 0};
  if (clock_getcpuclockid(pid, &clock) == 0) clock_gettime(clock, &used);
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

// Wait for its end and return its status; past a limit it is killed.
static int follow(struct cli_replayer *r, pid_t pid) {
  double began = cli_seconds();
  struct timespec delay = {0, LOOK_NS_LEAST};
  int status;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    // Until it runs, what it has is still being laid out.
    if (r->errand->state == MID_REPLAY_RUNNING && resident(r, pid) > r->most)
      snprintf(r->failure, sizeof r->failure, "over the limit of %s", limit_words(r));
    double used = replayer_seconds(pid);
    if (used > r->took) r->took = used;  // of one that has just ended no clock tells
    if (used > r->seconds || cli_seconds() - began > TIMES_ASLEEP * r->seconds)
      snprintf(r->failure, sizeof r->failure, "over the time limit of %s",
               mid_words_seconds(r->seconds, &(struct mid_words){0}));
    if (r->failure[0] != 0) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      break;
    }
    nanosleep(&delay, NULL);
    if (delay.tv_nsec < LOOK_NS_MOST) delay.tv_nsec *= 2;
  }
  return status;
}

static void tell_end(struct cli_replayer *r, int status) {
  const struct mid_errand *e = r->errand;
  for (int i = 0; i < MID_REPLAY_LANES_MOST; i++)
    r->done += atomic_load_explicit(&e->lane[i].xdone, memory_order_relaxed);
  if (r->failure[0] != 0 || e->state == MID_REPLAY_DONE) return;
  if (e->state == MID_REPLAY_REFUSED)
    snprintf(r->failure, sizeof r->failure, "refused, with a limit of %s", limit_words(r));
  else if (e->state == MID_REPLAY_CORRUPT)
    snprintf(r->failure, sizeof r->failure, "a block does not hold what it must");
  else if (e->state == MID_REPLAY_NO_TABLES)
    snprintf(r->failure, sizeof r->failure, "no memory to begin with");
  else if (WIFSIGNALED(status))
    snprintf(r->failure, sizeof r->failure, "killed by signal %d, %s", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
  else
    snprintf(r->failure, sizeof r->failure, "it ended with status %d", WEXITSTATUS(status));
}

void cli_replayer_run(struct cli_replayer *r) {
  int fd = errand_open(r);
  r->done = 0;
  r->took = 0;
  r->failure[0] = 0;
  pid_t pid = start(r, fd);
  close(fd);
  tell_end(r, follow(r, pid));
}
