// tests/traps/thread_local.cc -- thread_local objects whose destructors allocate, free and make
// others.
// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

static std::atomic<int> ended{0};

struct second {
  std::vector<std::string> words;
  ~second() {
    for (int i = 0; i < 50; i++) words.push_back("made in the second destructor, on the heap");
    ended++;
  }
};

static second &the_second() {
  static thread_local second it;  // comes to be while the first is destroyed
  return it;
}

struct first {
  std::string name = "a name that is too long to be kept inside the string object";
  std::unique_ptr<char[]> room{new char[5000]};
  ~first() {
    name += name + name;
    the_second().words.push_back(name);
    room.reset(new char[100000]);
    CHECK(name.size() == 3 * 59);
  }
};

static thread_local first it;

int main() {
  int threads = 0;
  for (int round = 0; round < 200; round++) {
    std::vector<std::thread> all;
    for (int i = 0; i < 5; i++, threads++)
      all.emplace_back([] { it.room[0] = static_cast<char>(it.name.size()); });
    for (auto &thread : all) thread.join();
  }
  CHECK(ended == threads);
  it.room[0] = 1;  // and the main thread's own, after main
}
