// tests/findings/growing_history.cc -- four workers write a history that nobody ever cuts.
// SPDX-License-Identifier: MIT
//
// expect: growing possible remember
// build: -pthread
// mended: remote-free
// variants: plain inlined
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "plant.h"

static std::mutex lock;
static std::deque<std::string> history;

PLANT void remember(int worker, int step) {
  std::string line = "worker " + std::to_string(worker) + std::string(200, '.');  // HERE
  line += std::to_string(step);                                                   // HERE
  std::lock_guard<std::mutex> guard(lock);
  history.push_back(std::move(line));  // HERE
#ifdef MENDED
  if (history.size() > 500) history.pop_front();
#endif
}

static void work(int worker) {
  for (int step = 0; step < 1500; step++) {
    remember(worker, step);
    plant_sleep_us(2000);
  }
}

int main() {
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; i++) workers.emplace_back(work, i);
  for (auto &worker : workers) worker.join();
  return history.empty();
}
