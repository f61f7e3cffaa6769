// examples/scheme/analyse.c -- the analyser: data to code that finds its variables by number.
// SPDX-License-Identifier: MIT
//
// While a body is analysed, its variables are a list in the order of their numbers, the last one
// first; and `scopes` is a list of such lists, the innermost first, NULL at the top.  A definition
// within a body is a variable of the body.  Syntax is what a symbol is bound to at the top, and is
// not in scope: a procedure in C that is called with the form, the scopes, and makes code; or a
// macro, which makes another form.
#include <string.h>

#include "eval.h"

enum { FORM, SCOPES };

static value analyse_part(value form, int n) {
  for (; n > 0 && kind_of(form) == PAIR; n--) form = cdr(form);
  if (kind_of(form) != PAIR) fail("%s: a part is missing", scheme.running->name);
  return car(form);
}

static value analyse_rest(value form, int n) {
  for (; n > 0 && kind_of(form) == PAIR; n--) form = cdr(form);
  return form;
}

static size_t analyse_length(value list) {
  size_t count = 0;
  for (; kind_of(list) == PAIR; list = cdr(list)) count++;
  if (list != NULL) fail_with("a list is wanted", list);
  return count;
}

static value analyse_code(enum op op, size_t children) {
  value v = make_array(CODE, children);
  AS(code, v)->op = op;
  v->line = scheme.line;
  return v;
}

// Make `v` the child of number i.
static void analyse_child(midden_ref *code, size_t i, value v) {
  SET(AS(code, (value)code->word), at[i], v);
}

// ---- variables ----

// Whether `name` is in scope, so many scopes up, by which number.
static bool analyse_find(value name, value scopes, uint32_t *depth, uint32_t *number) {
  for (*depth = 0; scopes != NULL; scopes = cdr(scopes), ++*depth)
    for (value v = car(scopes); v != NULL; v = cdr(v))
      if (car(v) == name) {
        *number = (uint32_t)analyse_length(cdr(v));
        return true;
      }
  return false;
}

static value analyse_variable(value name, value scopes) {
  uint32_t depth, number;
  if (analyse_find(name, scopes, &depth, &number)) {
    struct code *code = AS(code, analyse_code(depth == 0   ? LOCAL0
                                              : depth == 1 ? LOCAL1
                                                           : LOCAL,
                                              0));
    code->a = depth;
    code->b = number;
    return &code->is;
  }
  FRAME(x, 1);
  x[0].word = name;
  value v = analyse_code(GLOBAL, 1);
  INIT(AS(code, v), at[0], x[0].word);
  RETURN(x, v);
}

// A store of code `v` to a variable.
static value analyse_store(value name, value scopes, value v, enum op global) {
  uint32_t depth, number;
  FRAME(x, 3);
  x[0].word = name;
  x[1].word = v;
  if (analyse_find(name, scopes, &depth, &number)) {
    struct code *code = AS(code, analyse_code(SET_LOCAL, 1));
    code->a = depth;
    code->b = number;
    INIT(code, at[0], x[1].word);
    RETURN(x, &code->is);
  }
  struct code *code = AS(code, analyse_code(global, 2));
  INIT(code, at[0], x[1].word);
  INIT(code, at[1], x[0].word);
  RETURN(x, &code->is);
}

// ---- bodies ----

static value analyse_sequence(value forms, value scopes) {
  if (kind_of(forms) == PAIR && cdr(forms) == NULL) return analyse(car(forms), scopes);
  FRAME(x, 3);
  x[0].word = forms;
  x[1].word = scopes;
  size_t count = analyse_length(forms);
  if (count == 0) fail("a body is empty");
  x[2].word = analyse_code(SEQUENCE, count);
  for (size_t i = 0; i < count; i++) {
    value v = analyse(car(x[0].word), x[1].word);
    analyse_child(&x[2], i, v);
    x[0].word = cdr(x[0].word);
  }
  RETURN(x, x[2].word);
}

static bool analyse_has(value name, value names) {
  for (; names != NULL; names = cdr(names))
    if (car(names) == name) return true;
  return false;
}

// Variables with those that the body defines.
static value analyse_defined(value names, value forms) {
  FRAME(x, 2);
  x[0].word = names;
  x[1].word = forms;
  for (; kind_of(x[1].word) == PAIR; x[1].word = cdr(x[1].word)) {
    value form = car(x[1].word);
    if (kind_of(form) != PAIR) continue;
    if (car(form) == scheme.root.begin) {
      x[0].word = analyse_defined(x[0].word, cdr(form));
    } else if (car(form) == scheme.root.define && kind_of(cdr(form)) == PAIR) {
      value name = car(cdr(form));
      if (kind_of(name) == PAIR) name = car(name);
      if (!analyse_has(name, x[0].word)) x[0].word = cons(name, x[0].word);
    }
  }
  RETURN(x, x[0].word);
}

// The code of a body with these variables, those it defines with them; *count: all of them.
static value analyse_body(value names, value forms, value scopes, uint32_t *count) {
  FRAME(x, 2);
  x[0].word = forms;
  x[1].word = scopes;
  value all = analyse_defined(names, forms);
  *count = (uint32_t)analyse_length(all);
  x[1].word = cons(all, x[1].word);
  RETURN(x, analyse_sequence(x[0].word, x[1].word));
}

static value analyse_procedure(value parameters, value forms, value scopes, value name) {
  FRAME(x, 5);  // parameters, forms, scopes, names, code
  x[0].word = parameters;
  x[1].word = forms;
  x[2].word = scopes;
  x[4].word = name;
  value v = analyse_code(LAMBDA, 2);
  INIT(AS(code, v), at[1], x[4].word);
  x[4].word = v;
  uint32_t required = 0, all;
  for (; kind_of(x[0].word) == PAIR; x[0].word = cdr(x[0].word), required++)
    x[3].word = cons(car(x[0].word), x[3].word);
  bool rest = x[0].word != NULL;
  if (rest) x[3].word = cons(x[0].word, x[3].word);
  for (v = x[3].word; v != NULL; v = cdr(v))
    if (kind_of(car(v)) != SYMBOL) fail_with("a parameter is not a symbol", car(v));
  v = analyse_body(x[3].word, x[1].word, x[2].word, &all);
  struct code *code = AS(code, (value)x[4].word);
  code->a = required;
  code->b = rest;
  code->c = all;
  SET(code, at[0], v);
  RETURN(x, x[4].word);
}

// ---- syntax ----

PRIMITIVE_IN_C(analyse_quote) {
  value v = analyse_code(CONSTANT_OF, 1);
  INIT(AS(code, v), at[0], analyse_part(a[FORM].word, 1));
  return v;
}

PRIMITIVE_IN_C(analyse_if) {
  FRAME(x, 1);
  x[0].word = analyse_code(IF, 3);
  for (int i = 0; i < 3; i++) {
    bool absent = i == 2 && analyse_rest(a[FORM].word, 3) == NULL;
    value part = absent ? scheme.root.unspecified : analyse_part(a[FORM].word, i + 1);
    part = analyse(part, a[SCOPES].word);
    analyse_child(&x[0], (size_t)i, part);
  }
  RETURN(x, x[0].word);
}

PRIMITIVE_IN_C(analyse_define) {
  FRAME(x, 1);
  x[0].word = analyse_part(a[FORM].word, 1);
  value v;
  if (kind_of(x[0].word) == PAIR) {
    value parameters = cdr(x[0].word);
    x[0].word = car(x[0].word);
    v = analyse_procedure(parameters, analyse_rest(a[FORM].word, 2), a[SCOPES].word, x[0].word);
  } else {
    v = analyse(analyse_part(a[FORM].word, 2), a[SCOPES].word);
  }
  value name = x[0].word;
  if (kind_of(name) != SYMBOL) fail_with("define: not a symbol", name);
  if (a[SCOPES].word != NULL && !analyse_has(name, car(a[SCOPES].word)))
    fail_with("define: neither at the top nor in a body", name);
  RETURN(x, analyse_store(name, a[SCOPES].word, v, DEFINE));
}

PRIMITIVE_IN_C(analyse_set) {
  value v = analyse(analyse_part(a[FORM].word, 2), a[SCOPES].word);
  value name = analyse_part(a[FORM].word, 1);
  if (kind_of(name) != SYMBOL) fail_with("set!: not a symbol", name);
  return analyse_store(name, a[SCOPES].word, v, SET_GLOBAL);
}

PRIMITIVE_IN_C(analyse_lambda) {
  return analyse_procedure(analyse_part(a[FORM].word, 1), analyse_rest(a[FORM].word, 2),
                           a[SCOPES].word, NULL);
}

PRIMITIVE_IN_C(analyse_begin) { return analyse_sequence(cdr(a[FORM].word), a[SCOPES].word); }

PRIMITIVE_IN_C(analyse_or) {
  size_t count = analyse_length(cdr(a[FORM].word));
  if (count == 0) return analyse(scheme.root.no, NULL);
  value v = analyse_sequence(cdr(a[FORM].word), a[SCOPES].word);
  if (count > 1) AS(code, v)->op = OR;
  return v;
}

PRIMITIVE_IN_C(analyse_let) {
  value bindings = analyse_part(a[FORM].word, 1);
  if (kind_of(bindings) == SYMBOL) {
    value named = symbol("%named-let", 10);
    named = cons(named, cdr(a[FORM].word));  // before the scopes are read, which may move in it
    return analyse(named, a[SCOPES].word);
  }
  size_t count = analyse_length(bindings);
  FRAME(x, 3);  // bindings, code, names
  x[0].word = bindings;
  x[1].word = analyse_code(LET, count + 1);
  for (size_t i = 0; i < count; i++) {
    value v = analyse(analyse_part(car(x[0].word), 1), a[SCOPES].word);
    analyse_child(&x[1], i + 1, v);
    x[2].word = cons(analyse_part(car(x[0].word), 0), x[2].word);
    x[0].word = cdr(x[0].word);
  }
  uint32_t all;
  value v = analyse_body(x[2].word, analyse_rest(a[FORM].word, 2), a[SCOPES].word, &all);
  AS(code, (value)x[1].word)->a = (uint32_t)count;
  AS(code, (value)x[1].word)->c = all;
  analyse_child(&x[1], 0, v);
  RETURN(x, x[1].word);
}

// (define-macro (NAME . PARAMETERS) BODY ...): at once, and for all scopes.
PRIMITIVE_IN_C(analyse_macro) {
  value head = analyse_part(a[FORM].word, 1);
  if (kind_of(head) != PAIR || kind_of(car(head)) != SYMBOL)
    fail_with("define-macro: not a name with parameters", head);
  value code = analyse_procedure(cdr(head), analyse_rest(a[FORM].word, 2), NULL, car(head));
  value macro = eval(code, NULL);
  macro->kind = MACRO;
  SET(AS(symbol, car(analyse_part(a[FORM].word, 1))), global, macro);
  return analyse(scheme.root.unspecified, NULL);
}

// clang-format off
const struct row analyse_rows[] = {
    ROW("quote", 0, 0, analyse_quote), ROW("if", 0, 0, analyse_if),
    ROW("define", 0, 0, analyse_define), ROW("set!", 0, 0, analyse_set),
    ROW("lambda", 0, 0, analyse_lambda), ROW("begin", 0, 0, analyse_begin),
    ROW("or", 0, 0, analyse_or), ROW("let", 0, 0, analyse_let),
    ROW("define-macro", 0, 0, analyse_macro), {.name = NULL},
};
// clang-format on

// ---- forms ----

static value analyse_call(value form, value scopes) {
  FRAME(x, 3);
  x[0].word = form;
  x[1].word = scopes;
  size_t count = analyse_length(form);
  x[2].word = analyse_code(CALL, count);
  AS(code, (value)x[2].word)->a = (uint32_t)count - 1;
  for (size_t i = 0; i < count; i++) {
    value v = analyse(car(x[0].word), x[1].word);
    analyse_child(&x[2], i, v);
    x[0].word = cdr(x[0].word);
  }
  RETURN(x, x[2].word);
}

value analyse(value form, value scopes) {
  check_depth();
  if (kind_of(form) == SYMBOL) return analyse_variable(form, scopes);
  FRAME(x, 2);
  x[FORM].word = form;
  x[SCOPES].word = scopes;
  if (kind_of(form) != PAIR) {
    value v = analyse_code(CONSTANT_OF, 1);
    INIT(AS(code, v), at[0], x[FORM].word);
    RETURN(x, v);
  }
  if (form->line != 0) scheme.line = form->line;
  uint32_t depth, number;
  value head = car(form), syntax = NULL;
  if (kind_of(head) == SYMBOL && !analyse_find(head, scopes, &depth, &number))
    syntax = GET(AS(symbol, head), global);
  if (kind_of(syntax) == SYNTAX) {
    scheme.running = AS(primitive, syntax)->row;
    RETURN(x, scheme.running->call(x, 2));
  }
  if (kind_of(syntax) == MACRO) {
    value made = apply(syntax, cdr(form));
    RETURN(x, analyse(made, x[SCOPES].word));
  }
  RETURN(x, analyse_call(form, scopes));
}
