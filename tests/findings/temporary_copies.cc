// tests/findings/temporary_copies.cc -- a vector is passed by value, only to be read.
// SPDX-License-Identifier: MIT
//
// expect: temporary|churn possible sum_all
#include <numeric>
#include <vector>

#include "plant.h"

#ifdef MENDED
using Argument = const std::vector<int> &;
#else
using Argument = std::vector<int>;
#endif

__attribute__((noinline)) long total(Argument values) {
  return std::accumulate(values.begin(), values.end(), 0L);
}

PLANT long sum_all(const std::vector<int> &values) {
  return total(values) + 1;  // HERE
}

int main() {
  std::vector<int> values(200);
  long sum = 0;
  for (int i = 0; i < 1000000; i++) {
    values[i % 200] = i;
    sum += sum_all(values);
  }
  return sum == 0;
}
