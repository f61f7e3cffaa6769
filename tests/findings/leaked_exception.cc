// tests/findings/leaked_exception.cc -- an exception passes by the delete.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely read_message
#include <cstring>
#include <memory>
#include <stdexcept>

#include "plant.h"

static int checksum(const char *bytes, int number) {
  if (number % 3 == 0) throw std::runtime_error("damaged message");
  return bytes[0] + bytes[100];
}

PLANT int read_message(int number) {
#ifdef MENDED
  std::unique_ptr<char[]> bytes(new char[600]);
  memset(bytes.get(), number, 600);
  return checksum(bytes.get(), number);
#else
  char *bytes = new char[600];  // HERE
  memset(bytes, number, 600);
  int sum = checksum(bytes, number);
  delete[] bytes;
  return sum;
#endif
}

int main() {
  int sum = 0, damaged = 0;
  for (int i = 0; i < 300; i++) {
    try {
      sum += read_message(i);
    } catch (const std::exception &) {
      damaged++;
    }
  }
  return damaged != 100 || sum == 0;
}
