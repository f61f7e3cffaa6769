// tests/traps/deepbind_plain.c -- a C host without libstdc++; the plug-in brings it, deeply bound
// too.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>

#include "check.h"

int main(int count, char **argument) {
  CHECK(count == 2);
  void *library = dlopen(argument[1], RTLD_NOW | RTLD_DEEPBIND);
  if (library == NULL) dprintf(2, "%s\n", dlerror());
  CHECK(library != NULL);
  char *(*take)(size_t) = (char *(*)(size_t))dlsym(library, "cxx_take");
  void (*give)(char *) = (void (*)(char *))dlsym(library, "cxx_give");
  void (*free_it)(void *) = (void (*)(void *))dlsym(library, "cxx_free");
  int (*throws)(void) = (int (*)(void))dlsym(library, "cxx_throw");
  CHECK(take != NULL && give != NULL && free_it != NULL && throws != NULL);
  for (size_t n = 1; n < 1000000; n *= 3) {
    give(take(n));
    free_it(malloc(n));
    free(realloc(malloc(n), n * 2));
  }
  CHECK(throws() == 1);
  CHECK(dlclose(library) == 0);
  return 0;
}
