// base/chance.h -- draws and odds for sampling, without libm.
// SPDX-License-Identifier: MIT
#ifndef MID_BASE_CHANCE_H
#define MID_BASE_CHANCE_H

#include <stdint.h>

// A draw from the exponential distribution of mean 1, made of 64 random bits: the distance between
// two points of a Poisson process.  At least 0, at most 37.
// cost  about 15 ns; exact to 1e-9
double mid_chance_draw(uint64_t random);

// 1 - exp(-x), x >= 0: the chance that a stretch of length x holds such a point.  Exact to 1e-9 of
// itself, also where x is tiny.
double mid_chance_of(double x);

// Random bits from a word that is kept, not 0: fast, and not secret.
// G. Marsaglia, "Xorshift RNGs", J. Stat. Softw. 8(14), 2003; multiplied at the end, as his
// successors do, so that the low bits are as good as the others.
static inline uint64_t mid_chance_next(uint64_t *kept) {
  *kept ^= *kept >> 12;
  *kept ^= *kept << 25;
  *kept ^= *kept >> 27;
  return *kept * 0x2545f4914f6cdd1du;
}

#endif
