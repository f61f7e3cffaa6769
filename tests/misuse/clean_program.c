// expect-ok
// tests/misuse/clean_program.c -- a program that does nothing wrong is left alone.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <stdlib.h>

static void work(unsigned seed, size_t most) {
  enum { SLOTS = 200, ROUNDS = 20000 };
  struct {
    unsigned char *p;
    size_t bytes;
  } slot[SLOTS] = {0};
  for (int i = 0; i < ROUNDS; i++) {
    seed = seed * 1103515245u + 12345u;
    size_t k = (seed >> 8) % SLOTS, bytes = (seed >> 4) % most;
    for (size_t b = 0; b < slot[k].bytes; b += 97)
      if (slot[k].p[b] != (unsigned char)(k + b)) abort();
    if (i % 3 == 0) {
      if (slot[k].p != NULL) free(slot[k].p);
      slot[k].p = malloc(bytes);
    } else {
      slot[k].p = realloc(slot[k].p, bytes);
    }
    slot[k].bytes = bytes;
    for (size_t b = 0; b < bytes; b++) slot[k].p[b] = (unsigned char)(k + b);
  }
  for (int k = 0; k < SLOTS; k++) free(slot[k].p);
}

int main(void) {
  work(1, 200);
  work(2, 5000);
  work(3, 150000);
  if (malloc_usable_size(NULL) != 0) return 3;
  free(NULL);
  return 0;
}
