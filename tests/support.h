// tests/support.h -- what the heap's tests share: contents that can be checked, resident pages,
// children.  Standard C and POSIX only: a test that uses it may run under any allocator.
// SPDX-License-Identifier: MIT
#ifndef MID_TESTS_SUPPORT_H
#define MID_TESTS_SUPPORT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// The sanitizers keep shadow memory of their own: figures of the whole process say nothing there,
// and a big test takes a smaller size.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)  // of x86-64; mincore takes any multiple of the real one

// Random numbers that are the same in every run.  Source: G. Steele, D. Lea, C. Flood, "Fast
// splittable pseudorandom number generators", OOPSLA 2014.
static inline uint64_t test_mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static inline uint64_t test_random(uint64_t *state) { return test_mix((*state)++); }

// A size as programs ask for them: every power of two up to `most` is as likely as the next.
static inline size_t test_random_size(uint64_t *state, size_t most) {
  uint64_t r = test_random(state);
  size_t bits = (size_t)(63 - __builtin_clzll(most)) + 1;
  size_t n = (size_t)(r >> 8) & (((size_t)2 << (r % bits)) - 1);
  return n <= most ? n : n % (most + 1);
}

// Fill `bytes` at `p` with what belongs to `id`: each word differs from its neighbours' and from
// every other id's, so a lost, torn, moved or shared byte shows.
static inline void test_fill(void *p, size_t bytes, uint64_t id) {
  unsigned char *b = p;
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = test_mix(id * 0x100000001b3u + i);
    memcpy(b + i, &word, bytes - i < 8 ? bytes - i : 8);
  }
}

static inline bool test_filled(const void *p, size_t bytes, uint64_t id) {
  const unsigned char *b = p;
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = test_mix(id * 0x100000001b3u + i);
    if (memcmp(b + i, &word, bytes - i < 8 ? bytes - i : 8) != 0) return false;
  }
  return true;
}

static inline bool test_zeroed(const void *p, size_t bytes) {
  const unsigned char *b = p;
  return bytes == 0 || (b[0] == 0 && memcmp(b, b + 1, bytes - 1) == 0);
}

// Whether the page that holds `p` takes memory; a page that is not even mapped does not.
static inline bool test_resident(const void *p) {
  unsigned char state = 0;
  void *page = (void *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
  return mincore(page, 1, &state) == 0 && (state & 1) != 0;
}

static inline size_t test_resident_pages(const void *p, size_t bytes) {
  size_t n = 0;
  for (size_t i = 0; i < bytes; i += PAGE) n += test_resident((const char *)p + i);
  return n;
}

// Resident bytes of this process, read without stdio, which would allocate.
static inline size_t test_rss_bytes(void) {
  char room[128] = {0};
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, room, sizeof room - 1) <= 0) abort();
  close(fd);
  return strtoul(strchr(room, ' ') + 1, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

// Run `work` in a forked child, for what cannot be undone in a process (limits).  0 when it
// returned true; else what waitpid said, or 1.
static inline int test_in_child(bool (*work)(void)) {
  pid_t child = fork();
  if (child == 0) {
    alarm(120);
    _exit(work() ? 0 : 1);
  }
  int status = -1;
  return waitpid(child, &status, 0) == child ? status : -1;
}

// What a forked child says on standard error while it does `what`.  Returns what waitpid said.
static inline int test_says(void (*what)(void), char *said, size_t bytes) {
  int from_child[2], status = -1;
  if (pipe(from_child) != 0) abort();
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    signal(SIGABRT, SIG_DFL);  // cmocka would report it
    dup2(from_child[1], 2);
    close(from_child[0]), close(from_child[1]);
    what();
    _exit(0);
  }
  close(from_child[1]);
  size_t got = 0;
  for (ssize_t n; (n = read(from_child[0], said + got, bytes - 1 - got)) > 0;) got += (size_t)n;
  said[got] = 0;
  close(from_child[0]);
  waitpid(child, &status, 0);
  return status;
}

// `crime` stops its process, a forked child, with a message that holds `words`.
static inline void test_stops(void (*crime)(void), const char *words) {
  char said[1024];
  int status = test_says(crime, said, sizeof said);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(said, words) != NULL) return;
  dprintf(2, "expected: %s\nit said: %s (status %d)\n", words, said, status);
  abort();
}

// A TEST (of test.h) whose body runs in a forked child and returns true: for what must not see, or
// must not spoil, the heap of the tests before and after it.
#define TEST_IN_CHILD(sentence)                     \
  static bool child_##sentence(void);               \
  TEST(sentence)                                    \
  { CHECK_EQ(test_in_child(child_##sentence), 0); } \
  static bool child_##sentence(void)

// In a child, where cmocka's own checks mean nothing: say what did not hold, and where.
#define HOLDS(cond)                                                                          \
  do {                                                                                       \
    if (!(cond)) {                                                                           \
      dprintf(2, "%s:%d: does not hold: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno); \
      return false;                                                                          \
    }                                                                                        \
  } while (0)

#endif
