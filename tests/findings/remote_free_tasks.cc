// tests/findings/remote_free_tasks.cc -- tasks made by one thread are deleted by three others.
// SPDX-License-Identifier: MIT
//
// expect: remote-free possible make_task
// build: -pthread
// mended: churn temporary
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "plant.h"

struct Task {
  int number;
  char input[120];
};

static std::mutex lock;
static std::condition_variable changed;
static std::vector<std::unique_ptr<Task>> waiting, finished;
static bool over;

PLANT std::unique_ptr<Task> make_task(int number) {
  std::unique_ptr<Task> task(new Task());  // HERE
  task->number = number;
  return task;
}

static void work(long *sum) {
  std::unique_lock<std::mutex> guard(lock);
  for (;;) {
    changed.wait(guard, [] { return over || !waiting.empty(); });
    if (waiting.empty()) return;
    std::unique_ptr<Task> task = std::move(waiting.back());
    waiting.pop_back();
    guard.unlock();
    *sum += task->number + task->input[7];
#ifndef MENDED
    task.reset();
#endif
    guard.lock();
    if (task) finished.push_back(std::move(task));  // the maker deletes it
  }
}

int main() {
  long sums[3] = {};
  std::vector<std::thread> workers;
  for (long &sum : sums) workers.emplace_back(work, &sum);
  for (int i = 0; i < 300000; i++) {
    std::unique_ptr<Task> task = make_task(i);
    std::lock_guard<std::mutex> guard(lock);
    finished.clear();
    waiting.push_back(std::move(task));
    changed.notify_one();
  }
  {
    std::lock_guard<std::mutex> guard(lock);
    over = true;
    changed.notify_all();
  }
  for (auto &worker : workers) worker.join();
  finished.clear();
  return sums[0] + sums[1] + sums[2] != 300000L * 299999 / 2;
}
