// tests/traps/limits_new.cc -- std::bad_alloc where memory ends, again and again, and the program
// goes on.
// SPDX-License-Identifier: MIT
#include <new>
#include <string>
#include <vector>

#include "check.h"

int main() {
  for (int round = 0; round < 5; round++) {
    std::vector<std::vector<std::string>> all;
    bool caught = false;
    try {
      for (;;) {
        all.emplace_back();
        for (int i = 0; i < 1000; i++) all.back().push_back(std::string(100 + i, 'x'));
      }
    } catch (const std::bad_alloc &) {
      caught = true;
    }
    CHECK(caught && all.size() > 20);
    for (std::size_t i = 0; i + 1 < all.size(); i++)
      CHECK(all[i].size() == 1000 && all[i][999].size() == 1099);
  }
}
