// tests/findings/leaked_container_of_pointers.cc -- a vector of pointers is cleared.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely spawn
#include <memory>
#include <vector>

#include "plant.h"

struct Particle {
  double x, y, speed[2];
  int age;
};

#ifdef MENDED
using Holder = std::unique_ptr<Particle>;
#else
using Holder = Particle *;
#endif

static std::vector<Holder> particles;

PLANT void spawn(int i) {
  auto *particle = new Particle{1.0 * i, 2.0 * i, {0, 1}, 0};  // HERE
  particles.push_back(Holder(particle));
}

int main() {
  for (int frame = 0; frame < 10; frame++) {
    for (int i = 0; i < 60; i++) spawn(i);
    for (auto &particle : particles) particle->age++;
    particles.clear();
  }
  return 0;
}
