// tests/findings/stack_recursion.c -- three functions of a parser call one another without end.
// SPDX-License-Identifier: MIT
//
// expect: stack likely parse_sum|parse_product|parse_value
// run: --diagnose-crash
// ends: SIGSEGV
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

static const char *at;

__attribute__((noinline)) int parse_sum(void);

PLANT int parse_value(void) {  // HERE
  if (*at == '(') {
#ifdef MENDED
    at++;
#endif
    int value = parse_sum();  // HERE
    if (*at == ')') at++;
    return value;
  }
  return (int)strtol(at, (char **)&at, 10);
}

__attribute__((noinline)) int parse_product(void) {  // HERE
  int value = parse_value();                         // HERE
  while (*at == '*') {
    at++;
    value *= parse_value();  // HERE
  }
  return value;
}

__attribute__((noinline)) int parse_sum(void) {  // HERE
  int value = parse_product();                   // HERE
  while (*at == '+') {
    at++;
    value += parse_product();  // HERE
  }
  return value;
}

int main(void) {
  char *text = strdup("2*(3+4)*(5+(6*7))");
  at = text;
  printf("%d\n", parse_sum());
  free(text);
  return 0;
}
