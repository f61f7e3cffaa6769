// demo/service.cc -- a small service with two troubles: a cache without a bound, and listeners that
// are never removed.
//
// Requests come in for SECONDS.  Each is answered from the cache or put into it, and each session
// listens for changes as long as it lives; but nothing ever leaves the cache, and a session that
// ends forgets to take its listener back.  All of it is reachable to the end: no leak checker that
// looks for lost blocks would say a word.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

using Clock = std::chrono::steady_clock;

struct Answer {
  std::string body;
};

class Cache {
 public:
  const Answer &answer(uint64_t key) {
    auto at = answers_.find(key);
    if (at == answers_.end()) at = answers_.emplace(key, render(key)).first;
    return *at->second;
  }

 private:
  static std::unique_ptr<Answer> render(uint64_t key) {
    auto answer = std::make_unique<Answer>();
    answer->body.assign(600 + key % 400, 'x');
    return answer;
  }
  std::unordered_map<uint64_t, std::unique_ptr<Answer>> answers_;
};

class Events {
 public:
  void listen(std::string who, std::function<void()> hear) {
    listeners_.push_back(std::make_unique<Listener>(Listener{std::move(who), std::move(hear), {}}));
  }
  void tell() {
    for (const auto &listener : listeners_) listener->hear();
  }

 private:
  struct Listener {
    std::string who;
    std::function<void()> hear;
    char unsent[900];  // what it is to be told next
  };
  std::vector<std::unique_ptr<Listener>> listeners_;
};

static volatile uint64_t heard;

static void serve_session(Cache &cache, Events &events, uint64_t session, std::mt19937_64 &random) {
  events.listen("session number " + std::to_string(session) + " from the network",
                [session] { heard = heard + session; });
  for (int request = 0; request < 20; request++) {
    uint64_t key = request % 10 == 0 ? random() : random() % 1000;
    std::string reply = "HTTP/1.1 200 OK\r\n\r\n" + cache.answer(key).body;
    heard = heard + reply.size();
  }
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? std::atof(argv[1]) : 20;
  Cache cache;
  Events events;
  std::mt19937_64 random(1);
  auto start = Clock::now();
  uint64_t session = 0;
  while (std::chrono::duration<double>(Clock::now() - start).count() < seconds) {
    for (int i = 0; i < 10; i++) serve_session(cache, events, session++, random);
    if (session % 1000 == 0) events.tell();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::printf("service: %llu sessions\n", static_cast<unsigned long long>(session));
  return 0;
}
