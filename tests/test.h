// tests/test.h -- our few macros over cmocka.  A test file is a list of TEST(sentence) { ... } and
// nothing else: each registers itself before main, which is here.
// SPDX-License-Identifier: MIT
#ifndef MID_TEST_H
#define MID_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MID_TEST_MOST 128
static struct CMUnitTest mid_tests[MID_TEST_MOST];
static size_t mid_test_count;

#define TEST(sentence)                                                                        \
  static void sentence(void **state);                                                         \
  __attribute__((constructor)) static void register_##sentence(void) {                        \
    if (mid_test_count == MID_TEST_MOST) abort();                                             \
    mid_tests[mid_test_count++] = (struct CMUnitTest){#sentence, sentence, NULL, NULL, NULL}; \
  }                                                                                           \
  static void sentence(__attribute__((unused)) void **state)

#define CHECK(cond) assert_true(cond)
#define CHECK_EQ(a, b) assert_int_equal((uintmax_t)(a), (uintmax_t)(b))
#define CHECK_STR(a, b) assert_string_equal(a, b)
// A structure's check function found nothing broken; its sentence is shown where it did.
#define CHECK_WHOLE(sentence)                             \
  do {                                                    \
    const char *broken_ = (sentence);                     \
    if (broken_ != NULL) fail_msg("broken: %s", broken_); \
  } while (0)

int main(void) {
  if (mid_test_count == 0) return 1;
  return _cmocka_run_group_tests(__BASE_FILE__, mid_tests, mid_test_count, NULL, NULL);
}

#endif
