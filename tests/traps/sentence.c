// tests/traps/sentence.c -- commits the crime that its argument names, after it printed the
// pointer.
// SPDX-License-Identifier: MIT
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"

static char *block;
static void commit(void *p) {
  dprintf(1, "%p\n", p);
  free(p);
}

static void twice(size_t bytes) {
  block = malloc(bytes);
  char *neighbour = malloc(bytes);
  free(block);
  commit(block);
  free(neighbour);
}

static void in_handler(int number) {
  (void)number;
  commit(block);
}
static void *in_thread(void *with) {
  twice(100);
  return with;
}
static void at_exit(void) { twice(100); }

static void in_child(void) {
  pid_t child = fork();
  if (child == 0) twice(100), _exit(0);
  int status;
  waitpid(child, &status, 0);
  signal(SIGABRT, SIG_DFL);
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
}

static void elsewhere(const char *crime) {
  if (strcmp(crime, "in-a-handler") == 0) {
    free(block = malloc(100));
    signal(SIGUSR1, in_handler);
    raise(SIGUSR1);
  } else if (strcmp(crime, "in-a-thread") == 0) {
    pthread_attr_t tiny;
    pthread_t thread;
    pthread_attr_init(&tiny);
    pthread_attr_setstacksize(&tiny, (size_t)PTHREAD_STACK_MIN);
    CHECK(pthread_create(&thread, &tiny, in_thread, NULL) == 0);
    pthread_join(thread, NULL);
  } else if (strcmp(crime, "in-a-child") == 0) {
    in_child();
  } else if (strcmp(crime, "at-exit") == 0) {
    atexit(at_exit);
  }
}

int main(int count, char **argument) {
  static long global[8];
  long local[8] = {0};
  CHECK(count == 2);
  const char *crime = argument[1];
  const struct {
    const char *name;
    size_t bytes;
  } size[] = {{"small", 100}, {"medium", 20000}, {"large", 3000000}};
  for (int i = 0; i < 3; i++) {
    char name[32];
    snprintf(name, sizeof name, "double-%s", size[i].name);
    if (strcmp(crime, name) == 0) twice(size[i].bytes);
    snprintf(name, sizeof name, "inside-%s", size[i].name);
    if (strcmp(crime, name) == 0) commit((char *)malloc(size[i].bytes) + 32);
  }
  if (strcmp(crime, "stack") == 0) commit(local);
  if (strcmp(crime, "global") == 0) commit(global);
  if (strcmp(crime, "low") == 0) commit((void *)(uintptr_t)64);
  if (strcmp(crime, "non-canonical") == 0) commit((void *)(uintptr_t)0x4141414141414140u);
  elsewhere(crime);
  return 0;
}
