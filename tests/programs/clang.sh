#!/bin/sh
# tests/programs/clang.sh -- a large C++ file compiled to the same object as without Midden.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

awk 'BEGIN {
  print "#include <algorithm>\n#include <functional>\n#include <map>\n#include <memory>"
  print "#include <regex>\n#include <string>\n#include <unordered_map>\n#include <vector>"
  for (i = 0; i < 30; i++) {
    printf "template <int N> struct T%d { std::map<std::string, std::vector<int>> m; int v[N + 1];\n", i
    printf "  int add(const std::string &k, int n) { auto &x = m[k]; x.push_back(n + N);\n"
    printf "    std::sort(x.begin(), x.end(), [](int a, int b) { return a * %d > b; });\n", i
    printf "    return x.size() + v[n %% (N + 1)]; } };\n"
    printf "int g%d(std::unordered_map<std::string, std::shared_ptr<T%d<%d>>> &all, std::string k) {\n", i, i, i
    printf "  auto &p = all[k + \"%d\"]; if (!p) p = std::make_shared<T%d<%d>>();\n", i, i, i
    printf "  std::function<int(int)> f = [&](int n) { return n ? p->add(k, n) : T%d<%d>().add(k, n); };\n", i, i + 1
    printf "  return f(%d); }\n", i
  }
}' >large.cc

uses_midden clang++ --version
clang++ -std=c++17 -O1 -c large.cc -o large.o || fail "clang++ fails without Midden"
mv large.o expected.o
on_midden clang++ -std=c++17 -O1 -c large.cc -o large.o || fail "clang++ failed, with status $?"
cmp expected.o large.o >&2 || fail "clang++ makes another object on Midden"
