// expect: midden: double free at 0x
// tests/misuse/double_free_in_a_child.c -- a forked child frees again what its parent had freed.
// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  void *p = malloc(100), *neighbour = malloc(100);
  free(p);
  pid_t child = fork();
  if (child == 0) {
    free(p);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  free(neighbour);
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  return 0;
}
