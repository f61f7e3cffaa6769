// tests/findings/temporary_string.cc -- a string is made anew for every look-up in a loop.
// SPDX-License-Identifier: MIT
//
// expect: temporary|churn possible count_word
#include <string>
#include <unordered_map>

#include "plant.h"

static std::unordered_map<std::string, long> counts;

PLANT void count_word(int i) {
#ifdef MENDED
  static std::string key;
  key.reserve(100);
  key.assign("a rather long prefix of every key, then ").append(1, char('a' + i % 26));
#else
  std::string key =
      std::string("a rather long prefix of every key, then ") + char('a' + i % 26);  // HERE
#endif
  counts[key]++;
}

int main() {
  for (int i = 0; i < 2000000; i++) count_word(i);
  return counts.size() != 26;
}
