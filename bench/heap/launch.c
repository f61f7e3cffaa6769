// bench/heap/launch.c -- start a program and say what it cost: launch FD TIMES PROGRAM ARGS...
//
// Runs PROGRAM TIMES times, one after the other, and writes a line to FD for each run:
//
//     wall_ns user_us system_us peak_kib minor_faults major_faults status
//
// It exists because the kernel counts the parent's peak into that of a child started by vfork (the
// child runs in the parent's memory until exec), and an interpreter's would hide a small program's.
// This one is linked statically and stays under a MiB; and being static it ignores the LD_PRELOAD
// and LD_DEBUG of its environment, which PROGRAM inherits.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long launch_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long launch_us(struct timeval t) { return t.tv_sec * 1000000LL + t.tv_usec; }

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int fd = atoi(argv[1]);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  for (int left = atoi(argv[2]); left > 0; left--) {
    long long start = launch_now_ns();
    pid_t child = vfork();
    if (child == 0) {
      execv(argv[3], argv + 3);
      _exit(127);
    }
    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child) return 1;
    dprintf(fd, "%lld %lld %lld %ld %ld %ld %d\n", launch_now_ns() - start,
            launch_us(usage.ru_utime), launch_us(usage.ru_stime), usage.ru_maxrss, usage.ru_minflt,
            usage.ru_majflt, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  return 0;
}
