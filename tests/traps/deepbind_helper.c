// tests/traps/deepbind_helper.c -- a library that only the plug-in needs.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

void *helper_take(size_t bytes);
void *helper_take(size_t bytes) { return calloc(1, bytes); }
void helper_give(void *p);
void helper_give(void *p) { free(p); }
