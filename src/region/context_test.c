// region/context_test.c -- trees of blocks: freed together, handed on, reported, and misused.
// SPDX-License-Identifier: MIT
#include "midden/context.h"

#include <errno.h>

#include "midden/arena.h"
#include "midden/heap.h"
#include "region/region.h"
#include "support.h"
#include "test.h"

static midden_context *open_context(const char *name) {
  midden_context *c = NULL;
  CHECK_EQ(midden_context_open(NULL, name, &c), MIDDEN_OK);
  return c;
}

static size_t blocks(midden_context *c) {
  CHECK_WHOLE(mid_context_broken(c));
  return midden_context_stats(c).live_blocks;
}

TEST(freeing_a_block_frees_all_that_it_owns)
{
  midden_context *root = open_context("root"), *one = midden_context_child(root, "one");
  char *connection = midden_context_alloc(one, 100);
  for (int i = 0; i < 50; i++) CHECK(midden_context_alloc(midden_context_of(connection), 30));
  char *beside = midden_context_alloc(one, 20);
  test_fill(beside, 20, 1);
  CHECK_EQ(blocks(root), 52);
  CHECK(midden_context_owner(connection) == one);
  midden_context_free(connection);
  CHECK_EQ(blocks(root), 1);
  CHECK(test_filled(beside, 20, 1));
  midden_context_free(one);
  CHECK_EQ(blocks(root), 0);
  midden_context_free(NULL);
  midden_context_close(root);
}

// As test programs go: any block under any other, freed, resized and handed on at random.
TEST(a_random_tree_stays_whole)
{
  midden_heap *heap;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  midden_context *root = NULL;
  CHECK_EQ(midden_context_open(midden_heap_allocator(heap), "root", &root), MIDDEN_OK);
  uint64_t seed = 1;
  for (int step = 0; step < 3000; step++) {
    void *at = root;  // a random walk down finds a block
    midden_context *owner = root;
    for (uint64_t i = test_random(&seed) % 10; i > 0; i--) {
      void *next = midden_context_alloc(midden_context_of(at), test_random_size(&seed, 500));
      CHECK(next != NULL);
      if (test_random(&seed) % 2) owner = midden_context_of(at);
      at = next;
    }
    if (at == (void *)root) continue;
    uint64_t r = test_random(&seed) % 4;
    if (r == 0) midden_context_free(at);
    if (r == 1) CHECK(midden_context_resize(at, test_random_size(&seed, 70000)) != NULL);
    if (r == 2) midden_context_steal(at, owner);
    if (step % 100 == 0) CHECK_WHOLE(mid_context_broken(root));
  }
  CHECK_EQ(blocks(root) + 1, midden_heap_stats(heap).live_blocks);
  midden_context_close(root);
  CHECK_EQ(midden_heap_stats(heap).live_blocks, 0);
  midden_heap_close(heap);
}

TEST(a_chain_of_a_million_blocks_is_freed_without_recursion)
{
  midden_context *root = open_context("root"), *at = root;
  for (int i = 0; i < (SANITIZED ? 100000 : 1000000); i++)
    at = midden_context_of(midden_context_alloc(at, 8));
  midden_context_close(root);
}

TEST(a_block_keeps_what_it_owns_when_it_moves)
{
  midden_context *root = open_context("root");
  char *p = midden_context_alloc(root, 10), *owned[20];
  test_fill(p, 10, 1);
  for (int i = 0; i < 20; i++) owned[i] = midden_context_alloc(midden_context_of(p), 10);
  p = midden_context_resize(p, 200000);
  CHECK(test_filled(p, 10, 1));
  for (int i = 0; i < 20; i++) CHECK(midden_context_owner(owned[i]) == (midden_context *)(void *)p);
  errno = 0;
  CHECK(midden_context_resize(p, SIZE_MAX) == NULL);
  CHECK_EQ(errno, ENOMEM);
  CHECK_EQ(blocks(root), 21);
  midden_context_free(p);
  CHECK_EQ(blocks(root), 0);
  midden_context_close(root);
}

TEST(a_subtree_goes_to_another_owner_and_another_tree)
{
  midden_context *from = open_context("from"), *to = open_context("to");
  midden_context *part = midden_context_child(from, "part");
  for (int i = 0; i < 10; i++) CHECK(midden_context_alloc(part, 100) != NULL);
  size_t held = midden_context_stats(from).committed_bytes;
  midden_context_steal(part, to);
  CHECK(midden_context_owner(part) == to);
  CHECK_EQ(blocks(from), 0);
  CHECK_EQ(blocks(to), 10);
  CHECK(midden_context_stats(from).committed_bytes < held);
  midden_context_close(from);
  CHECK_EQ(blocks(to), 10);
  midden_context_close(to);
}

// ---- destructors ----

static char said[100];
static void say(void *letter) { strncat(said, letter, 1); }

static char *letter(midden_context *owner, const char *what) {
  char *p = midden_context_alloc(owner, 2);
  memcpy(p, what, 2);
  midden_context_on_free(p, say);
  return p;
}

TEST(a_destructor_runs_before_those_of_what_its_block_owns_and_the_newest_first)
{
  midden_context *root = open_context("root");
  said[0] = 0;
  char *a = letter(root, "a");
  letter(midden_context_of(a), "b");
  letter(midden_context_of(letter(midden_context_of(a), "c")), "d");
  midden_context_free(a);
  CHECK_STR(said, "acdb");
  midden_context_close(root);
  CHECK_STR(said, "acdb");
}

static midden_context *keep;
static char *saved, *victim;

static void save_it(void *block) {
  (void)block;
  midden_context_steal(saved, keep);
  midden_context_free(victim);
  letter(midden_context_of(block), "n");  // goes with the block
}

TEST(a_destructor_may_save_free_and_take)
{
  midden_context *root = open_context("root");
  said[0] = 0;
  keep = midden_context_child(root, "keep");
  char *top = midden_context_alloc(root, 10);
  saved = letter(midden_context_of(top), "s");
  victim = letter(midden_context_of(top), "v");
  midden_context_on_free(top, save_it);
  midden_context_free(top);
  CHECK_STR(said, "vn");
  CHECK_EQ(blocks(root), 1);
  midden_context_close(root);
  CHECK_STR(said, "vns");
}

// ---- reports ----

TEST(a_report_is_a_tree_with_sizes)
{
  midden_context *root = open_context("server"), *one = midden_context_child(root, "one");
  midden_context *two =
      midden_context_child(midden_context_of(midden_context_alloc(one, 5)), "two");
  CHECK(midden_context_alloc(root, 1000) != NULL);
  CHECK(midden_context_alloc(two, 3 << 20) != NULL);
  char *text = NULL;
  size_t bytes = 0;
  FILE *to = open_memstream(&text, &bytes);
  midden_context_print(root, to);
  fclose(to);
  CHECK_STR(text,
            "context                                         blocks       bytes  with all       "
            "below\n"
            "server                                               1      1000 B         3     3.0 "
            "MiB\n"
            "  one                                                1         5 B         2     3.0 "
            "MiB\n"
            "    two                                              1     3.0 MiB         1     3.0 "
            "MiB\n");
  free(text);
  midden_context_close(root);
}

// ---- crimes ----

static void free_twice(void) {
  midden_context *root = open_context("root");
  void *p = midden_context_alloc(root, 100);
  midden_context_free(p);
  midden_context_free(p);
}

static void free_what_is_none(void) {
  static char room[200] __attribute__((aligned(16)));
  midden_context_free(room + 96);
}

static void free_itself(void *block) { midden_context_free(block); }
static void free_itself_in_its_destructor(void) {
  void *p = midden_context_alloc(open_context("root"), 100);
  midden_context_on_free(p, free_itself);
  midden_context_free(p);
}

static void free_owner(void *block) { midden_context_free(midden_context_owner(block)); }
static void free_the_owner_in_a_destructor(void) {
  midden_context *one = midden_context_child(open_context("root"), "one");
  void *p = midden_context_alloc(one, 100);
  midden_context_on_free(p, free_owner);
  midden_context_free(p);
}

static void own_itself(void) {
  midden_context *one = midden_context_child(open_context("root"), "one");
  midden_context_steal(one, midden_context_child(one, "two"));
}

static void steal_from_another_source(void) {
  midden_arena *arena;
  midden_context *other;
  if (midden_arena_open(NULL, 0, &arena) != MIDDEN_OK) return;
  if (midden_context_open(midden_arena_allocator(arena), "other", &other) != MIDDEN_OK) return;
  midden_context_steal(midden_context_alloc(other, 10), open_context("root"));
}

TEST(misuse_stops_the_program_with_a_sentence)
{
  test_stops(free_twice, "midden: a pointer that is no block of a context at 0x");
  test_stops(free_what_is_none, "midden: a pointer that is no block of a context at 0x");
  test_stops(free_itself_in_its_destructor,
             "midden: a block of a context used by its own destructor at 0x");
  test_stops(free_the_owner_in_a_destructor,
             "midden: a block of a context used by its own destructor at 0x");
  test_stops(own_itself, "midden: a steal that makes a block own itself at 0x");
  test_stops(steal_from_another_source, "midden: a steal between trees of different sources at 0x");
}
