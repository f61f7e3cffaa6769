// tests/findings/growing_queue.cc -- a queue that is filled faster than it is emptied.
// SPDX-License-Identifier: MIT
//
// expect: growing possible post
// build: -pthread
// mended: remote-free
// variants: plain inlined
#include <atomic>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>

#include "plant.h"

struct Message {
  int number;
  char body[200];
};

static std::mutex lock;
static std::queue<std::unique_ptr<Message>> messages;
static std::atomic<bool> over;

PLANT void post(int number) {
  std::unique_ptr<Message> message(new Message{number, {}});  // HERE
  for (bool posted = false; !posted;) {
    std::lock_guard<std::mutex> guard(lock);
#ifdef MENDED
    if (messages.size() >= 100) continue;
#endif
    messages.push(std::move(message));
    posted = true;
  }
}

// Two messages come for each that it takes.
static void take_all(long *sum) {
  while (!over) {
    for (int i = 0; i < 2; i++) {
      std::lock_guard<std::mutex> guard(lock);
      if (messages.empty()) break;
      *sum += messages.front()->number;
      messages.pop();
    }
    plant_sleep_us(1000);
  }
}

int main() {
  long sum = 0;
  std::thread taker(take_all, &sum);
  for (int i = 0; i < 6000; i++) {
    post(i);
    if (i % 4 == 0) plant_sleep_us(1000);
  }
  over = true;
  taker.join();
  return sum == 0;
}
