// tests/traps/descriptors.c -- the program's descriptors stay the program's.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"
#include "support.h"

static void *work(void *with) {
  for (size_t i = 0; i < 20000; i++) free(memset(malloc(i % 3000), 1, i % 3000));
  free(malloc(10000000));
  return with;
}

static void work_in_all(void) {
  work(NULL);
  for (int i = 0; i < 30; i++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
  pid_t child = fork();
  if (child == 0) work(NULL), _exit(0);
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

// Files now lie where any hidden descriptor lay: nothing may write into them.
static void close_all(const char *path) {
  for (int fd = 3; fd < 1024; fd++) close(fd);
  for (int fd = 3; fd < 20; fd++) CHECK(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) == fd);
  work_in_all();
  struct stat about;
  CHECK(fstat(3, &about) == 0 && about.st_size == 0);
  CHECK(open(path, O_RDONLY) == 20);  // nor was one taken meanwhile and kept
}

static void start_without(const char *path) {
  for (int fd = 0; fd < 3; fd++) CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
  work_in_all();
  for (int fd = 0; fd < 3; fd++) CHECK(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) == fd);
  work_in_all();
  struct stat about;
  CHECK(fstat(0, &about) == 0 && about.st_size == 0);
}

static void allow_none(void) {
  for (int fd = 3; fd < 1024; fd++) close(fd);
  struct rlimit none = {3, 3};
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  work_in_all();
}

int main(int count, char **argument) {
  CHECK(count == 3);
  if (strcmp(argument[1], "close") == 0) close_all(argument[2]);
  if (strcmp(argument[1], "none") == 0) start_without(argument[2]);
  if (strcmp(argument[1], "few") == 0) allow_none();
  return 0;
}
