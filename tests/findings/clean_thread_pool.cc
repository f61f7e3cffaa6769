// tests/findings/clean_thread_pool.cc -- four workers take jobs from a ring of slots.
// SPDX-License-Identifier: MIT
//
// expect: nothing
// build: -pthread
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

struct Job {
  int from, to;
};

class Pool {
 public:
  explicit Pool(int workers) : ring(64), sums(workers) {
    for (int i = 0; i < workers; i++) threads.emplace_back([this, i] { work(i); });
  }

  void add(Job job) {
    std::unique_lock<std::mutex> guard(lock);
    changed.wait(guard, [this] { return last - first < ring.size(); });
    ring[last++ % ring.size()] = job;
    changed.notify_all();
  }

  long finish() {
    {
      std::lock_guard<std::mutex> guard(lock);
      over = true;
      changed.notify_all();
    }
    for (auto &thread : threads) thread.join();
    long all = 0;
    for (long sum : sums) all += sum;
    return all;
  }

 private:
  void work(int worker) {
    std::vector<long> squares(1000);  // of its own, for as long as it lives
    std::unique_lock<std::mutex> guard(lock);
    for (;;) {
      changed.wait(guard, [this] { return over || first != last; });
      if (first == last) return;
      Job job = ring[first++ % ring.size()];
      changed.notify_all();
      guard.unlock();
      for (int i = job.from; i < job.to; i++) squares[i % 1000] = long(i) * i;
      sums[worker] += job.to - job.from;
      guard.lock();
    }
  }

  std::mutex lock;
  std::condition_variable changed;
  std::vector<Job> ring;
  size_t first = 0, last = 0;
  bool over = false;
  std::vector<long> sums;
  std::vector<std::thread> threads;
};

int main() {
  Pool pool(4);
  for (int i = 0; i < 20000; i++) pool.add({i, i + 100});
  return pool.finish() != 2000000;
}
