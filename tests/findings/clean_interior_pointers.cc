// tests/findings/clean_interior_pointers.cc -- blocks held by pointers into them.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <memory>
#include <string>
#include <vector>

#include "plant.h"

struct Named {
  virtual ~Named() = default;
  std::string name = "a name that does not fit into the string itself";
};

struct Counted {
  virtual ~Counted() = default;
  long count = 1;
};

struct Both : Named, Counted {};  // a Counted * points behind its Named

static Named *arrays[100];     // each points behind the count of its elements
static Counted *counted[100];  // the second base
static long *balanced[100];    // points at the middle, as tables with negative indices do
static std::vector<std::shared_ptr<long>> shared;  // the long lies in the block of the counts

int main() {
  for (int i = 0; i < 100; i++) {
    arrays[i] = new Named[3];
    counted[i] = new Both;
    balanced[i] = static_cast<long *>(calloc(201, sizeof(long))) + 100;
    shared.push_back(std::make_shared<long>(i));
    balanced[i][-100] = *shared[i];
  }
  USED(arrays);
  USED(counted);
  USED(balanced);
  return 0;  // all of it is held still
}
