// examples/scheme/text.c -- characters, strings, symbols.
// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdlib.h>

#include "scheme.h"

static int text_letter(midden_ref slot) {
  return (int)(AS(number, need(slot, CHARACTER))->fixnum & 255);
}

PRIMITIVE_IN_C(text_to_integer) { return fixnum(text_letter(a[0])); }
PRIMITIVE_IN_C(text_of_integer) { return character(need_index(a[0], 256)); }
PRIMITIVE_IN_C(text_changed) {
  return character((uint64_t)scheme.running->letter(text_letter(a[0])));
}
PRIMITIVE_IN_C(text_is) { return boolean(scheme.running->letter(text_letter(a[0])) != 0); }

static char *text_of(midden_ref slot) { return AS(string, need(slot, STRING))->text; }
static size_t text_bytes(midden_ref slot) { return count_of(need(slot, STRING)); }

PRIMITIVE_IN_C(text_make) {
  value v = make_array(STRING, need_index(a[0], MOST_ELEMENTS));
  memset(AS(string, v)->text, n == 2 ? text_letter(a[1]) : ' ', count_of(v));
  return v;
}

PRIMITIVE_IN_C(text_ref) {
  size_t i = need_index(a[1], text_bytes(a[0]));
  return character((unsigned char)text_of(a[0])[i]);
}

PRIMITIVE_IN_C(text_set) {
  size_t i = need_index(a[1], text_bytes(a[0]));
  text_of(a[0])[i] = (char)text_letter(a[2]);
  return scheme.root.unspecified;
}

PRIMITIVE_IN_C(text_substring) {
  size_t end = n == 3 ? need_index(a[2], text_bytes(a[0]) + 1) : text_bytes(a[0]);
  size_t start = need_index(a[1], end + 1);
  value v = make_array(STRING, end - start);
  memcpy(AS(string, v)->text, text_of(a[0]) + start, end - start);
  return v;
}

PRIMITIVE_IN_C(text_append) {
  size_t bytes = 0;
  for (int i = 0; i < n; i++) bytes += text_bytes(a[i]);
  value v = make_array(STRING, bytes);
  char *at = AS(string, v)->text;
  for (int i = 0; i < n; at += text_bytes(a[i]), i++) memcpy(at, text_of(a[i]), text_bytes(a[i]));
  return v;
}

static int text_order(midden_ref *a) {
  size_t x = text_bytes(a[0]), y = text_bytes(a[1]);
  int order = memcmp(text_of(a[0]), text_of(a[1]), x < y ? x : y);
  return order != 0 ? order : (x > y) - (x < y);
}

PRIMITIVE_IN_C(text_equal) { return boolean(text_order(a) == 0); }
PRIMITIVE_IN_C(text_less) { return boolean(text_order(a) < 0); }

// A symbol or number.  They are made of text outside of the heap, since that in it may move.
PRIMITIVE_IN_C(text_read) {
  char copy[1000];
  size_t bytes = text_bytes(a[0]);
  if (bytes > sizeof copy) fail("%s: longer than 1000 bytes", scheme.running->name);
  memcpy(copy, text_of(a[0]), bytes);
  if (scheme.running->what == SYMBOL) return symbol(copy, bytes);
  value number = read_number(copy, bytes);
  return number != NULL ? number : boolean(false);
}

// Anything as `display` or `write` shows it.
PRIMITIVE_IN_C(text_show) {
  char *text = NULL;
  size_t bytes;
  FILE *to = open_memstream(&text, &bytes);
  if (to == NULL) die("out of memory");
  print(to, a[0].word, n == 2 && is_true(a[1].word));
  fclose(to);
  value v = string(text, bytes);
  free(text);
  return v;
}

// clang-format off
const struct row text_rows[] = {
    ROW("char->integer", 1, 1, text_to_integer), ROW("integer->char", 1, 1, text_of_integer),
    ROW("char-upcase", 1, 1, text_changed, .letter = toupper),
    ROW("char-downcase", 1, 1, text_changed, .letter = tolower),
    ROW("char-alphabetic?", 1, 1, text_is, .letter = isalpha),
    ROW("char-numeric?", 1, 1, text_is, .letter = isdigit),
    ROW("char-whitespace?", 1, 1, text_is, .letter = isspace), ROW("make-string", 1, 2, text_make),
    ROW("string-ref", 2, 2, text_ref), ROW("string-set!", 3, 3, text_set),
    ROW("substring", 2, 3, text_substring), ROW("string-append", 0, -1, text_append),
    ROW("string=?", 2, 2, text_equal), ROW("string<?", 2, 2, text_less),
    ROW("string->symbol", 1, 1, text_read, SYMBOL), ROW("symbol->string", 1, 1, text_show),
    ROW("string->number", 1, 1, text_read, FIXNUM), ROW("number->string", 1, 1, text_show),
    ROW("%show", 1, 2, text_show), {.name = NULL},
};
