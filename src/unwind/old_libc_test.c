// unwind/old_libc_test.c -- unwinding where libc cannot say which module an address is in.
// SPDX-License-Identifier: MIT
#include "os/os.h"
#include "test.h"
#include "unwind/unwind.h"

// As on a glibc before 2.35.
bool mid_os_module_find(uintptr_t code, struct mid_os_module *out) {
  return mid_os_module_own(code, out);
}

static struct mid_unwind_thread own;
static uintptr_t truth[8];
static int levels;

static __attribute__((noinline)) void collect(void) {
  struct mid_unwind_frame here;
  truth[0] = (uintptr_t)__builtin_return_address(0);
  mid_unwind_here(&here);
  CHECK_EQ(mid_unwind(&own, &here, truth[0]), 0);
}

static __attribute__((noinline)) int chain(int n) {
  truth[n] = (uintptr_t)__builtin_return_address(0);
  levels++;
  if (n == 1)
    collect();
  else
    n += chain(n - 1);
  __asm__ volatile("" : "+r"(n));  // so that no compiler makes a loop of it
  return n + 1;
}

static int compare(const void *a, const void *b) {
  collect();
  return *(const int *)a - *(const int *)b;
}

TEST(this_modules_own_tables_are_found_without_it)
{
  CHECK(chain(7) > 0);
  CHECK_EQ(levels, 7);
  CHECK(own.trace.frames >= 8);
  for (uint32_t i = 0; i < 8; i++) CHECK_EQ(own.trace.frame[i], truth[i]);
  struct mid_os_module module;
  CHECK(!mid_os_module_own((uintptr_t)qsort, &module));
}

TEST(a_stack_through_a_library_without_frame_pointers_is_cut)
{
  int numbers[] = {2, 1};
  qsort(numbers, 2, sizeof *numbers, compare);
  CHECK(own.trace.frames >= 1 && own.trace.cut);
  CHECK_EQ(own.trace.frame[0], truth[0]);
}
