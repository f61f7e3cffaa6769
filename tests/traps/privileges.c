// tests/traps/privileges.c -- give up root and the file system after the heap is in use, then go
// on: threads, children, a clean exit.
// SPDX-License-Identifier: MIT
#include <grp.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>

#include "check.h"
#include "support.h"

static void *work(void *with) {
  for (size_t i = 0; i < 20000; i++) free(memset(malloc(i % 5000), 1, i % 5000));
  return with;
}

int main(int count, char **argument) {
  CHECK(count == 2);
  char *before = malloc(1000);
  test_fill(before, 1000, 1);
  CHECK(chroot(argument[1]) == 0 && chdir("/") == 0);
  CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  for (int i = 0; i < 20; i++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0 && pthread_join(thread, NULL) == 0);
    pid_t child = fork();
    if (child == 0) work(NULL), exit(0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
  CHECK(test_filled(before, 1000, 1));
  free(before);
  return 0;
}
