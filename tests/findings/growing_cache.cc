// tests/findings/growing_cache.cc -- a service whose cache has no bound.
// SPDX-License-Identifier: MIT
//
// expect: growing possible answer
// variants: plain inlined
#include <map>
#include <string>

#include "plant.h"

static std::map<int, std::string> cache;

PLANT size_t answer(int question) {
#ifdef MENDED
  if (cache.size() >= 200) cache.erase(cache.begin());
#endif
  auto &place = cache[question];                             // HERE
  place = std::string(400, 'a') + std::to_string(question);  // HERE
  return place.size();
}

int main() {
  size_t bytes = 0;
  for (int i = 0; i < 3000; i++) {
    std::string request(100 + i % 300, 'x');
    bytes += answer(i) + request.size();
    plant_sleep_us(1000);
  }
  return bytes == 0;
}
