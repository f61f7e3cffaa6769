// examples/scheme/eval.c -- the evaluator: code to values, with proper tail calls.
// SPDX-License-Identifier: MIT
#include "eval.h"

#include <alloca.h>

enum { CODE_AT, SCOPE_AT, CALLEE, ARGUMENT, SLOTS = ARGUMENT + MOST_ARGUMENTS + 1 };
enum { APPLY, CALL_CC };      // primitives that are done here
enum { IN_A_LIST = -1 };      // instead of a number of arguments
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
  switch ((enum op)c->op) {
    case CONSTANT_OF:
      return GET(c, at[0]);
    case LOCAL0:
      return GET(AS(scope, scope), at[c->b]);
    case LOCAL1:
      return GET(AS(scope, GET(AS(scope, scope), up)), at[c->b]);
    case LOCAL:
      return GET(AS(scope, eval_up(scope, c->a)), at[c->b]);
    case GLOBAL:
      return eval_global(GET(c, at[0]));
    default:
      return eval_loop(code, scope, NULL, NULL);
  }
}

// ---- calls: `x` is the callee, and behind it its arguments ----

static void eval_wrong_number(value callee) {
  fail_with("a wrong number of arguments for", callee);
}

// The arguments from `from` on as a list.  Their slots are used.
static value eval_list(midden_ref *x, int from, int n) {
  x[n + 1].word = NULL;
  for (int i = n; i > from; i--) x[i].word = cons(x[i].word, x[i + 1].word);
  return x[from + 1].word;
}

static value eval_bind(midden_ref *x, int n) {
  struct code *c = AS(code, GET(AS(closure, (value)x[0].word), code));
  int required = (int)c->a;
  bool rest = c->b != 0;
  uint32_t all = c->c;
  if (n < required || (n > required && !rest)) eval_wrong_number(x[0].word);
  if (rest) eval_list(x, required, n);
  struct scope *scope = AS(scope, make_scope(all));
  INIT(scope, up, GET(AS(closure, (value)x[0].word), scope));
  for (int i = 0; i < required + rest; i++) INIT(scope, at[i], x[i + 1].word);
  return &scope->is;
}

// The same with the arguments in a list, x[1].
static value eval_bind_list(midden_ref *x) {
  struct code *c = AS(code, GET(AS(closure, (value)x[0].word), code));
  uint32_t required = c->a;
  bool rest = c->b != 0;
  struct scope *scope = AS(scope, make_scope(c->c));
  INIT(scope, up, GET(AS(closure, (value)x[0].word), scope));
  value list = x[1].word;
  for (uint32_t i = 0; i < required; i++, list = cdr(list)) {
    if (kind_of(list) != PAIR) eval_wrong_number(x[0].word);
    INIT(scope, at[i], car(list));
  }
  if (rest)
    INIT(scope, at[required], list);
  else if (list != NULL)
    eval_wrong_number(x[0].word);
  return &scope->is;
}

static value eval_primitive(midden_ref *x, int n) {
  const struct row *row = AS(primitive, (value)x[0].word)->row;
  if (n < row->least || (n > row->most && row->most >= 0)) eval_wrong_number(x[0].word);
  scheme.running = row;
  return row->call(x + 1, n);
}

// The same with the arguments in a list: a frame as long as it is.
static value eval_primitive_list(midden_ref *x) {
  int n = 0;
  for (value v = x[1].word; v != NULL; v = cdr(v)) n++;
  if (n > LIST_MOST) fail("more than %d arguments", LIST_MOST);
  midden_ref *slot = alloca(sizeof *slot * (size_t)(n + 1));
  slot[0] = x[0];
  value v = x[1].word;
  for (int i = 1; i <= n; i++, v = cdr(v)) slot[i].word = car(v);
#if SCHEME_PRECISE
  midden_frame frame = {scheme.m->frames, slot, (size_t)n + 1};
  scheme.m->frames = &frame;
#endif
  value result = eval_primitive(slot, n);
#if SCHEME_PRECISE
  scheme.m->frames = frame.up;
#endif
  return result;
}

// (apply f a b list): f becomes the callee, and x[1] a fresh list of a, b and what list holds.
static void eval_spread(midden_ref *x, int n) {
  FRAME(y, 2);  // what is left to copy, the last pair made
  y[0].word = n == IN_A_LIST ? x[1].word : eval_list(x, 0, n);
  x[0].word = car(y[0].word);
  x[1].word = NULL;
  y[0].word = cdr(y[0].word);
  bool last = false;
  for (;;) {
    if (!last && y[0].word != NULL && cdr(y[0].word) == NULL)
      last = true, y[0].word = car(y[0].word);
    if (kind_of(y[0].word) != PAIR) break;
    value v = cons(car(y[0].word), NULL);
    if (x[1].word == NULL)
      x[1].word = v;
    else
      SET(AS(pair, (value)y[1].word), cdr, v);
    y[1].word = v;
    y[0].word = cdr(y[0].word);
  }
  if (y[0].word != NULL) fail_with("apply: not a list", y[0].word);
  LEAVE(y);
}

static value eval_lambda(value code, value scope) {
  FRAME(x, 2);
  x[0].word = code;
  x[1].word = scope;
  struct closure *closure = AS(closure, make(CLOSURE));
  INIT(closure, code, x[0].word);
  INIT(closure, scope, x[1].word);
  LEAVE(x);
  return &closure->is;
}

static void eval_set_global(value symbol, value v, bool define) {
  if (!define) eval_global(symbol);
  SET(AS(symbol, symbol), global, v);
}

// ---- the loop: where a call is the last thing to do, it goes round ----

#define NODE AS(code, (value)x[CODE_AT].word)
#define CHILD(i) eval_value(GET(NODE, at[i]), x[SCOPE_AT].word)

// The values of a code's operands, its children from 1 on, into the slots behind the callee.
// returns their number; IN_A_LIST: there were too many, they are in a list.  No pair of that is
// changed once it is made, since call/cc in a later operand may come back here.
static int eval_operands(midden_ref *x) {
  int n = (int)NODE->a;
  if (n <= MOST_ARGUMENTS) {
    for (int i = 0; i < n; i++) x[ARGUMENT + i].word = CHILD(i + 1);
    return n;
  }
  FRAME(y, 1);
  for (int i = 1; i <= n; i++) {
    value v = CHILD(i);
    y[0].word = cons(v, y[0].word);
  }
  x[ARGUMENT].word = NULL;
  for (; y[0].word != NULL; y[0].word = cdr(y[0].word))
    x[ARGUMENT].word = cons(car(y[0].word), x[ARGUMENT].word);
  LEAVE(y);
  return IN_A_LIST;
}

static void eval_one_argument(midden_ref *x, int *n) {
  value list = x[ARGUMENT].word;
  if (*n == IN_A_LIST && list != NULL && cdr(list) == NULL) *n = 1, x[ARGUMENT].word = car(list);
  if (*n != 1) eval_wrong_number(x[CALLEE].word);
}

// Code in a scope; or, without code, a call.
static value eval_loop(value code, value scope, value callee, value list) {
  check_depth();
  FRAME(x, SLOTS);
  x[CODE_AT].word = code;
  x[SCOPE_AT].word = scope;
  x[CALLEE].word = callee;
  x[ARGUMENT].word = list;
  int n = IN_A_LIST;
  if (code == NULL) goto call;
  for (;;) {
    if (SCHEME_PRECISE) midden_gc_poll(scheme.m);
    switch ((enum op)NODE->op) {
      case CONSTANT_OF:
      case LOCAL0:
      case LOCAL1:
      case LOCAL:
      case GLOBAL:
        RETURN(x, eval_value(x[CODE_AT].word, x[SCOPE_AT].word));
      case LAMBDA:
        RETURN(x, eval_lambda(x[CODE_AT].word, x[SCOPE_AT].word));
      case SET_LOCAL: {
        value v = CHILD(0), to = eval_up(x[SCOPE_AT].word, NODE->a);
        SET(AS(scope, to), at[NODE->b], v);
        RETURN(x, scheme.root.unspecified);
      }
      case SET_GLOBAL:
      case DEFINE: {
        value v = CHILD(0);
        eval_set_global(GET(NODE, at[1]), v, NODE->op == DEFINE);
        RETURN(x, scheme.root.unspecified);
      }
      case IF: {
        value v = CHILD(0);
        x[CODE_AT].word = is_true(v) ? GET(NODE, at[1]) : GET(NODE, at[2]);
        continue;
      }
      case SEQUENCE: {
        size_t last = count_of(x[CODE_AT].word) - 1;
        for (size_t i = 0; i < last; i++) CHILD(i);
        x[CODE_AT].word = GET(NODE, at[last]);
        continue;
      }
      case OR: {
        size_t last = count_of(x[CODE_AT].word) - 1;
        for (size_t i = 0; i < last; i++) {
          value v = CHILD(i);
          if (is_true(v)) RETURN(x, v);
        }
        x[CODE_AT].word = GET(NODE, at[last]);
        continue;
      }
      case LET: {
        n = eval_operands(x);
        struct scope *inner = AS(scope, make_scope(NODE->c));
        INIT(inner, up, x[SCOPE_AT].word);
        value rest = n == IN_A_LIST ? x[ARGUMENT].word : NULL;
        for (int i = 0; rest != NULL; i++, rest = cdr(rest)) INIT(inner, at[i], car(rest));
        for (int i = 0; i < n; i++) INIT(inner, at[i], x[ARGUMENT + i].word);
        x[SCOPE_AT].word = inner;
        x[CODE_AT].word = GET(NODE, at[0]);
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
        value inner = n == IN_A_LIST ? eval_bind_list(x + CALLEE) : eval_bind(x + CALLEE, n);
        x[SCOPE_AT].word = inner;
        x[CODE_AT].word = GET(AS(code, GET(AS(closure, (value)x[CALLEE].word), code)), at[0]);
        continue;
      }
      case CONTINUATION: {
        eval_one_argument(x, &n);
        value winders = GET(AS(continuation, (value)x[CALLEE].word), winders);
        if (winders == scheme.root.winders) resume(x[CALLEE].word, x[ARGUMENT].word);
        x[ARGUMENT + 1].word = x[ARGUMENT].word;
        x[ARGUMENT].word = x[CALLEE].word;
        x[CALLEE].word = eval_global(scheme.root.throw);
        n = 2;
        goto call;
      }
      case PRIMITIVE:
        break;
      default:
        fail_with("not a procedure", x[CALLEE].word);
    }
    const struct row *row = AS(primitive, (value)x[CALLEE].word)->row;
    if (row->call != NULL)
      RETURN(x, n == IN_A_LIST ? eval_primitive_list(x + CALLEE) : eval_primitive(x + CALLEE, n));
    if (row->what == CALL_CC) {
      eval_one_argument(x, &n);
      value k = capture();
      if (k == NULL) RETURN(x, scheme.root.thrown);
      x[CALLEE].word = x[ARGUMENT].word;
      x[ARGUMENT].word = k;
    } else {
      if (n >= 0 && n < 2) eval_wrong_number(x[CALLEE].word);
      eval_spread(x + CALLEE, n);
      n = IN_A_LIST;
    }
    goto call;
  }
}

PRIMITIVE_IN_C(eval_resume) { resume(need(a[0], CONTINUATION), a[1].word); }
PRIMITIVE_IN_C(eval_eval) { return eval(analyse(a[0].word, NULL), NULL); }

// (%winders) those of now, (%winders k) those of a continuation.
PRIMITIVE_IN_C(eval_winders) {
  return n == 0 ? scheme.root.winders : GET(AS(continuation, need(a[0], CONTINUATION)), winders);
}

PRIMITIVE_IN_C(eval_handlers) { return scheme.root.handlers; }
PRIMITIVE_IN_C(eval_set_winders) { return scheme.root.winders = a[0].word; }
PRIMITIVE_IN_C(eval_set_handlers) { return scheme.root.handlers = a[0].word; }

// clang-format off
const struct row eval_rows[] = {
    ROW("apply", 2, -1, NULL, APPLY), ROW("call/cc", 1, 1, NULL, CALL_CC),
    ROW("call-with-current-continuation", 1, 1, NULL, CALL_CC), ROW("%resume", 2, 2, eval_resume),
    ROW("eval", 1, 1, eval_eval), ROW("%winders", 0, 1, eval_winders),
    ROW("%set-winders!", 1, 1, eval_set_winders), ROW("%handlers", 0, 0, eval_handlers),
    ROW("%set-handlers!", 1, 1, eval_set_handlers), {.name = NULL},
};
