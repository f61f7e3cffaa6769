// tests/findings/realloc_ladder_vector.cc -- a vector that grows by one element.
// SPDX-License-Identifier: MIT
//
// expect: realloc-ladder possible grow
#include <algorithm>

#include "plant.h"

struct Numbers {
  double *at = nullptr;
  int count = 0, room = 0;
};

PLANT void grow(Numbers &numbers) {
#ifdef MENDED
  numbers.room = numbers.room * 2 + 16;
#else
  numbers.room++;
#endif
  double *larger = new double[numbers.room];  // HERE
  std::copy(numbers.at, numbers.at + numbers.count, larger);
  delete[] numbers.at;
  numbers.at = larger;
}

static void add(Numbers &numbers, double value) {
  if (numbers.count == numbers.room) grow(numbers);
  numbers.at[numbers.count++] = value;
}

int main() {
  static Numbers numbers[8];
  for (int i = 0; i < 12000; i++)
    for (auto &list : numbers) add(list, i);
  double sum = 0;
  for (auto &list : numbers) {
    sum += list.at[11999];
    delete[] list.at;
  }
  return sum != 8 * 11999;
}
