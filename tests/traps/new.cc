// tests/traps/new.cc -- operator new and delete of every kind: blocks, the new-handler, exceptions.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "check.h"

static volatile std::size_t absurd = std::size_t{1} << 62;
static volatile std::size_t hardly_any = 100;

static void every_form_allocates() {
  const std::nothrow_t &quiet = std::nothrow;
  for (std::size_t n = 0; n < 300000; n = n * 5 + 1) {
    ::operator delete(::operator new(n));
    ::operator delete[](::operator new[](n));
    ::operator delete(::operator new(n), n);
    ::operator delete[](::operator new[](n), n);
    ::operator delete(::operator new(n, quiet), quiet);
    ::operator delete[](::operator new[](n, quiet), quiet);
    for (std::size_t a = 1; a <= 65536; a *= 4) {
      std::align_val_t align{a};
      void *p = ::operator new(n, align), *q = ::operator new[](n, align);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % a == 0);
      CHECK(reinterpret_cast<std::uintptr_t>(q) % a == 0);
      ::operator delete(p, align);
      ::operator delete[](q, align);
      ::operator delete(::operator new(n, align), n, align);
      ::operator delete[](::operator new[](n, align), n, align);
      ::operator delete(::operator new(n, align, quiet), align, quiet);
      ::operator delete[](::operator new[](n, align, quiet), align, quiet);
    }
  }
  ::operator delete(nullptr);
  ::operator delete[](nullptr, hardly_any);
  ::operator delete (nullptr, std::align_val_t{64});
}

struct alignas(4096) page {
  char bytes[5000];
};

static void containers_work() {
  std::map<std::string, std::vector<std::unique_ptr<page>>> all;
  for (int i = 0; i < 200; i++) {
    auto &some = all["a rather long name that is not kept inside " + std::to_string(i % 50)];
    some.push_back(std::make_unique<page>());
    CHECK(reinterpret_cast<std::uintptr_t>(some.back().get()) % 4096 == 0);
  }
  CHECK(all.size() == 50);
}

template <class Call>
static bool throws_bad_alloc(Call call) {
  try {
    call();
  } catch (const std::bad_alloc &e) {
    return std::strlen(e.what()) > 0;
  }
  return false;
}

static void failure_throws_bad_alloc() {
  std::align_val_t align{4096};
  CHECK(throws_bad_alloc([] { return ::operator new(absurd); }));
  CHECK(throws_bad_alloc([] { return ::operator new[](absurd); }));
  CHECK(throws_bad_alloc([&] { return ::operator new(absurd, align); }));
  CHECK(throws_bad_alloc([&] { return ::operator new[](absurd, align); }));
  CHECK(throws_bad_alloc([] { return ::operator new(absurd * 4 - 1); }));
  CHECK(throws_bad_alloc([] { return std::vector<char>(absurd).size(); }));
  CHECK(::operator new(absurd, std::nothrow) == nullptr);
  CHECK(::operator new[](absurd, std::nothrow) == nullptr);
  CHECK(::operator new(absurd, align, std::nothrow) == nullptr);
  CHECK(::operator new[](absurd, align, std::nothrow) == nullptr);
}

static int asked;
static void give_up_the_third_time() {
  if (++asked == 3) std::set_new_handler(nullptr);
}

struct our_own {
  int value;
};
static void throw_our_own() { throw our_own{42}; }
static void throw_bad_alloc() { throw std::bad_alloc(); }

static void the_new_handler_loops() {
  asked = 0;
  std::set_new_handler(give_up_the_third_time);
  CHECK(throws_bad_alloc([] { return ::operator new(absurd); }));
  CHECK(asked == 3);
  asked = 0;
  std::set_new_handler(give_up_the_third_time);
  CHECK(::operator new(absurd, std::nothrow) == nullptr);
  CHECK(asked == 3);
  asked = 0;
  std::set_new_handler(give_up_the_third_time);
  CHECK(throws_bad_alloc([] { return ::operator new (absurd, std::align_val_t{64}); }));
  CHECK(asked == 3);
}

static void a_handler_may_throw() {
  std::set_new_handler(throw_our_own);
  int caught = 0;
  try {
    ::operator delete(::operator new(absurd));
  } catch (const our_own &e) {
    caught = e.value;
  }
  CHECK(caught == 42);
  std::set_new_handler(throw_bad_alloc);
  CHECK(throws_bad_alloc([] { return ::operator new[](absurd); }));
  CHECK(::operator new(absurd, std::nothrow) == nullptr);
  CHECK(::operator new[](absurd, std::nothrow) == nullptr);
  CHECK(::operator new (absurd, std::align_val_t{64}, std::nothrow) == nullptr);
  std::set_new_handler(nullptr);
}

// The handler of a real program: it lets go of a reserve, and the request succeeds.
static std::size_t cap = 0;
static void let_go() { cap = 0; }
struct capped {
  static void *operator new(std::size_t n) { return ::operator new(cap ? cap : n); }
};

static void a_handler_may_help() {
  cap = absurd;
  std::set_new_handler([] {
    let_go();
    std::set_new_handler(nullptr);
  });
  CHECK(throws_bad_alloc([] { return new capped; }));  // this call's size stays what it was
  CHECK(cap == 0);
  delete new capped;
}

int main() {
  every_form_allocates();
  containers_work();
  failure_throws_bad_alloc();
  the_new_handler_loops();
  a_handler_may_throw();
  a_handler_may_help();
}
