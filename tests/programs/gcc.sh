#!/bin/sh
# tests/programs/gcc.sh -- a large C file compiled to the same object as without Midden.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

awk 'BEGIN {
  print "#include <stdio.h>\n#include <string.h>"
  for (i = 0; i < 1000; i++) {
    printf "struct s%d { int a[%d]; double d; char name[%d]; struct s%d *next; };\n",
      i, i % 7 + 1, i % 31 + 1, i ? i - 1 : 0
    printf "static int f%d(struct s%d *s, int n) {\n", i, i
    printf "  int sum = n * %d;\n  for (int i = 0; i < n; i++) {\n    switch (i %% 5) {\n", i
    for (k = 0; k < 5; k++)
      printf "    case %d: sum += s->a[i %% %d] * %d; s->d += sum / %d.0; break;\n", k, i % 7 + 1, i + k, k + 3
    printf "    }\n  }\n  return s->d > 0 ? sum + (int)strlen(s->name)%s : sum;\n}\n",
      i ? " + f" (i - 1) "(s->next, n - 1)" : ""
  }
  print "int main(void) { static struct s999 s; return f999(&s, 0) & printf(\"done\\n\"); }"
}' >large.c

uses_midden gcc --version
gcc -O2 -g -c large.c -o large.o || fail "gcc fails without Midden"
mv large.o expected.o
on_midden gcc -O2 -g -c large.c -o large.o || fail "gcc failed, with status $?"
cmp expected.o large.o >&2 || fail "gcc makes another object on Midden"
on_midden gcc -flto=2 -O1 large.c -o large || fail "gcc -flto failed, with status $?"
