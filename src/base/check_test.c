// base/check_test.c -- the last words of a program, statuses, and the arithmetic of bits.h.
// SPDX-License-Identifier: MIT
#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "midden/status.h"
#include "midden/version.h"
#include "test.h"

// What a child says on standard error before it ends with SIGABRT, which it must.
static const char *last_words(void (*crime)(void), pid_t *child) {
  static char said[1024];
  int ends[2], status;
  CHECK_EQ(pipe(ends), 0);
  if ((*child = fork()) == 0) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    crime();
    _exit(0);
  }
  close(ends[1]);
  ssize_t n = read(ends[0], said, sizeof said - 1);
  close(ends[0]);
  CHECK(waitpid(*child, &status, 0) == *child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  said[n > 0 ? n : 0] = 0;
  return said;
}

static void free_twice(void) { mid_crime("double free", (void *)0x7f0012340010, "do not"); }

TEST(a_crime_names_itself_the_address_the_advice_and_the_process)
{
  char expected[128];
  pid_t child;
  const char *said = last_words(free_twice, &child);
  snprintf(expected, sizeof expected,
           "midden: double free at 0x7f0012340010: do not (process %d)\n", (int)child);
  CHECK_STR(said, expected);
}

static void require_nothing(void) { MID_REQUIRE(1 + 1 == 2, "double free", NULL, "never said"); }
static void require_too_much(void) {
  require_nothing();
  MID_REQUIRE(1 + 1 == 3, "wild pointer", (void *)16, "count again");
}

TEST(a_requirement_stops_the_program_only_where_it_does_not_hold)
{
  char expected[128];
  pid_t child;
  const char *said = last_words(require_too_much, &child);
  snprintf(expected, sizeof expected, "midden: wild pointer at 0x10: count again (process %d)\n",
           (int)child);
  CHECK_STR(said, expected);
}

static void fail_inside(void) { mid_assert_failed("a < b", "span/runs.c", 42); }

TEST(an_internal_check_names_what_did_not_hold_and_where)
{
  pid_t child;
  CHECK_STR(last_words(fail_inside, &child),
            "midden: internal check failed: a < b at span/runs.c:42\n");
}

TEST(a_debug_check_costs_nothing_in_release_not_even_its_side_effects)
{
  int looked = 0;
  MID_ASSERT(++looked == 1);
#ifdef MID_DEBUG
  CHECK_EQ(looked, 1);
#else
  CHECK_EQ(looked, 0);
#endif
}

TEST(every_status_has_a_name_of_its_own)
{
  CHECK_STR(midden_status_name(MIDDEN_OK), "ok");
  CHECK_STR(midden_status_name(MIDDEN_NOMEM), "no memory");
  CHECK_STR(midden_status_name(MIDDEN_INVALID), "invalid argument");
  CHECK_STR(midden_status_name(MIDDEN_OS), "refused by the system");
  CHECK_STR(midden_status_name((midden_status)99), "unknown status");
  CHECK_STR(midden_version(), MIDDEN_VERSION);
}

TEST(logarithms_and_powers_agree_at_every_power_of_two)
{
  CHECK(!mid_is_power(0));
  for (unsigned i = 0; i < 64; i++) {
    size_t power = (size_t)1 << i;
    CHECK(mid_is_power(power));
    CHECK_EQ(mid_log2(power), i);
    if (i == 0) continue;
    CHECK_EQ(mid_log2(power - 1), i - 1);
    CHECK(!mid_is_power(power + 1));
    CHECK_EQ(mid_log2(power + power / 2), i);
  }
}

TEST(rounding_stays_at_multiples_and_goes_one_unit_at_most)
{
  for (size_t unit = 1; unit <= 65536; unit *= 2)
    for (size_t n = unit * 3; n <= unit * 5; n += unit / 7 + 1) {
      size_t up = mid_round_up(n, unit), down = mid_round_down(n, unit);
      CHECK(up % unit == 0 && up >= n && up - n < unit);
      CHECK(down % unit == 0 && down <= n && n - down < unit);
    }
}
