// examples/scheme/print.c -- the printer: data to text; and errors.
// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdlib.h>

#include "scheme.h"

static void print_string(FILE *to, value v) {
  fputc('"', to);
  for (size_t i = 0; i < count_of(v); i++) {
    char c = AS(string, v)->text[i];
    if (c == '"' || c == '\\' || c == '\n') fputc('\\', to);
    fputc(c == '\n' ? 'n' : c, to);
  }
  fputc('"', to);
}

static void print_character(FILE *to, unsigned code, bool as_written) {
  if (!as_written)
    fputc((int)code, to);
  else if (code == ' ' || code == '\n')
    fputs(code == ' ' ? "#\\space" : "#\\newline", to);
  else if (code > ' ' && code < 127)
    fprintf(to, "#\\%c", (int)code);
  else
    fprintf(to, "#\\x%x", code);
}

static void print_flonum(FILE *to, double number) {
  char text[40];
  // The fewest digits that read as the same number.
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, number);
    if (strtod(text, NULL) == number) break;
  }
  fputs(text, to);
  if (strpbrk(text, ".en") == NULL) fputc('.', to);
}

static void print_list(FILE *to, value v, bool as_written) {
  for (char before = '('; kind_of(v) == PAIR; v = cdr(v), before = ' ') {
    fputc(before, to);
    print(to, car(v), as_written);
  }
  if (v != NULL) {
    fputs(" . ", to);
    print(to, v, as_written);
  }
  fputc(')', to);
}

static void print_vector(FILE *to, value v, bool as_written) {
  fputs("#(", to);
  for (size_t i = 0; i < count_of(v); i++) {
    if (i > 0) fputc(' ', to);
    print(to, GET(AS(vector, v), at[i]), as_written);
  }
  fputc(')', to);
}

static void print_procedure(FILE *to, value v) {
  value name = GET(AS(code, GET(AS(closure, v), code)), at[1]);
  fputs("#<procedure", to);
  if (name != NULL) fprintf(to, " %.*s", (int)count_of(name), AS(symbol, name)->name);
  fputc('>', to);
}

// Allocates nothing.
void print(FILE *to, value v, bool as_written) {
  static const char *const constant[] = {"#<unbound>", "#f", "#t", "#<unspecified>"};
  check_depth();
  enum kind kind = kind_of(v);
  if (kind == NIL)
    fputs("()", to);
  else if (kind == CONSTANT)
    fputs(constant[v->line], to);
  else if (kind == PAIR)
    print_list(to, v, as_written);
  else if (kind == FIXNUM)
    fprintf(to, "%lld", (long long)AS(number, v)->fixnum);
  else if (kind == FLONUM)
    print_flonum(to, AS(number, v)->flonum);
  else if (kind == CHARACTER)
    print_character(to, (unsigned)AS(number, v)->fixnum, as_written);
  else if (kind == STRING && as_written)
    print_string(to, v);
  else if (kind == STRING)
    fwrite(AS(string, v)->text, 1, count_of(v), to);
  else if (kind == SYMBOL)
    fwrite(AS(symbol, v)->name, 1, count_of(v), to);
  else if (kind == VECTOR)
    print_vector(to, v, as_written);
  else if (kind == TABLE)
    fprintf(to, "#<table of %lld>", (long long)AS(table, v)->count);
  else if (kind == CLOSURE)
    print_procedure(to, v);
  else if (kind == PRIMITIVE)
    fprintf(to, "#<procedure %s>", AS(primitive, v)->row->name);
  else
    fprintf(to, "#<%s>", midden_gc_type_name(midden_gc_type_of(v)));
}

// ---- errors ----

void die(const char *what) {
  fflush(stdout);
  if (scheme.file != NULL)
    fprintf(stderr, "scheme: %s:%u: %s\n", scheme.file, scheme.line, what);
  else
    fprintf(stderr, "scheme: %s\n", what);
  exit(1);
}

// Handlers are called with the sentence; see `raise` in prelude.c.
void fail(const char *format, ...) {
  char text[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  value raise = symbol("raise", 5);
  bool unbound = GET(AS(symbol, raise), global) == scheme.root.unbound;
  if (unbound || scheme.deepest != scheme.most_deep) die(text);
  scheme.deepest -= SPARE / 2;  // until a handler has left for a continuation
  FRAME(x, 1, raise);
  value list = cons(string(text, strlen(text)), NULL);
  apply(GET(AS(symbol, (value)x[0].word), global), list);
  die(text);
}

void fail_with(const char *what, value v) {
  char shown[200] = "";
  FILE *to = fmemopen(shown, sizeof shown - 1, "w");
  if (to != NULL) {
    print(to, v, true);
    fclose(to);
  }
  fail("%s: %s", what, shown);
}
