// region/classic_test.c -- pools and arenas lie and fill as CPython's do.
// SPDX-License-Identifier: MIT
#include "midden/classic.h"

#include "midden/heap.h"
#include "region/region.h"
#include "support.h"
#include "test.h"

static midden_classic *open_classic(midden_allocator *from) {
  midden_classic *c = NULL;
  CHECK_EQ(midden_classic_open(from, &c), MIDDEN_OK);
  return c;
}

TEST(a_pool_of_32_byte_blocks_holds_510_from_offset_48_on)
{
  midden_classic *c = open_classic(NULL);
  char *first = midden_classic_alloc(c, 32);
  CHECK_EQ((uintptr_t)first % 16384, 48);
  for (int i = 1; i < 510; i++) CHECK(midden_classic_alloc(c, 32) == first + i * 32);
  char *next = midden_classic_alloc(c, 17);
  CHECK(next == first + 16384);
  CHECK(midden_classic_alloc(c, 33) == first + 2 * 16384);  // another size, another pool
  CHECK_WHOLE(mid_classic_broken(c));
  midden_classic_close(c);
}

TEST(the_block_freed_last_is_taken_first)
{
  midden_classic *c = open_classic(NULL);
  void *a = midden_classic_alloc(c, 100), *b = midden_classic_alloc(c, 100);
  CHECK(midden_classic_alloc(c, 100) != NULL);
  midden_classic_free(c, a);
  midden_classic_free(c, b);
  CHECK(midden_classic_alloc(c, 112) == b);
  CHECK(midden_classic_alloc(c, 97) == a);
  midden_classic_free(c, NULL);
  midden_classic_close(c);
}

enum { BLOCKS = 3 * 64 * 31 };  // three arenas of blocks of 512 bytes
static void *block[BLOCKS];

TEST(pools_come_from_the_fullest_arena_and_empty_arenas_go_back)
{
  midden_heap *heap;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  midden_classic *c = open_classic(midden_heap_allocator(heap));
  for (int i = 0; i < BLOCKS; i++) CHECK((block[i] = midden_classic_alloc(c, 512)) != NULL);
  size_t full = midden_classic_stats(c).committed_bytes;
  CHECK_EQ(midden_classic_stats(c).live_blocks, BLOCKS);
  // Leave one pool of the first arena used, and all but one of the last.
  for (int i = 31; i < 2 * 64 * 31; i++) midden_classic_free(c, block[i]);
  for (int i = 2 * 64 * 31; i < 2 * 64 * 31 + 31; i++) midden_classic_free(c, block[i]);
  CHECK_WHOLE(mid_classic_broken(c));
  void *p = midden_classic_alloc(c, 16);
  size_t to_last = (size_t)((char *)block[BLOCKS - 1] - (char *)p);
  CHECK(to_last < MIB || (size_t)-to_last < MIB);
  CHECK(midden_classic_stats(c).committed_bytes > full - MIB);  // one is kept
  for (int i = 0; i < 31; i++) midden_classic_free(c, block[i]);
  CHECK(midden_classic_stats(c).committed_bytes < full - MIB);
  CHECK_WHOLE(mid_classic_broken(c));
  midden_classic_close(c);
  CHECK_EQ(midden_heap_stats(heap).live_blocks, 0);
  midden_heap_close(heap);
}

static void free_a_large_block_twice(void) {
  midden_classic *c = open_classic(NULL);
  void *p = midden_classic_alloc(c, 5000), *q = midden_classic_alloc(c, 5000);
  midden_classic_free(c, p);
  midden_classic_free(c, q);
  midden_classic_free(c, p);
}

TEST(a_large_block_that_is_freed_twice_stops_the_program)
{ test_stops(free_a_large_block_twice, "midden: "); }
