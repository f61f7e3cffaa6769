// tests/findings/clean_fork_and_exec.c -- children that end by _exit and exec, with blocks in use.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *table[300];

int main(void) {
  for (int i = 0; i < 300; i++) {
    table[i] = malloc(100 + (size_t)i);
    memset(table[i], i, 100 + (size_t)i);
  }
  int wrong = 0;
  for (int i = 0; i < 4; i++) {
    pid_t child = fork();
    if (child == 0 && i % 2 == 0) execl("/bin/true", "true", (char *)NULL);
    if (child == 0) _exit(table[5][7] != 5);
    int status;
    waitpid(child, &status, 0);
    wrong += status;
  }
  return wrong;
}
