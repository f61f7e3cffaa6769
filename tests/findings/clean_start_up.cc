// tests/findings/clean_start_up.cc -- tables built at the start, then quiet work.
// SPDX-License-Identifier: MIT
//
// expect: nothing
// variants: plain inlined
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "plant.h"

static std::map<int, std::string> table;
static std::vector<std::vector<int>> rows;

int main() {
  rows.reserve(2000);
  for (int i = 0; i < 20000; i++) table.emplace(i, std::string(64, char('a' + i % 26)));
  for (int i = 0; i < 2000; i++) rows.emplace_back(100, i);
  long sum = 0;
  for (int i = 0; i < 1000; i++) {
    sum += table.find(i * 17 % 20000)->second[3] + rows[i][5];
    std::rotate(rows[i].begin(), rows[i].begin() + 1, rows[i].end());
    plant_sleep_us(2000);
  }
  return sum == 0;
}
