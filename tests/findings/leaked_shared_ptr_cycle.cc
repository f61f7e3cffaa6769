// tests/findings/leaked_shared_ptr_cycle.cc -- parents and children hold one another by shared_ptr.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely make_family
#include <memory>
#include <string>
#include <vector>

#include "plant.h"

struct Person {
  explicit Person(std::string n) : name(std::move(n)) {}
  std::string name;
  std::vector<std::shared_ptr<Person>> children;
#ifdef MENDED
  std::weak_ptr<Person> parent;
#else
  std::shared_ptr<Person> parent;
#endif
};

PLANT size_t make_family(int number) {
  auto parent = std::make_shared<Person>("parent " + std::to_string(number));  // HERE
  for (int i = 0; i < 3; i++) {
    parent->children.push_back(std::make_shared<Person>("child " + std::to_string(i)));  // HERE
    parent->children.back()->parent = parent;
  }
  return parent->children.size();
}

int main() {
  size_t children = 0;
  for (int i = 0; i < 100; i++) children += make_family(i);
  return children != 300;
}
