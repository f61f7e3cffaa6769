// tests/findings/fragmented_sessions.cc -- one session in a hundred outlives a rush.
// SPDX-License-Identifier: MIT
//
// expect: fragmented likely open_session
// build: -pthread
#include <memory>
#include <thread>
#include <vector>

#include "plant.h"

struct Session {
  explicit Session(int n) : number(n) {}
  int number;
  char state[500] = {};
};

using Sessions = std::vector<std::unique_ptr<Session>>;

PLANT void open_session(Sessions &sessions, int number) {
  sessions.emplace_back(new Session(number));  // HERE
}

static void serve(Sessions &sessions) {
  for (int i = 0; i < 40000; i++) open_session(sessions, i);
  for (auto &session : sessions) {
#ifndef MENDED
    if (session->number % 100 == 7) continue;
#endif
    session.reset();
  }
}

int main() {
  static Sessions sessions[2];
  for (auto &mine : sessions) mine.reserve(40000);
  std::thread first(serve, std::ref(sessions[0])), second(serve, std::ref(sessions[1]));
  first.join();
  second.join();
  plant_sleep_us(300000);
  return 0;
}
