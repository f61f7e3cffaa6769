// tests/traps/early_late_static.cc -- objects with static life, made before main, destroyed after
// it.
// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "check.h"

static std::string *raw =
    new std::string("made by new before main, and longer than sixteen letters");

struct chronicle {
  std::map<int, std::string> years;
  chronicle() {
    for (int i = 0; i < 1000; i++)
      years[i] = "the year " + std::to_string(i) + " had many days in it";
  }
  ~chronicle() {
    CHECK(years.size() == 1001 && years[1000] == "of main");
    years.clear();
    years[0] = *raw;
    delete raw;
  }
};
static chronicle all;

int main() {
  all.years[1000] = "of main";
  std::atexit([] { std::free(std::malloc(12345)); });
  std::cout.flush();
}
