// region/fit_test.c -- the fit heap: worked traces for each policy, tags that lie, wrong use.
// SPDX-License-Identifier: MIT
#include "region/fit.h"

#include <errno.h>
#include <stdio.h>

#include "region/fit_tlsf.h"
#include "support.h"
#include "test.h"

enum { ROOM = 65536 };
static _Alignas(65536) char region[ROOM];
static _Alignas(64) char apart[2 * ROOM + 64], policy_state[8192];

// A heap of exactly `bytes` from the start of the region, as textbooks have it: the control is
// elsewhere, and with `header` 0 the tags are, too.
static midden_fit textbook_heap(const char *policy, uint32_t bytes, uint32_t header) {
  midden_fit fit = {.region = region,
                    .base = region,
                    .tags = header ? region : apart,
                    .stride = header ? 16 : 32,
                    .header = header,
                    .granules = bytes / 16,
                    .policy = mid_fit_policy_named(policy),
                    .state = policy_state};
  CHECK(fit.policy != NULL && fit.policy->state_bytes <= sizeof policy_state);
  return fit;
}

// Run a trace, "a96" to take and "-a" to give; what it prints: where each block went ("x":
// refused), then the holes.
static void run_trace(midden_fit *fit, const char *trace, char *said, size_t room) {
  void *block[128] = {0};
  char *end = said + room;
  for (const char *op = trace; *op != 0; op += strcspn(op, " "), op += *op == ' ') {
    if (*op == '-') {
      midden_fit_give(fit, block[(int)op[1]]);
    } else {
      size_t bytes = strtoul(op + 1, NULL, 10);
      char *p = block[(int)*op] = midden_fit_take(fit, bytes);
      if (p != NULL) memset(p, 0xff, bytes);
      said += p == NULL ? snprintf(said, (size_t)(end - said), "x ")
                        : snprintf(said, (size_t)(end - said), "%zd ", p - region);
    }
    CHECK_WHOLE(mid_fit_broken(fit));
  }
  snprintf(said, (size_t)(end - said), "|");
}

static bool say_hole(size_t offset, size_t bytes, void *said) {
  sprintf((char *)said + strlen(said), " %zu:%zu", offset, bytes);
  return true;
}

static void expect(const char *policy, uint32_t bytes, uint32_t header, const char *trace,
                   const char *table) {
  char said[512];
  midden_fit fit = textbook_heap(policy, bytes, header);
  mid_fit_prepare(&fit);
  run_trace(&fit, trace, said, sizeof said);
  CHECK(midden_fit_holes(&fit, say_hole, said));
  CHECK_STR(said, table);
}

#define TRACE "a96 b208 c64 d160 e48 f112 -b -d g144 h80 -a i48 j96 -c k176 -f l240 -g m64 n192"
#define FIRST_SIX_A "0 96 304 368 528 576 "
#define FIRST_SIX_B "16 128 352 432 608 672 "

TEST(first_fit_places_the_worked_trace)
{
  expect("first-fit", 1024, 0, TRACE,
         FIRST_SIX_A "96 368 0 688 784 x 48 112 | 304:64 448:80 576:112 960:64");
  expect("first-fit", 1280, 1, TRACE,
         FIRST_SIX_B "128 432 16 800 912 x 80 160 | 352:64 512:80 656:128 1088:192");
}

TEST(next_fit_places_the_worked_trace)
{
  expect("next-fit", 1024, 0, TRACE, FIRST_SIX_A "688 832 912 0 96 272 576 640 | 512:16 960:64");
  expect("next-fit", 1280, 1, TRACE,
         FIRST_SIX_B "800 960 1056 1120 16 208 464 672 | 528:64 864:80 1216:64");
}

TEST(best_fit_places_the_worked_trace)
{
  expect("best-fit", 1024, 0, TRACE,
         FIRST_SIX_A "368 96 0 176 688 x 576 272 | 48:48 464:64 640:48 864:160");
  expect("best-fit", 1280, 1, TRACE,
         FIRST_SIX_B "432 128 16 224 800 992 672 336 | 64:48 528:64 736:48 1232:48");
}

TEST(worst_fit_places_the_worked_trace)
{
  expect("worst-fit", 1024, 0, TRACE,
         FIRST_SIX_A "688 96 832 368 176 x 576 640 | 0:96 352:16 464:64 880:144");
  expect("worst-fit", 1280, 1, TRACE,
         FIRST_SIX_B "800 960 16 80 192 x 672 1056 | 368:224 736:208 1248:32");
}
