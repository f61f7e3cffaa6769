// trace/table_test.c -- the hash table against a plain array.
// SPDX-License-Identifier: MIT
#include "trace/table.h"

#include "test.h"

enum { KEYS = 5000 };

TEST(what_is_added_is_found_until_it_is_dropped)
{
  static uint64_t want[KEYS];
  struct mid_table table = mid_table_open(sizeof(uint64_t));
  uint64_t random = 1;
  for (int step = 0; step < 200000; step++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint64_t i = (random >> 33) % KEYS, key = i * 48;  // some are in a row, some share a home
    uint64_t *found = mid_table_find(&table, key);
    CHECK_EQ(found != NULL, want[i] != 0);
    if (found != NULL) CHECK_EQ(*found, want[i]);
    if (found != NULL && random % 3 == 0) {
      mid_table_drop(&table, found);
      want[i] = 0;
    } else {
      *(uint64_t *)mid_table_add(&table, key) = want[i] = random | 1;
    }
  }
  size_t count = 0;
  for (int i = 0; i < KEYS; i++) count += want[i] != 0;
  CHECK_EQ(table.count, count);
  mid_table_close(&table);
  CHECK(mid_table_find(&table, 0) == NULL);
}

TEST(small_records_do_not_touch_each_other)
{
  enum { MANY = 1000 };
  struct mid_table table = mid_table_open(sizeof(uint32_t));
  for (uint32_t i = 0; i < MANY; i++) *(uint32_t *)mid_table_add(&table, MANY - i) = i + 1;
  for (uint32_t i = 0; i < MANY; i++)
    CHECK_EQ(*(uint32_t *)mid_table_find(&table, MANY - i), i + 1);
  mid_table_close(&table);
}
