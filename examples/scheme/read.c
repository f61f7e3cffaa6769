// examples/scheme/read.c -- the reader: text to data.
// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdlib.h>

#include "scheme.h"

enum { READ_MOST = 1000 };  // bytes of a symbol or string

static value read_datum(void);

// The text ends with '\0', which is EOF here.
static int read_peek(void) { return *scheme.text == '\0' ? EOF : (unsigned char)*scheme.text; }

static int read_char(void) {
  int c = read_peek();
  if (c != EOF) scheme.text++;
  if (c == '\n') scheme.text_line++;
  return c;
}

static void read_failed(const char *what) {
  scheme.line = scheme.text_line;
  scheme.text += strlen(scheme.text);
  fail("%s", what);
}

// Past blanks and comments; the next character.
static int read_past_space(void) {
  for (;;) {
    int c = read_peek();
    if (c == ';') {
      while (read_peek() != '\n' && read_peek() != EOF) read_char();
    } else if (c == '#' && scheme.text[1] == '|') {
      read_char();
      read_char();
      for (c = read_char(); !(c == '|' && read_peek() == '#'); c = read_char())
        if (c == EOF) read_failed("a comment does not end");
      read_char();
    } else if (c != EOF && isspace(c)) {
      read_char();
    } else {
      return c;
    }
  }
}

static bool read_ends(int c) {
  return c == EOF || c == '\0' || isspace(c) || c == '(' || c == ')' || c == '"' || c == ';' ||
         c == '\'';
}

static value read_list(void) {
  FRAME(x, 2);  // the list, its last pair
  for (;;) {
    int c = read_past_space();
    if (c == EOF) read_failed("a list does not end");
    if (c == ')') break;
    bool dot = c == '.' && read_ends((unsigned char)scheme.text[1]);
    if (dot) read_char();
    if (dot && x[0].word == NULL) read_failed("nothing is before the dot");
    uint32_t line = scheme.text_line;
    value v = read_datum();
    if (dot) {
      SET(AS(pair, x[1].word), cdr, v);
      if (read_past_space() != ')') read_failed("more than one is after the dot");
      break;
    }
    v = cons(v, NULL);
    v->line = line;
    if (x[0].word == NULL)
      x[0].word = v;
    else
      SET(AS(pair, x[1].word), cdr, v);
    x[1].word = v;
  }
  read_char();
  RETURN(x, x[0].word);
}

static value read_vector(void) {
  read_char();
  FRAME(x, 1, read_list());
  RETURN(x, list_to_vector(x, 1));
}

static value read_string(void) {
  char text[READ_MOST];
  size_t bytes = 0;
  for (int c = read_char(); c != '"'; c = read_char()) {
    if (c == EOF) read_failed("a string does not end");
    if (bytes == sizeof text) read_failed("a string is longer than 1000 bytes");
    if (c == '\\') {
      c = read_char();
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
    text[bytes++] = (char)c;
  }
  return string(text, bytes);
}

static value read_character(const char *name, size_t bytes) {
  if (bytes == 1) return character((unsigned char)*name);
  if (bytes == 5 && memcmp(name, "space", 5) == 0) return character(' ');
  if (bytes == 7 && memcmp(name, "newline", 7) == 0) return character('\n');
  if (bytes == 3 && memcmp(name, "tab", 3) == 0) return character('\t');
  if (bytes > 1 && name[0] == 'x') return character(strtoul(name + 1, NULL, 16));
  read_failed("no character has this name");
  return NULL;
}

value read_number(const char *text, size_t bytes) {
  char copy[64], *end;
  bool digit = false;
  for (size_t i = 0; i < bytes; i++) {
    digit = digit || isdigit((unsigned char)text[i]);
    if (!digit && strchr("+-.", text[i]) == NULL) return NULL;
  }
  if (!digit || bytes >= sizeof copy) return NULL;
  memcpy(copy, text, bytes);
  copy[bytes] = '\0';
  long long whole = strtoll(copy, &end, 10);
  if (*end == '\0') return fixnum(whole);
  double real = strtod(copy, &end);
  return *end == '\0' ? flonum(real) : NULL;
}

static value read_word(void) {
  char text[READ_MOST];
  size_t bytes = 0;
  bool sharp = read_peek() == '#';
  while (!read_ends(read_peek()) || (sharp && bytes == 2 && text[1] == '\\')) {
    if (read_peek() == EOF) read_failed("the text ends within a character");
    if (bytes == sizeof text) read_failed("a symbol is longer than 1000 bytes");
    text[bytes++] = (char)read_char();
  }
  if (sharp && bytes >= 3 && text[1] == '\\') return read_character(text + 2, bytes - 2);
  if (sharp && bytes == 2 && text[1] == 't') return scheme.root.yes;
  if (sharp && bytes == 2 && text[1] == 'f') return scheme.root.no;
  if (sharp && bytes == 1 && read_peek() == '(') return read_vector();
  if (sharp) read_failed("nothing is written with this after #");
  value number = read_number(text, bytes);
  return number != NULL ? number : symbol(text, bytes);
}

// 'x and its like: a list of two.
static value read_quoted(value *name) {
  uint32_t line = scheme.text_line;
  value v = cons(read_datum(), NULL);
  v = cons(*name, v);
  v->line = line;
  return v;
}

static value read_datum(void) {
  check_depth();
  int c = read_past_space();
  if (c == EOF) read_failed("the text ends within a list");
  if (c == ')') read_char(), read_failed("a ) has no ( before it");
  if (strchr("('`,\"", c) == NULL) return read_word();
  read_char();
  if (c == '(') return read_list();
  if (c == '"') return read_string();
  if (c == '\'') return read_quoted(&scheme.root.quote);
  if (c == '`') return read_quoted(&scheme.root.quasiquote);
  if (read_peek() != '@') return read_quoted(&scheme.root.unquote);
  read_char();
  return read_quoted(&scheme.root.splicing);
}

bool read_next(value *out) {
  if (read_past_space() == EOF) return false;
  scheme.line = scheme.text_line;
  *out = read_datum();
  return true;
}
