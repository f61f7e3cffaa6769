// examples/scheme/numbers.c -- fixnums of 64 bits and flonums; what does not fit is a flonum.
// SPDX-License-Identifier: MIT
#include <math.h>

#include "scheme.h"

static bool number_is_flonum(value v) {
  if (kind_of(v) != FIXNUM && kind_of(v) != FLONUM) fail_with("not a number", v);
  return kind_of(v) == FLONUM;
}

static double number_real(value v) {
  return number_is_flonum(v) ? AS(number, v)->flonum : (double)AS(number, v)->fixnum;
}

enum { ADD, SUBTRACT, MULTIPLY, DIVIDE };

static value number_of_reals(int how, double x, double y) {
  if (how == ADD) return flonum(x + y);
  if (how == SUBTRACT) return flonum(x - y);
  if (how == MULTIPLY) return flonum(x * y);
  return flonum(x / y);
}

static value number_two(int how, value a, value b) {
  bool real = number_is_flonum(a);
  if (number_is_flonum(b) || real) return number_of_reals(how, number_real(a), number_real(b));
  int64_t x = AS(number, a)->fixnum, y = AS(number, b)->fixnum, z;
  if (how == ADD && !__builtin_add_overflow(x, y, &z)) return fixnum(z);
  if (how == SUBTRACT && !__builtin_sub_overflow(x, y, &z)) return fixnum(z);
  if (how == MULTIPLY && !__builtin_mul_overflow(x, y, &z)) return fixnum(z);
  if (how == DIVIDE && y == 0) fail("/: division by zero");
  if (how == DIVIDE && !(x == INT64_MIN && y == -1) && x % y == 0) return fixnum(x / y);
  return number_of_reals(how, (double)x, (double)y);
}

// A single argument is combined with 0 or 1.
PRIMITIVE_IN_C(number_fold) {
  int how = scheme.running->what, first = how == MULTIPLY || how == DIVIDE;
  if (n == 0) return fixnum(first);
  if (n == 1) return number_two(how, fixnum(first), a[0].word);
  value v = number_two(how, a[0].word, a[1].word);
  for (int i = 2; i < n; i++) v = number_two(how, v, a[i].word);
  return v;
}

enum { LESS = 1, EQUAL = 2, GREATER = 4 };

static int number_order(value a, value b) {
  bool real = number_is_flonum(a);
  if (number_is_flonum(b) || real) {
    double x = number_real(a), y = number_real(b);
    return x < y ? LESS : x > y ? GREATER : x == y ? EQUAL : 0;
  }
  int64_t x = AS(number, a)->fixnum, y = AS(number, b)->fixnum;
  return x < y ? LESS : x > y ? GREATER : EQUAL;
}

PRIMITIVE_IN_C(number_in_order) {
  int wanted = scheme.running->what;
  for (int i = 0; i + 1 < n; i++)
    if ((number_order(a[i].word, a[i + 1].word) & wanted) == 0) return boolean(false);
  return boolean(true);
}

enum { QUOTIENT, REMAINDER, MODULO };

PRIMITIVE_IN_C(number_divide) {
  int64_t x = need_fixnum(a[0]), y = need_fixnum(a[1]);
  int how = scheme.running->what;
  if (y == 0) fail("%s: division by zero", scheme.running->name);
  // The quotient of the least fixnum by -1 is none.
  if (y == -1) return how == QUOTIENT ? number_two(SUBTRACT, fixnum(0), a[0].word) : fixnum(0);
  if (how == QUOTIENT) return fixnum(x / y);
  int64_t z = x % y;
  return fixnum(how == MODULO && z != 0 && (z < 0) != (y < 0) ? z + y : z);
}

PRIMITIVE_IN_C(number_is_exact) { return boolean(!number_is_flonum(a[0].word)); }
PRIMITIVE_IN_C(number_to_inexact) { return flonum(number_real(a[0].word)); }

PRIMITIVE_IN_C(number_to_exact) {
  double real = number_real(a[0].word);
  if (!(fabs(real) < 9.2e18)) fail_with("inexact->exact: no fixnum", a[0].word);
  return number_is_flonum(a[0].word) ? fixnum((int64_t)real) : a[0].word;
}

PRIMITIVE_IN_C(number_rounded) {
  if (!number_is_flonum(a[0].word)) return a[0].word;
  return flonum(scheme.running->real(number_real(a[0].word)));
}

PRIMITIVE_IN_C(number_sqrt) {
  double root = sqrt(number_real(a[0].word));
  bool exact = !number_is_flonum(a[0].word) && floor(root) == root;
  return exact ? fixnum((int64_t)root) : flonum(root);
}

// clang-format off
const struct row number_rows[] = {
    ROW("+", 0, -1, number_fold, ADD), ROW("-", 1, -1, number_fold, SUBTRACT),
    ROW("*", 0, -1, number_fold, MULTIPLY), ROW("/", 1, -1, number_fold, DIVIDE),
    ROW("=", 1, -1, number_in_order, EQUAL), ROW("<", 1, -1, number_in_order, LESS),
    ROW(">", 1, -1, number_in_order, GREATER), ROW("<=", 1, -1, number_in_order, LESS | EQUAL),
    ROW(">=", 1, -1, number_in_order, GREATER | EQUAL),
    ROW("quotient", 2, 2, number_divide, QUOTIENT),
    ROW("remainder", 2, 2, number_divide, REMAINDER), ROW("modulo", 2, 2, number_divide, MODULO),
    ROW("exact?", 1, 1, number_is_exact), ROW("exact->inexact", 1, 1, number_to_inexact),
    ROW("inexact->exact", 1, 1, number_to_exact), ROW("floor", 1, 1, number_rounded, .real = floor),
    ROW("sqrt", 1, 1, number_sqrt), ROW("round", 1, 1, number_rounded, .real = nearbyint),
    {.name = NULL},
};
