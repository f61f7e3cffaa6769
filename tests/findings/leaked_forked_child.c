// tests/findings/leaked_forked_child.c -- a worker process that fork made loses what it allocates.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely read_request
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plant.h"

PLANT int read_request(int i) {
  char *request = malloc(300);  // HERE
  snprintf(request, 300, "GET /%d", i);
  int length = (int)strlen(request);
#ifdef MENDED
  free(request);
#endif
  return length;
}

static int serve(void) {
  int bytes = 0;
  for (int i = 0; i < 200; i++) bytes += read_request(i);
  return bytes > 0 ? 0 : 1;
}

int main(void) {
  static char *kept;  // the parent is clean
  kept = malloc(1000);
  memset(kept, 1, 1000);
  USED(&kept);
  pid_t child = fork();
  if (child == 0) exit(serve());
  int status;
  waitpid(child, &status, 0);
  free(kept);
  return status;
}
