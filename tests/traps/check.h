// tests/traps/check.h -- CHECK for the small programs of the traps, in C and C++.
// SPDX-License-Identifier: MIT
#ifndef MID_TRAPS_CHECK_H
#define MID_TRAPS_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// _exit, so that a failure in a forked child or in a handler does not run what is under test.
#include <unistd.h>
#define CHECK(cond)                                                                          \
  do {                                                                                       \
    if (!(cond)) {                                                                           \
      dprintf(2, "%s:%d: does not hold: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno); \
      _exit(1);                                                                              \
    }                                                                                        \
  } while (0)

#endif
