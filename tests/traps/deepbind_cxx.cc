// tests/traps/deepbind_cxx.cc -- a C++ host of a C++ plug-in: strings cross.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>

#include <string>
#include <vector>

#include "check.h"

int main(int, char **argument) {
  void *library = dlopen(argument[1], RTLD_NOW | RTLD_DEEPBIND);
  CHECK(library != nullptr);
  auto take = reinterpret_cast<char *(*)(std::size_t)>(dlsym(library, "cxx_take"));
  auto give = reinterpret_cast<void (*)(char *)>(dlsym(library, "cxx_give"));
  auto free_it = reinterpret_cast<void (*)(void *)>(dlsym(library, "cxx_free"));
  auto words = reinterpret_cast<std::string *(*)()>(dlsym(library, "cxx_string"));
  auto throws = reinterpret_cast<int (*)()>(dlsym(library, "cxx_throw"));
  CHECK(take && give && free_it && words && throws);
  for (std::size_t n = 1; n < 1000000; n *= 3) {
    delete[] take(n);
    give(new char[n]);
    give(take(n));
    free_it(malloc(n));
  }
  std::string *theirs = words();
  *theirs += *theirs;  // grown by us
  CHECK(theirs->size() > 100);
  delete theirs;
  CHECK(throws() == 1);
  CHECK(dlclose(library) == 0);
}
