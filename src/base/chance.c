// base/chance.c -- see chance.h.
// SPDX-License-Identifier: MIT
#include "base/chance.h"

#include <string.h>

#include "base/check.h"

static const double chance_ln2 = 0.69314718055994530942;

// The natural logarithm of u > 0: u = m * 2^e with m around 1, and ln m by the series of
// 2 * artanh((m - 1) / (m + 1)).
static double chance_log(double u) {
  enum { TERMS = 7 };
  uint64_t bits;
  memcpy(&bits, &u, sizeof bits);
  int e = (int)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffu) | (uint64_t)1023 << 52;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.41421356) m /= 2, e++;
  double s = (m - 1) / (m + 1), power = s, sum = 0;
  for (int i = 0; i < TERMS; i++, power *= s * s) sum += power / (2 * i + 1);
  return 2 * sum + e * chance_ln2;
}

double mid_chance_draw(uint64_t random) {
  return -chance_log((double)((random >> 11) + 1) * 0x1p-53);
}

double mid_chance_of(double x) {
  enum { TERMS = 9 };
  if (x >= 37) return 1;
  // 1 - exp(-2y) = p * (2 - p) for p = 1 - exp(-y).
  int doubled = 0;
  for (; x > 0.25; x /= 2) doubled++;
  double power = x, p = 0;
  for (int i = 1; i <= TERMS; i++, power *= -x / i) p += power;
  for (; doubled > 0; doubled--) p *= 2 - p;
  return p;
}
