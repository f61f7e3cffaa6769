// tests/misuse/attacks/attack.h -- what the attacks of docs/security.md share.
// SPDX-License-Identifier: MIT
//
// An attack writes its stages, a line each after "> ", to standard output: the last line names
// where the program was when it was stopped, or, when it came to its end, what the attacker got:
//   not       the misuse had its effect
//   harmless  nothing stopped it, and nothing came of it
// An attack knows nothing of the allocator under it.
#ifndef MISUSE_ATTACK_H
#define MISUSE_ATTACK_H

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 100000, LARGE = 1 << 20 };

static inline void stage(const char *words) {
  (void)!write(1, "> ", 2);
  (void)!write(1, words, strlen(words));
  (void)!write(1, "\n", 1);
}

static inline void finish(bool harm) {
  stage(harm ? "not" : "harmless");
  _exit(0);
}

// How many bytes of a block from malloc(bytes) the program may use.
static inline size_t usable(size_t bytes) { return malloc_usable_size(malloc(bytes)); }

static inline bool all(const volatile char *p, size_t bytes, char c) {
  for (size_t i = 0; i < bytes; i++)
    if (p[i] != c) return false;
  return true;
}

static inline bool any(const volatile char *p, size_t bytes, char c) {
  for (size_t i = 0; i < bytes; i++)
    if (p[i] == c) return true;
  return false;
}

// malloc, where the compiler may not conclude that no block can be where another object is.
static inline void *take(size_t bytes) {
  void *p = malloc(bytes);
  __asm__("" : "+r"(p));
  return p;
}

// Take blocks of `bytes` and keep them, until one of them is `wanted`.
static inline bool comes_back(const void *wanted, size_t bytes) {
  for (int i = 0; i < MANY; i++)
    if (take(bytes) == wanted) return true;
  return false;
}

// The same, each block freed again.
static inline bool comes_round(const void *wanted, size_t bytes) {
  for (int i = 0; i < MANY; i++) {
    void *p = take(bytes);
    if (p == wanted) return true;
    free(p);
  }
  return false;
}

// Whether malloc gives memory to two owners.  Also what brings free blocks into use again, those
// that are held back too.
static inline bool given_twice(size_t bytes) {
  enum { TAKEN = 20000 };
  static size_t *taken[TAKEN];
  for (int i = 0; i < MANY; i++) free(malloc(bytes));
  for (size_t i = 0; i < TAKEN; i++) {
    taken[i] = take(bytes);
    *taken[i] = i;
  }
  for (size_t i = 0; i < TAKEN; i++)
    if (*taken[i] != i) return true;
  return false;
}

// Live blocks beside which what an attack frees is little: an allocator that keeps free memory in
// proportion keeps that.
static inline void large_program(void) {
  for (int i = 0; i < 64; i++) memset(take(LARGE), 'L', LARGE);
}

#endif
