// tests/findings/clean_bounded_cache.cc -- a cache that fills to its bound and then stays there.
// SPDX-License-Identifier: MIT
//
// expect: nothing
// variants: plain inlined
#include <list>
#include <string>
#include <unordered_map>

#include "plant.h"

class Cache {
 public:
  size_t get(int key) {
    auto found = index.find(key);
    if (found == index.end()) {
      if (order.size() == 300) {
        index.erase(order.back().first);
        order.pop_back();
      }
      order.emplace_front(key, std::string(500, 'v'));
      found = index.emplace(key, order.begin()).first;
    } else {
      order.splice(order.begin(), order, found->second);
    }
    return found->second->second.size();
  }

 private:
  std::list<std::pair<int, std::string>> order;
  std::unordered_map<int, std::list<std::pair<int, std::string>>::iterator> index;
};

int main() {
  Cache cache;
  unsigned key = 1;
  size_t bytes = 0;
  for (int i = 0; i < 3000; i++) {
    key = key * 1103515245 + 12345;
    bytes += cache.get(key >> 16 & 1023);
    plant_sleep_us(1000);
  }
  return bytes == 0;
}
