// tests/traps/early_late.c -- allocation from preinit_array on, which runs before every
// constructor, to the last destructor, with a thread that goes on allocating meanwhile.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "support.h"

void keep(void *p);  // of the library

static char *from_preinit, *from_constructor, *from_main;

static void at_preinit(void) {
  from_preinit = malloc(1000);
  CHECK(from_preinit != NULL && (uintptr_t)from_preinit % 16 == 0);
  test_fill(from_preinit, 1000, 1);
  free(realloc(calloc(10, 10), 40000));
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = at_preinit;

__attribute__((constructor)) static void begin(void) {
  CHECK(test_filled(from_preinit, 1000, 1));
  from_constructor = aligned_alloc(4096, 8192);
  test_fill(from_constructor, 8192, 2);
}

static void at_exit(void) {
  CHECK(test_filled(from_main, 500, 3));
  free(from_main);
  from_main = malloc(70000);
  test_fill(from_main, 70000, 4);
}

__attribute__((destructor)) static void end(void) {
  CHECK(test_filled(from_constructor, 8192, 2) && test_filled(from_main, 70000, 4));
  free(from_constructor), free(from_main);
  CHECK(malloc_usable_size(from_preinit) >= 1000);
  free(from_preinit);
  malloc_trim(0);
  for (size_t i = 0; i < 100000; i += 999) keep(malloc(i));
}

static void *go_on(void *with) {
  for (;;) free(malloc(100)), free(malloc(100000));
  return with;
}

int main(void) {
  from_main = malloc(500);
  test_fill(from_main, 500, 3);
  for (int i = 0; i < 100; i++) keep(malloc(64));
  CHECK(atexit(at_exit) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, go_on, NULL) == 0);
  pthread_detach(thread);
  return 0;
}
