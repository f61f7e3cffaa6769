// tests/findings/stack_recursion_thread.cc -- a walk through a graph with a cycle, in a thread.
// SPDX-License-Identifier: MIT
//
// expect: stack likely Walker::visit|Walker::visit_all
// build: -pthread
// run: --diagnose-crash
// ends: SIGSEGV
#include <memory>
#include <thread>
#include <vector>

#include "plant.h"

struct Node {
  bool seen = false;
  std::vector<Node *> next;
};

struct Walker {
  long visited = 0;
  __attribute__((noinline)) long visit_all(const std::vector<Node *> &nodes) {  // HERE
    long sum = 0;
    for (Node *node : nodes) sum += visit(*node);  // HERE
    return sum;
  }
  __attribute__((noinline)) long visit(Node &node) {  // HERE
#ifdef MENDED
    if (node.seen) return 0;
#endif
    node.seen = true;
    visited++;
    return visit_all(node.next) + visited;  // HERE
  }
};

int main() {
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 10; i++) nodes.emplace_back(new Node);
  for (int i = 0; i < 10; i++) nodes[i]->next.push_back(nodes[(i + 1) % 10].get());
  long sum = 0;
  std::thread walk([&] { sum = Walker().visit(*nodes[0]); });
  walk.join();
  return sum == 0;
}
