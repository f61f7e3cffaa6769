// tests/traps/deepbind_plugin.cc -- a C++ plug-in: new, delete, strings and exceptions of its own.
// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <map>
#include <new>
#include <stdexcept>
#include <string>

static std::map<int, std::string> *years = new std::map<int, std::string>;

extern "C" char *cxx_take(std::size_t n) {
  (*years)[static_cast<int>(n)] = "a string that is too long for the room inside the object";
  return new char[n];
}
extern "C" void cxx_give(char *p) { delete[] p; }
extern "C" void cxx_free(void *p) { std::free(p); }
extern "C" std::string *cxx_string() {
  return new std::string("a string of the plug-in, too long for the room inside the object");
}
extern "C" int cxx_throw() {
  try {
    throw std::runtime_error("the words of an exception are a block as well");
  } catch (const std::exception &e) {
    return std::string(e.what()).size() > 10;
  }
}
