// tests/findings/plant.h -- what the programs of this folder share.
// SPDX-License-Identifier: MIT
#ifndef PLANT_H
#define PLANT_H

#include <time.h>

// The function that must be named.  With INLINED it has no frame of its own: only debugging
// information knows that it was there.
#ifdef INLINED
#define PLANT static inline __attribute__((always_inline))
#else
#define PLANT __attribute__((noinline))
#endif

// The compiler must take the block as used, and may not leave out its allocation.
#define USED(block) __asm__ volatile("" : : "r"(block) : "memory")

static inline void plant_sleep_us(long us) {
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&t, 0);
}

#endif
