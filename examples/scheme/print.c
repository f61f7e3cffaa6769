// examples/scheme/print.c -- the printer: data to text; and errors.
// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "scheme.h"

static void print_string(FILE *to, value v) {
  fputc('"', to);
  for (size_t i = 0; i < count_of(v); i++) {
    char c = AS(string, v)->text[i];
    if (c == '"' || c == '\\') fputc('\\', to);
    if (c == '\n')
      fputs("\\n", to);
    else
      fputc(c, to);
  }
  fputc('"', to);
}

static void print_character(FILE *to, uint64_t code, bool as_written) {
  if (!as_written)
    fputc((int)code, to);
  else if (code == ' ' || code == '\n')
    fputs(code == ' ' ? "#\\space" : "#\\newline", to);
  else if (code > ' ' && code < 127)
    fprintf(to, "#\\%c", (int)code);
  else
    fprintf(to, "#\\x%x", (unsigned)code);
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
  fputc('(', to);
  for (;;) {
    print(to, car(v), as_written);
    v = cdr(v);
    if (kind_of(v) != PAIR) break;
    fputc(' ', to);
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
  static const char *const constant[] = {"#<unbound>", "#f", "#t", "#<unspecified>", "#<end>"};
  check_depth();
  switch (kind_of(v)) {
    case NIL:
      fputs("()", to);
      break;
    case CONSTANT:
      fputs(constant[v->line], to);
      break;
    case PAIR:
      print_list(to, v, as_written);
      break;
    case FIXNUM:
      fprintf(to, "%lld", (long long)AS(number, v)->fixnum);
      break;
    case FLONUM:
      print_flonum(to, AS(number, v)->flonum);
      break;
    case CHARACTER:
      print_character(to, AS(number, v)->character, as_written);
      break;
    case STRING:
      if (as_written)
        print_string(to, v);
      else
        fwrite(AS(string, v)->text, 1, count_of(v), to);
      break;
    case SYMBOL:
      fwrite(AS(symbol, v)->name, 1, count_of(v), to);
      break;
    case VECTOR:
      print_vector(to, v, as_written);
      break;
    case TABLE:
      fprintf(to, "#<table of %lld>", (long long)AS(table, v)->count);
      break;
    case CLOSURE:
      print_procedure(to, v);
      break;
    case PRIMITIVE:
      fprintf(to, "#<procedure %s>", AS(primitive, v)->row->name);
      break;
    default:
      fprintf(to, "#<%s>", midden_gc_type_name(midden_gc_type_of(v)));
  }
}

// ---- errors ----

void die(const char *what) {
  fflush(stdout);
  if (scheme.text.file != NULL)
    fprintf(stderr, "scheme: %s:%u: %s\n", scheme.text.file, scheme.line, what);
  else
    fprintf(stderr, "scheme: %s\n", what);
  exit(1);
}

// Handlers are called with the sentence; see `raise` in prelude.c.
static void raise_error(const char *text) {
  value raise = GET(AS(symbol, scheme.root.raise), global);
  if (scheme.root.handlers == NULL || raise == scheme.root.unbound) die(text);
  if (scheme.deepest != scheme.most_deep) die(text);
  scheme.deepest -= SPARE / 2;  // until a handler has left for a continuation
  FRAME(x, 1);
  x[0].word = cons(string(text, strlen(text)), NULL);
  apply(GET(AS(symbol, scheme.root.raise), global), x[0].word);
  LEAVE(x);
  die(text);
}

void fail(const char *format, ...) {
  char text[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  raise_error(text);
  abort();
}

void fail_with(const char *what, value v) {
  char shown[200] = "";
  FILE *to = fmemopen(shown, sizeof shown, "w");
  if (to != NULL) {
    print(to, v, true);
    fclose(to);
  }
  shown[sizeof shown - 1] = '\0';
  fail("%s: %s", what, shown);
}
