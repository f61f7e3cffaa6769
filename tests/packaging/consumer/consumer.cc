// tests/packaging/consumer/consumer.cc -- a C++ program as a user of the library writes it.
// SPDX-License-Identifier: MIT
#if __has_include("midden.h")
#include "midden.h"
#else
#include <midden/midden.h>
#endif

#include <cstdint>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

int main() {
  std::vector<std::string> words(100, std::string(100, 'x'));
  midden_allocator *all = midden_allocator_malloc();
  if (!all->owns(all, words.data())) return std::puts("operator new is not Midden's"), 1;
  volatile std::size_t absurd = PTRDIFF_MAX;
  try {
    ::operator delete(::operator new(absurd));
  } catch (const std::bad_alloc &) {
    return 0;
  }
  return std::puts("an absurd size was not refused"), 1;
}
