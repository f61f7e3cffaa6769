// examples/scheme/analyse.c -- the analyser: data to code that finds its variables by number.
// SPDX-License-Identifier: MIT
//
// While a body is analysed, its variables are a list in the order of their numbers, the last one
// first; and `scopes` is a list of such lists, the innermost first, NULL at the top.  A definition
// within a body is a variable of the body.  Syntax is what a symbol is bound to at the top, and is
// not in scope: a procedure in C that is called with the form, the scopes, and makes code; or a
// macro, which makes another form.
#include "scheme.h"

enum { FORM, SCOPES };

static value analyse_rest(value form, int n) {
  for (; n > 0 && kind_of(form) == PAIR; n--) form = cdr(form);
  return form;
}

static value analyse_part(value form, int n) {
  form = analyse_rest(form, n);
  if (kind_of(form) != PAIR) fail("%s: a part is missing", scheme.running->name);
  return car(form);
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
  AS(code, v)->a = (uint32_t)children;
  v->line = scheme.line;
  return v;
}

static value analyse_constant(value v) {
  FRAME(x, 1, v);
  struct code *code = AS(code, analyse_code(CONSTANT_OF, 1));
  INIT(code, at[0], x[0].word);
  RETURN(x, &code->is);
}

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

// Code that gets a variable; or, with code `v`, sets it.  `global`: what does that at the top
static value analyse_variable(value name, value scopes, value v, enum op global) {
  uint32_t depth = 0, number = 0;
  bool local = analyse_find(name, scopes, &depth, &number);
  size_t children = (size_t)(v != NULL) + (size_t)!local;
  FRAME(x, 2, name, v);
  enum op op = v != NULL ? SET_LOCAL : LOCAL;
  struct code *code = AS(code, analyse_code(local ? op : global, children));
  code->a = depth;
  code->b = number;
  if (x[1].word != NULL) INIT(code, at[0], x[1].word);
  if (!local) INIT(code, at[children - 1], x[0].word);
  RETURN(x, &code->is);
}

// Code whose children are forms.
static value analyse_each(enum op op, value forms, value scopes) {
  FRAME(x, 3, forms, scopes);
  size_t count = analyse_length(forms);
  x[2].word = analyse_code(op, count);
  for (size_t i = 0; i < count; i++) {
    value v = analyse(car(x[0].word), x[1].word);
    SET(AS(code, (value)x[2].word), at[i], v);
    x[0].word = cdr(x[0].word);
  }
  RETURN(x, x[2].word);
}

static value analyse_sequence(value forms, value scopes) {
  if (forms == NULL) fail("a body is empty");
  if (kind_of(forms) == PAIR && cdr(forms) == NULL) return analyse(car(forms), scopes);
  return analyse_each(SEQUENCE, forms, scopes);
}

static bool analyse_has(value name, value names) {
  for (; names != NULL; names = cdr(names))
    if (car(names) == name) return true;
  return false;
}

// Variables with those that the body defines.
static value analyse_defined(value names, value forms) {
  FRAME(x, 2, names, forms);
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

static value analyse_procedure(value parameters, value forms, value scopes, value name) {
  FRAME(x, 5, parameters, forms, scopes, name);  // name, then names; code
  x[4].word = analyse_code(LAMBDA, 2);
  INIT(AS(code, (value)x[4].word), at[1], x[3].word);
  x[3].word = NULL;
  uint32_t required = 0;
  for (; kind_of(x[0].word) == PAIR; x[0].word = cdr(x[0].word), required++)
    x[3].word = cons(car(x[0].word), x[3].word);
  bool rest = x[0].word != NULL;
  if (rest) x[3].word = cons(x[0].word, x[3].word);
  for (value v = x[3].word; v != NULL; v = cdr(v))
    if (kind_of(car(v)) != SYMBOL) fail_with("a parameter is not a symbol", car(v));
  x[3].word = analyse_defined(x[3].word, x[1].word);
  value inner = cons(x[3].word, x[2].word);
  inner = analyse_sequence(x[1].word, inner);
  struct code *code = AS(code, (value)x[4].word);
  code->a = required;
  code->b = rest;
  code->c = (uint32_t)analyse_length(x[3].word);
  SET(code, at[0], inner);
  RETURN(x, &code->is);
}

PRIMITIVE_IN_C(analyse_quote) { return analyse_constant(analyse_part(a[FORM].word, 1)); }

PRIMITIVE_IN_C(analyse_if) {
  FRAME(x, 1, analyse_code(IF, 3));
  for (int i = 0; i < 3; i++) {
    bool absent = i == 2 && analyse_rest(a[FORM].word, 3) == NULL;
    value part = absent ? scheme.root.unspecified : analyse_part(a[FORM].word, i + 1);
    part = analyse(part, a[SCOPES].word);
    SET(AS(code, (value)x[0].word), at[i], part);
  }
  RETURN(x, x[0].word);
}

PRIMITIVE_IN_C(analyse_define) {
  FRAME(x, 1, analyse_part(a[FORM].word, 1));
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
  RETURN(x, analyse_variable(name, a[SCOPES].word, v, DEFINE));
}

PRIMITIVE_IN_C(analyse_set) {
  value v = analyse(analyse_part(a[FORM].word, 2), a[SCOPES].word);
  value name = analyse_part(a[FORM].word, 1);
  if (kind_of(name) != SYMBOL) fail_with("set!: not a symbol", name);
  return analyse_variable(name, a[SCOPES].word, v, SET_GLOBAL);
}

PRIMITIVE_IN_C(analyse_lambda) {
  return analyse_procedure(analyse_part(a[FORM].word, 1), analyse_rest(a[FORM].word, 2),
                           a[SCOPES].word, NULL);
}

PRIMITIVE_IN_C(analyse_begin) { return analyse_sequence(cdr(a[FORM].word), a[SCOPES].word); }

PRIMITIVE_IN_C(analyse_or) {
  if (cdr(a[FORM].word) == NULL) return analyse_constant(scheme.root.no);
  return analyse_each(OR, cdr(a[FORM].word), a[SCOPES].word);
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
  return analyse_constant(scheme.root.unspecified);
}

// clang-format off
const struct row analyse_rows[] = {
    ROW("quote", 0, 0, analyse_quote), ROW("if", 0, 0, analyse_if),
    ROW("define", 0, 0, analyse_define), ROW("set!", 0, 0, analyse_set),
    ROW("lambda", 0, 0, analyse_lambda), ROW("begin", 0, 0, analyse_begin),
    ROW("or", 0, 0, analyse_or), ROW("define-macro", 0, 0, analyse_macro), {.name = NULL},
};
// clang-format on

value analyse(value form, value scopes) {
  check_depth();
  if (kind_of(form) == SYMBOL) return analyse_variable(form, scopes, NULL, GLOBAL);
  if (kind_of(form) != PAIR) return analyse_constant(form);
  FRAME(x, 2, form, scopes);
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
  RETURN(x, analyse_each(CALL, form, scopes));
}
