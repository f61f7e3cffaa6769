// tests/traps/new_without_cxx.c -- a C program without libstdc++ comes upon operator new.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <stdint.h>

#include "check.h"

int main(void) {
  void *(*take)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "_Znwm");
  void *(*take_quietly)(size_t, const void *) =
      (void *(*)(size_t, const void *))dlsym(RTLD_DEFAULT, "_ZnwmRKSt9nothrow_t");
  void (*give)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "_ZdlPv");
  CHECK(take != NULL && take_quietly != NULL && give != NULL);
  CHECK(dlsym(RTLD_DEFAULT, "__cxa_throw") == NULL);
  give(take(100));
  CHECK(take_quietly(SIZE_MAX / 2, "") == NULL);
  take(SIZE_MAX / 2);
  return 3;  // it may not come back
}
