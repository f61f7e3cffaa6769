// heap/ledger_test.c -- boxes, borrows, and what is said of handles that stay open.
// SPDX-License-Identifier: MIT
#define MIDDEN_DEBUG
#include "midden/box.h"

#include "midden/heap.h"
#include "midden/malloc.h"
#include "support.h"
#include "test.h"

static int ended;
static void end_number(int *p) {
  ended++;
  midden_free(p);
}
MIDDEN_BOX(number_box, int, end_number)

static number_box new_number(int n) {
  int *p = midden_malloc(sizeof *p);
  if (p == NULL) abort();
  *p = n;
  return midden_box_of(number_box, p);
}

TEST(a_box_is_dropped_once_wherever_it_went)
{
  ended = 0;
  number_box kept;
  {
    MIDDEN_SCOPED(number_box) box = new_number(1);
    MIDDEN_SCOPED(number_box) other = new_number(2);
    MIDDEN_SCOPED(number_box) empty = midden_box_of(number_box, NULL);
    kept = midden_box_move(&box);
    CHECK(box.owned == NULL && empty.owned == NULL);
  }
  CHECK_EQ(ended, 1);
  CHECK_EQ(*kept.owned, 1);
  number_box_drop(&kept);
  number_box_drop(&kept);
  CHECK_EQ(ended, 2);
}

TEST(shared_borrows_stand_side_by_side_and_an_exclusive_one_after_them)
{
  MIDDEN_SCOPED(number_box) box = new_number(3);
  {
    MIDDEN_SHARED(a, &box);
    MIDDEN_SHARED(b, &box);
    CHECK_EQ(*a + *b, 6);
  }
  {
    MIDDEN_EXCLUSIVE(a, &box);
    *a = 4;
  }
  MIDDEN_SHARED(c, &box);
  CHECK_EQ(*c, 4);
}

static void borrow_both_ways(void) {
  number_box box = new_number(1);
  MIDDEN_SHARED(a, &box);
  MIDDEN_EXCLUSIVE(b, &box);
  *b = *a;
}

static void borrow_exclusively_twice(void) {
  number_box box = new_number(1);
  MIDDEN_EXCLUSIVE(a, &box);
  MIDDEN_SHARED(b, &box);
  *a = *b;
}

static void drop_while_borrowed(void) {
  number_box box = new_number(1);
  MIDDEN_SHARED(a, &box);
  number_box_drop(&box);
}

static void move_while_borrowed(void) {
  number_box box = new_number(1);
  MIDDEN_EXCLUSIVE(a, &box);
  number_box other = midden_box_move(&box);
  number_box_drop(&other);
}

static void borrow_after_a_move(void) {
  number_box box = new_number(1), other = midden_box_move(&box);
  MIDDEN_SHARED(a, &box);
  number_box_drop(&other);
}

static void drop_a_copy(void) {
  number_box box = new_number(1), copy = box;
  number_box_drop(&box);
  number_box_drop(&copy);
}

static void box_twice(void) {
  number_box box = new_number(1), other = midden_box_of(number_box, box.owned);
  number_box_drop(&other);
}

TEST(what_breaks_the_rules_stops_the_program_and_names_the_borrow)
{
  test_stops(borrow_both_ways, "midden: exclusive borrow of what is borrowed at 0x");
  test_stops(borrow_both_ways, ": it is borrowed at " __FILE__ ":");
  test_stops(borrow_both_ways, ": let that scope end first (process ");
  test_stops(borrow_exclusively_twice, "midden: borrow of what is borrowed exclusively at 0x");
  test_stops(drop_while_borrowed, "midden: drop of a box that is borrowed at 0x");
  test_stops(move_while_borrowed, "midden: move of a box that is borrowed at 0x");
  test_stops(borrow_after_a_move, "midden: use of an empty box at 0x0: ");
  test_stops(drop_a_copy, "midden: use of a box that was dropped at 0x");
  test_stops(box_twice, "midden: a second box of one object at 0x");
}

static void leave_some_open(void) {
  midden_heap *heap, *closed;
  number_box box = new_number(1);
  (void)box;
  if (midden_heap_open(&heap) != MIDDEN_OK || midden_heap_open(&closed) != MIDDEN_OK) _exit(1);
  midden_heap_close(closed);
  exit(0);
}

TEST(what_is_still_open_at_exit_is_named_with_its_line)
{
  char said[1000];
  test_says(leave_some_open, said, sizeof said);
  CHECK(strstr(said, "midden: a box made at " __FILE__ ":") != NULL);
  CHECK(strstr(said, " still owns something at exit: drop it (process ") != NULL);
  CHECK(strstr(said, "midden: a midden_heap opened at " __FILE__ ":") != NULL);
  CHECK(strstr(said, " is still open at exit: call midden_heap_close (process ") != NULL);
  size_t lines = 0;
  for (const char *c = said; *c != 0; c++) lines += *c == '\n';
  CHECK_EQ(lines, 2);
}
