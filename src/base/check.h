// base/check.h -- contracts: what always stops the program, and what only debug builds check.
// SPDX-License-Identifier: MIT
#ifndef MID_BASE_CHECK_H
#define MID_BASE_CHECK_H

#include <stddef.h>

#define mid_likely(x) __builtin_expect(!!(x), 1)
#define mid_unlikely(x) __builtin_expect(!!(x), 0)

// What few programs run: made small, and out of the way of the rest.  So is what leads to it.
#define MID_RARELY __attribute__((cold))

// The caller broke the contract at address `p`: one sentence on standard error,
//   midden: <crime> at 0x...: <advice> (process N)
// and abort().  Allocates nothing, takes no lock, is safe in a signal handler.
MID_RARELY _Noreturn void mid_crime(const char *crime, const void *p, const char *advice);

// Whom the sentence is told to as well; NULL: nobody.
extern void (*mid_crime_hears)(const char *sentence);

// Always on: `cond` is what the caller owes us.
#define MID_REQUIRE(cond, crime, p, advice)                 \
  do {                                                      \
    if (mid_unlikely(!(cond))) mid_crime(crime, p, advice); \
  } while (0)

MID_RARELY _Noreturn void mid_assert_failed(const char *cond, const char *file, int line);

// What we owe ourselves: compiled always, run in debug builds only.
#ifdef MID_DEBUG
#define MID_ASSERT(cond) ((cond) ? (void)0 : mid_assert_failed(#cond, __FILE__, __LINE__))
#else
#define MID_ASSERT(cond) ((void)sizeof((cond) ? 1 : 0))
#endif

#endif
