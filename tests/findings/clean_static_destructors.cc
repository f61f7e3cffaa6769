// tests/findings/clean_static_destructors.cc -- blocks freed by destructors and atexit.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

struct Registry {
  std::vector<std::unique_ptr<std::string>> names;
  ~Registry() { names.clear(); }
};

static Registry registry;
static long *numbers[100];

static void free_numbers() {
  for (long *&number : numbers) {
    free(number);
    number = nullptr;
  }
}

int main() {
  static thread_local std::vector<std::string> words(50, std::string(60, 'w'));
  atexit(free_numbers);
  for (long *&number : numbers) number = static_cast<long *>(calloc(20, sizeof(long)));
  for (int i = 0; i < 200; i++)
    registry.names.push_back(std::make_unique<std::string>(40 + i, char('a' + i % 26)));
  return words[3][5] != 'w';
}
