// tests/graph/threads.cc -- a registry that a global has, and what threads hold in their frames and
// in their own storage.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct Base {
  virtual ~Base() {}
};

struct Widget : Base {
  std::string name;
  std::map<int, int> numbers;
  explicit Widget(int n) : name(100, 'x') {
    for (int i = 0; i < 10; i++) numbers[i] = n;
  }
};

static std::map<std::string, std::unique_ptr<Base>> registry;
static thread_local std::vector<char> scratch;
static std::mutex until_the_end;

static void worker(int widgets) {
  scratch.resize(300000);
  std::vector<std::unique_ptr<Widget>> mine;
  for (int i = 0; i < widgets; i++) mine.emplace_back(new Widget(i));
  puts("ready");
  fflush(stdout);
  std::lock_guard<std::mutex> wait(until_the_end);
}

int main() {
  until_the_end.lock();
  for (int i = 0; i < 3000; i++) registry[std::to_string(i)] = std::make_unique<Widget>(i);
  std::thread a(worker, 500), b(worker, 1500);
  getchar();
  until_the_end.unlock();
  a.join();
  b.join();
}
