// tests/traps/spawn.c -- a child of vfork shares our memory until it execs: what it does to the
// heap it does to ours, and nothing that runs at fork may run at vfork.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"
#include "support.h"

enum { EACH = 40 };
static atomic_bool stop;
static char *const nothing[] = {"true", NULL};

static void wait_for(pid_t child) {
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void *by_vfork(void *with) {
  for (int i = 0; i < EACH; i++) {
    char *before = malloc(100);
    pid_t child = vfork();
    if (child == 0) {
      execve("/bin/true", nothing, environ);
      _exit(9);
    }
    free(before);
    wait_for(child);
  }
  return with;
}

static void *by_spawn(void *with) {
  for (int i = 0; i < EACH; i++) {
    posix_spawn_file_actions_t actions;
    pid_t child;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    for (int k = 10; k < 30; k++) posix_spawn_file_actions_addclose(&actions, k);  // on the heap
    CHECK(posix_spawnp(&child, "true", &actions, NULL, nothing, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    wait_for(child);
  }
  return with;
}

static void *by_system(void *with) {
  for (int i = 0; i < EACH; i++) CHECK(system(":") == 0);
  return with;
}

static void *by_popen(void *with) {
  for (int i = 0; i < EACH; i++) {
    FILE *in = popen("echo some words of a child", "r");
    char *line = NULL;
    size_t room = 0;
    CHECK(in != NULL && getline(&line, &room, in) == 22 && strstr(line, "child") != NULL);
    free(line);
    CHECK(pclose(in) == 0);
  }
  return with;
}

static void *work_on(void *with) {
  uint64_t seed = 9;
  while (!atomic_load(&stop)) {
    size_t bytes = test_random_size(&seed, 100000);
    char *p = malloc(bytes);
    test_fill(p, bytes, 5);
    CHECK(test_filled(p, bytes, 5));
    free(p);
  }
  return with;
}

int main(void) {
  void *(*const kind[])(void *) = {by_vfork, by_spawn, by_system, by_popen, work_on};
  pthread_t thread[5];
  for (int i = 0; i < 5; i++) CHECK(pthread_create(&thread[i], NULL, kind[i], NULL) == 0);
  for (int i = 0; i < 4; i++) CHECK(pthread_join(thread[i], NULL) == 0);
  atomic_store(&stop, true);
  CHECK(pthread_join(thread[4], NULL) == 0);
  return 0;
}
