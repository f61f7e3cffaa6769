// examples/scheme/eval.c -- the evaluator: code to values, with proper tail calls.
// SPDX-License-Identifier: MIT
#include <alloca.h>

#include "scheme.h"

// A call's first arguments are in slots behind that of the callee, more are in a list behind those.
// No pair of that is changed once it is made, since call/cc in an operand may come back there.
enum { MOST_ARGUMENTS = 6 };
enum { CODE_AT, SCOPE_AT, CALLEE, ARGUMENT, MORE = ARGUMENT + MOST_ARGUMENTS, SLOTS };
enum { APPLY, CALL_CC };      // primitives that are done here
enum { LIST_MOST = 100000 };  // arguments of a primitive

static value eval_loop(value code, value scope, value callee, value list);

value eval(value code, value scope) { return eval_loop(code, scope, NULL, NULL); }
value apply(value callee, value list) { return eval_loop(NULL, NULL, callee, list); }

static value eval_up(value scope, uint32_t depth) {
  for (; depth > 0; depth--) scope = GET(AS(scope, scope), up);
  return scope;
}

static value eval_global(value symbol) {
  value v = GET(AS(symbol, symbol), global);
  if (v == scheme.root.unbound) fail_with("an unbound variable", symbol);
  return v;
}

// The value of code; most of it is found without a frame.
static inline value eval_value(value code, value scope) {
  struct code *c = AS(code, code);
  if (c->op == CONSTANT_OF) return GET(c, at[0]);
  if (c->op == LOCAL) return GET(AS(scope, eval_up(scope, c->a)), at[c->b]);
  if (c->op == GLOBAL) return eval_global(GET(c, at[0]));
  return eval_loop(code, scope, NULL, NULL);
}

// ---- calls: `x` is the callee, and behind it its arguments ----

static void eval_wrong_number(value callee) {
  fail_with("a wrong number of arguments for", callee);
}

static value eval_bind(midden_ref *x, int n) {
  struct code *c = AS(code, GET(AS(closure, (value)x[0].word), code));
  int required = (int)c->a, slots = n < MOST_ARGUMENTS ? n : MOST_ARGUMENTS;
  bool rest = c->b != 0;
  uint32_t all = c->c;
  if (n < required || (n > required && !rest)) eval_wrong_number(x[0].word);
  if (n < MOST_ARGUMENTS) x[n + 1].word = NULL;
  for (int i = slots; i > required; i--) x[i].word = cons(x[i].word, x[i + 1].word);
  struct scope *scope = AS(scope, make_array(SCOPE, all));
  INIT(scope, up, GET(AS(closure, (value)x[0].word), scope));
  slots = required < MOST_ARGUMENTS ? required : MOST_ARGUMENTS;
  for (int i = 0; i < slots; i++) INIT(scope, at[i], x[i + 1].word);
  value list = x[slots + 1].word;
  for (int i = slots; i < required; i++, list = cdr(list)) INIT(scope, at[i], car(list));
  if (rest) INIT(scope, at[required], list);
  return &scope->is;
}

// More arguments than there are slots: a frame as long as they are.
static value eval_primitive_of_many(midden_ref *x, int n) {
  if (n > LIST_MOST) fail("more than %d arguments", LIST_MOST);
  midden_ref *slot = alloca(sizeof *slot * (size_t)n);
  memcpy(slot, x + 1, sizeof *slot * MOST_ARGUMENTS);
  value v = x[MOST_ARGUMENTS + 1].word;
  for (int i = MOST_ARGUMENTS; i < n; i++, v = cdr(v)) slot[i].word = car(v);
#if SCHEME_PRECISE
  midden_frame frame = {scheme.m->frames, slot, (size_t)n};
  scheme.m->frames = &frame;
#endif
  value result = scheme.running->call(slot, n);
#if SCHEME_PRECISE
  scheme.m->frames = frame.up;
#endif
  return result;
}

// The arguments are those of a list.  returns how many
static int eval_spread(midden_ref *x, value list) {
  int n = 0;
  for (; n < MOST_ARGUMENTS && kind_of(list) == PAIR; list = cdr(list)) x[++n].word = car(list);
  x[MOST_ARGUMENTS + 1].word = list;
  for (; kind_of(list) == PAIR; list = cdr(list)) n++;
  if (list != NULL) fail_with("apply: not a list", list);
  return n;
}

// ---- the loop: where a call is the last thing to do, it goes round ----

#define NODE AS(code, (value)x[CODE_AT].word)
#define CHILD(i) eval_value(GET(NODE, at[i]), x[SCOPE_AT].word)

// The values of a code's operands, its children from 1 on; of those in a list, the last is
// the first to be found.  returns how many
static int eval_operands(midden_ref *x) {
  int n = (int)NODE->a - 1;
  x[MORE].word = NULL;
  for (int i = n; i > MOST_ARGUMENTS; i--) {
    value v = CHILD(i);
    x[MORE].word = cons(v, x[MORE].word);
  }
  for (int i = 1; i <= n && i <= MOST_ARGUMENTS; i++) x[CALLEE + i].word = CHILD(i);
  return n;
}

// Code in a scope; or, without code, a call.
static value eval_loop(value code, value scope, value callee, value list) {
  check_depth();
  FRAME(x, SLOTS, code, scope, callee);
  int n = 0;
  if (code == NULL) {
    n = eval_spread(x + CALLEE, list);
    goto call;
  }
  for (;;) {
    if (SCHEME_PRECISE) midden_gc_poll(scheme.m);
    switch ((enum op)NODE->op) {
      case CONSTANT_OF:
      case LOCAL:
      case GLOBAL:
        RETURN(x, eval_value(x[CODE_AT].word, x[SCOPE_AT].word));
      case LAMBDA: {
        struct closure *closure = AS(closure, make(CLOSURE));
        INIT(closure, code, x[CODE_AT].word);
        INIT(closure, scope, x[SCOPE_AT].word);
        RETURN(x, &closure->is);
      }
      case SET_LOCAL: {
        value v = CHILD(0), to = eval_up(x[SCOPE_AT].word, NODE->a);
        SET(AS(scope, to), at[NODE->b], v);
        RETURN(x, scheme.root.unspecified);
      }
      case SET_GLOBAL:
      case DEFINE: {
        value v = CHILD(0);
        value to = GET(NODE, at[1]);
        if (NODE->op == SET_GLOBAL) eval_global(to);
        SET(AS(symbol, to), global, v);
        RETURN(x, scheme.root.unspecified);
      }
      case IF: {
        value v = CHILD(0);
        x[CODE_AT].word = is_true(v) ? GET(NODE, at[1]) : GET(NODE, at[2]);
        continue;
      }
      case SEQUENCE:
      case OR: {
        uint32_t last = NODE->a - 1;
        for (uint32_t i = 0; i < last; i++) {
          value v = CHILD(i);
          if (NODE->op == OR && is_true(v)) RETURN(x, v);
        }
        x[CODE_AT].word = GET(NODE, at[last]);
        continue;
      }
      case CALL:
        x[CALLEE].word = CHILD(0);
        n = eval_operands(x);
    }
    if (NODE->is.line != 0) scheme.line = NODE->is.line;
  call:
    switch (kind_of(x[CALLEE].word)) {
      case CLOSURE:
      case MACRO: {
        value inner = eval_bind(x + CALLEE, n);
        x[SCOPE_AT].word = inner;
        x[CODE_AT].word = GET(AS(code, GET(AS(closure, (value)x[CALLEE].word), code)), at[0]);
        continue;
      }
      case CONTINUATION:
        if (n != 1) eval_wrong_number(x[CALLEE].word);
        resume(x[CALLEE].word, x[ARGUMENT].word);
      case PRIMITIVE:
        break;
      default:
        fail_with("not a procedure", x[CALLEE].word);
    }
    const struct row *row = AS(primitive, (value)x[CALLEE].word)->row;
    if (n < row->least || (n > row->most && row->most >= 0)) eval_wrong_number(x[CALLEE].word);
    if (row->call != NULL) {
      scheme.running = row;
      RETURN(x, n > MOST_ARGUMENTS ? eval_primitive_of_many(x + CALLEE, n)
                                   : row->call(x + ARGUMENT, n));
    }
    if (row->what == APPLY) {
      x[CALLEE].word = x[ARGUMENT].word;
      n = eval_spread(x + CALLEE, x[ARGUMENT + 1].word);
    } else {
      value k = capture();
      if (k == NULL) RETURN(x, scheme.root.thrown);
      x[CALLEE].word = x[ARGUMENT].word;
      x[ARGUMENT].word = k;
    }
    goto call;
  }
}

PRIMITIVE_IN_C(eval_eval) { return eval(analyse(a[0].word, NULL), NULL); }

// clang-format off
const struct row eval_rows[] = {
    ROW("%apply", 2, 2, NULL, APPLY), ROW("%call/cc", 1, 1, NULL, CALL_CC),
    ROW("eval", 1, 1, eval_eval), {.name = NULL},
};
