// tests/traps/dlclose_plugin.c -- a library with a thread-local buffer and blocks of its own.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "check.h"

static __thread char buffer[2000];  // the loader allocates it, by calloc, at a thread's first use
static char *own;

__attribute__((constructor)) static void begin(void) { own = strdup("mine while I am loaded"); }
__attribute__((destructor)) static void end(void) { free(own); }

char *plugin_work(size_t bytes);
char *plugin_work(size_t bytes) {
  buffer[bytes % sizeof buffer]++;
  free(malloc(bytes));
  return memset(malloc(bytes), 'w', bytes);
}
