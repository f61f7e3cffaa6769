// tests/findings/leaked_released_pointer.cc -- a pointer is released, and nobody takes it.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely make_task
// build: -pthread
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "plant.h"

struct Task {
  int number;
  std::vector<int> input;
};

PLANT std::unique_ptr<Task> make_task(int number) {
  std::unique_ptr<Task> task(new Task());  // HERE
  task->number = number;
  task->input.resize(30);  // HERE
  std::iota(task->input.begin(), task->input.end(), number);
  return task;
}

static void work(int first, long *sum) {
  for (int i = 0; i < 100; i++) {
    std::unique_ptr<Task> task = make_task(first + i);
#ifdef MENDED
    Task *raw = task.get();
#else
    Task *raw = task.release();
#endif
    *sum += raw->input[29];
  }
}

int main() {
  std::vector<long> sums(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) threads.emplace_back(work, 100 * i, &sums[i]);
  for (auto &thread : threads) thread.join();
  return sums[3] == 0;
}
