// tests/findings/unused_reserve.cc -- vectors reserve far more than they will ever hold.
// SPDX-License-Identifier: MIT
//
// expect: unused likely start_log
// build: -pthread
#include <cstdint>
#include <thread>
#include <vector>

#include "plant.h"

#ifdef MENDED
enum { ROOM = 512 };
#else
enum { ROOM = 1 << 17 };
#endif

PLANT void start_log(std::vector<uint64_t> &log) {
  log.reserve(ROOM);  // HERE
  for (uint64_t i = 0; i < 400; i++) log.push_back(i);
}

static void work(std::vector<std::vector<uint64_t>> *logs) {
  for (auto &log : *logs) start_log(log);
  plant_sleep_us(300000);
  logs->clear();
}

int main() {
  std::vector<std::vector<uint64_t>> first(30), second(30);
  std::thread other(work, &second);
  work(&first);
  other.join();
  return 0;
}
