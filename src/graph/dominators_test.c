// graph/dominators_test.c -- dominators against a search that leaves out one node after the other.
// SPDX-License-Identifier: MIT
#include "graph/dominators.h"

#include <stdbool.h>

#include "test.h"

enum { MOST = 64 };

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t bound) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((random_state >> 33) % bound);
}

// Some are a tangle, some nearly a tree; some blocks are held by nothing.
static void make_random(struct mid_edges *e) {
  uint32_t blocks = 1 + random_below(24), owners = 1 + random_below(4), most = 1 + random_below(4);
  mid_edges_open(e, blocks);
  for (uint32_t n = 0; n < blocks + owners; n++) {
    for (uint32_t i = random_below(most + 1); i > 0; i--)
      mid_edges_add(e, mid_edge(random_below(blocks), random_below(4) == 0));
    mid_edges_end_row(e);
  }
  mid_edges_finish(e);
}

// Which nodes are reached from the root by ways that do not pass `without`.
static void reach(const struct mid_edges *e, uint32_t without, bool *reached) {
  uint32_t root = mid_edges_root(e);
  memset(reached, 0, MOST);
  reached[root] = root != without;
  for (uint32_t n = e->blocks; n < root; n++) reached[n] = root != without && n != without;
  for (bool more = true; more;) {
    more = false;
    for (uint32_t n = 0; n < e->rows; n++)
      for (size_t i = e->offset[n]; reached[n] && i < e->offset[n + 1]; i++) {
        uint32_t to = mid_edge_to(e->target[i]);
        if (to != without && !reached[to]) reached[to] = more = true;
      }
  }
}

// dominates[a][b]: every way to b passes a, which is not b.
static void dominate_naively(const struct mid_edges *e, bool dominates[MOST][MOST]) {
  for (uint32_t a = 0; a < mid_edges_nodes(e); a++) {
    bool reached[MOST];
    reach(e, a, reached);
    for (uint32_t b = 0; b < mid_edges_nodes(e); b++) dominates[a][b] = a != b && !reached[b];
  }
}

static uint32_t count_dominators(bool dominates[MOST][MOST], uint32_t nodes, uint32_t of) {
  uint32_t count = 0;
  for (uint32_t a = 0; a < nodes; a++) count += dominates[a][of];
  return count;
}

static void compare(const struct mid_edges *e, const struct mid_dominators *d,
                    const uint64_t *size) {
  bool dominates[MOST][MOST];
  uint32_t nodes = mid_edges_nodes(e), root = mid_edges_root(e);
  dominate_naively(e, dominates);
  for (uint32_t n = 0; n < nodes; n++) {
    uint64_t bytes = n < e->blocks ? size[n] : 0, count = n < e->blocks;
    for (uint32_t b = 0; b < e->blocks; b++)
      if (dominates[n][b]) bytes += size[b], count++;
    CHECK_EQ(d->retained[n], bytes);
    CHECK_EQ(d->count[n], count);
    if (n == root) continue;
    // The nearest of those that dominate it: all of the others dominate that one.
    CHECK(dominates[d->above[n]][n]);
    CHECK_EQ(count_dominators(dominates, nodes, d->above[n]) + 1,
             count_dominators(dominates, nodes, n));
  }
  CHECK_EQ(d->above[root], root);
}

TEST(thousands_of_random_graphs_have_the_dominators_of_the_definition)
{
  for (int round = 0; round < 4000; round++) {
    struct mid_edges e;
    struct mid_dominators d;
    uint64_t size[MOST];
    make_random(&e);
    for (uint32_t b = 0; b < e.blocks; b++) size[b] = 16 + random_below(100);
    bool held[MOST];
    reach(&e, mid_edges_unheld(&e), held);
    uint32_t unheld = 0;
    for (uint32_t b = 0; b < e.blocks; b++) unheld += !held[b];
    mid_dominators_make(&e, size, NULL, &d);
    CHECK_WHOLE(mid_edges_broken(&e));
    CHECK_EQ(d.unheld, unheld);
    compare(&e, &d, size);
    mid_dominators_close(&d);
    mid_edges_close(&e);
  }
  CHECK_EQ(mid_array_bytes(), 0);
}

TEST(each_node_comes_behind_its_dominator)
{
  struct mid_edges e;
  struct mid_dominators d;
  uint64_t size[MOST] = {0};
  bool seen[MOST] = {false};
  make_random(&e);
  mid_dominators_make(&e, size, NULL, &d);
  for (uint32_t i = 0; i < mid_edges_nodes(&e); i++) {
    CHECK(i == 0 || seen[d.above[d.order[i]]]);
    CHECK(!seen[d.order[i]]);
    seen[d.order[i]] = true;
  }
  mid_dominators_close(&d);
  mid_edges_close(&e);
}

TEST(of_two_edges_to_a_block_the_one_to_its_start_stays)
{
  struct mid_edges e;
  mid_edges_open(&e, 2);
  mid_edges_add(&e, mid_edge(1, true));
  mid_edges_add(&e, mid_edge(0, false));
  mid_edges_add(&e, mid_edge(1, false));
  mid_edges_add(&e, mid_edge(1, true));
  mid_edges_end_row(&e);
  mid_edges_end_row(&e);
  mid_edges_finish(&e);
  CHECK_EQ(e.count, 1);
  CHECK_EQ(e.target[0], mid_edge(1, false));
  mid_edges_close(&e);
}

static uint64_t *same_sizes(struct mid_array *room, uint32_t count) {
  *room = mid_array_open(count * sizeof(uint64_t));
  uint64_t *size = room->at;
  for (uint32_t i = 0; i < count; i++) size[i] = 16;
  return size;
}

// Climbed step by step, this takes 10^12 steps; and a search that calls itself has no stack for it.
TEST(a_long_list_whose_items_a_table_holds_too_takes_linear_time)
{
  enum { LIST = 1000 * 1000 };
  struct mid_edges e;
  struct mid_dominators d;
  struct mid_array room;
  uint64_t *size = same_sizes(&room, 2 * LIST + 1);
  mid_edges_open(&e, 2 * LIST + 1);
  for (uint32_t n = 0; n < LIST; n++) {  // node n points to n + 1 and to its item
    if (n + 1 < LIST) mid_edges_add(&e, mid_edge(n + 1, false));
    mid_edges_add(&e, mid_edge(LIST + n, false));
    mid_edges_end_row(&e);
  }
  for (uint32_t n = 0; n < LIST; n++) mid_edges_end_row(&e);
  for (uint32_t n = 0; n < LIST; n++) mid_edges_add(&e, mid_edge(LIST + n, false));
  mid_edges_end_row(&e);                  // block 2 * LIST, the table
  mid_edges_add(&e, mid_edge(0, false));  // one owner has the list,
  mid_edges_end_row(&e);
  mid_edges_add(&e, mid_edge(2 * LIST, false));  // another the table
  mid_edges_end_row(&e);
  mid_edges_finish(&e);
  mid_dominators_make(&e, size, NULL, &d);
  CHECK_EQ(d.above[LIST - 1], LIST - 2);
  CHECK_EQ(d.above[2 * LIST - 1], mid_edges_root(&e));
  CHECK_EQ(d.retained[0], (uint64_t)16 * LIST);
  CHECK_EQ(d.retained[2 * LIST], 16);
  mid_dominators_close(&d);
  mid_edges_close(&e);
  mid_array_close(&room);
}

TEST(a_ring_that_nothing_holds_hangs_by_one_block)
{
  enum { RING = 1000 };
  struct mid_edges e;
  struct mid_dominators d;
  struct mid_array room;
  uint64_t *size = same_sizes(&room, RING);
  mid_edges_open(&e, RING);
  for (uint32_t n = 0; n < RING; n++) {  // linked both ways
    mid_edges_add(&e, mid_edge((n + 1) % RING, false));
    mid_edges_add(&e, mid_edge((n + RING - 1) % RING, false));
    mid_edges_end_row(&e);
  }
  mid_edges_finish(&e);
  mid_dominators_make(&e, size, NULL, &d);
  CHECK_EQ(d.unheld, RING);
  CHECK_EQ(d.above[0], mid_edges_unheld(&e));
  for (uint32_t n = 1; n < RING; n++) CHECK_EQ(d.above[n], 0);
  CHECK_EQ(d.retained[0], 16 * RING);
  mid_dominators_close(&d);
  mid_edges_close(&e);
  mid_array_close(&room);
}

TEST(an_owner_of_a_higher_rank_shares_nothing_with_a_lower_one)
{
  static const uint8_t rank[] = {1, 0, 2};
  static const uint64_t size[] = {16, 16, 16, 16};
  struct mid_edges e;
  struct mid_dominators d;
  mid_edges_open(&e, 4);
  for (uint32_t n = 0; n < 3; n++) {  // 0 -> 1 -> 2 -> 0; 3 alone
    mid_edges_add(&e, mid_edge((n + 1) % 3, false));
    mid_edges_end_row(&e);
  }
  mid_edges_end_row(&e);
  static const uint32_t to[3][2] = {{2, 3}, {0, 0}, {3, 1}};
  for (int owner = 0; owner < 3; owner++) {
    mid_edges_add(&e, mid_edge(to[owner][0], false));
    mid_edges_add(&e, mid_edge(to[owner][1], false));
    mid_edges_end_row(&e);
  }
  mid_edges_finish(&e);
  mid_dominators_make(&e, size, rank, &d);
  CHECK_WHOLE(mid_edges_broken(&e));
  CHECK_EQ(d.retained[5], 48);  // the ring is the second owner's alone,
  CHECK_EQ(d.retained[4], 16);  // what is left for the first is 3,
  CHECK_EQ(d.retained[6], 0);   // and nothing for the third
  CHECK_EQ(e.offset[7] - e.offset[4], 2);
  mid_dominators_close(&d);
  mid_edges_close(&e);
}
