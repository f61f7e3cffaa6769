// examples/scheme/eval.h -- what code consists of.
// SPDX-License-Identifier: MIT
#ifndef SCHEME_EVAL_H
#define SCHEME_EVAL_H

#include "scheme.h"

// Calls and LETs with more have them in a list.
enum { MOST_ARGUMENTS = 6 };

// Of a struct code: its parts are children unless said otherwise.
enum op {
  CONSTANT_OF,  // at: a value
  LOCAL0,       // variable b of this scope
  LOCAL1,       // of the one above
  LOCAL,        // of the one `a` above
  GLOBAL,       // at: a symbol
  SET_LOCAL,    // a, b as in LOCAL; at: the new value
  SET_GLOBAL,   // at: the new value, and a symbol
  DEFINE,       // the same
  IF,           // at: condition, then, else
  LAMBDA,       // at: body, and a symbol or NULL; a: parameters, b: whether one more takes the
                // rest, c: variables of the body
  SEQUENCE,     // at: each
  OR,           // at: each
  LET,          // at: body, first values of `a` variables; c: variables of the body
  CALL,         // at: operator, `a` operands
};

#endif
