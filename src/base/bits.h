// base/bits.h -- powers of two and the places of bits.
// SPDX-License-Identifier: MIT
#ifndef MID_BASE_BITS_H
#define MID_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool mid_is_power(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

// `unit` is a power of two; the sum must not overflow.
static inline size_t mid_round_up(size_t n, size_t unit) { return (n + unit - 1) & ~(unit - 1); }
static inline size_t mid_round_down(size_t n, size_t unit) { return n & ~(unit - 1); }

// floor(log2(n)), n > 0.
static inline unsigned mid_log2(size_t n) {
  return (unsigned)(8 * sizeof(long) - 1) - (unsigned)__builtin_clzl(n);
}

static inline size_t mid_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t mid_max(size_t a, size_t b) { return a > b ? a : b; }

#endif
