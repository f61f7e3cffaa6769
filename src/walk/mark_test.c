// walk/mark_test.c -- marking, and the order of what is lost, on graphs drawn by hand and by
// chance.
// SPDX-License-Identifier: MIT
#include "test.h"
#include "walk/reach.h"

enum { DRAWN_MOST = 1024 };

// A drawn heap: edges in any order, then what the walk makes of them.
struct drawing {
  struct {
    uint32_t from, to;
  } edge[512];
  size_t edges;
  struct mid_root root[4];
  struct mid_roots roots;
  struct mid_reach reach;
  struct mid_blocks heap;
  struct mid_reach_marks marks;
  uint32_t leader[DRAWN_MOST];  // of lost blocks; MID_BLOCK_NONE: the block was not visited
  unsigned visits;
};

// All blocks are live; roots are nodes behind them.
static void draw(struct drawing *d, uint32_t blocks) {
  memset(d, 0, sizeof *d);
  d->heap.blocks = blocks;
  d->heap.live = calloc(blocks / 64 + 1, sizeof(uint64_t));
  for (uint32_t i = 0; i < blocks; i++) d->heap.live[i / 64] |= (uint64_t)1 << i % 64;
  d->reach.blocks = blocks;
  d->roots.root = d->root;
}

static uint32_t draw_root(struct drawing *d, enum mid_root_kind kind) {
  d->root[d->roots.count].kind = kind;
  return d->heap.blocks + (uint32_t)d->roots.count++;
}

static void draw_edge(struct drawing *d, uint32_t from, uint32_t to) {
  d->edge[d->edges].from = from;
  d->edge[d->edges++].to = to;
}

static void note_lost(void *self, uint32_t block, uint32_t leader) {
  struct drawing *d = self;
  CHECK_EQ(d->leader[block], MID_BLOCK_NONE);
  d->leader[block] = leader;
  d->visits++;
}

static void look(struct drawing *d) {
  uint32_t nodes = d->heap.blocks + (uint32_t)d->roots.count;
  d->reach.roots = (uint32_t)d->roots.count;
  d->reach.first = calloc(nodes + 1, sizeof(uint64_t));
  d->reach.target = calloc(d->edges + 1, sizeof(uint32_t));
  for (uint32_t node = 0; node < nodes; node++) {
    for (size_t i = 0; i < d->edges; i++)
      if (d->edge[i].from == node) d->reach.target[d->reach.edges++] = d->edge[i].to;
    d->reach.first[node + 1] = d->reach.edges;
  }
  d->marks = mid_reach_mark(&d->reach, &d->roots);
  memset(d->leader, 0xff, sizeof d->leader);
  mid_reach_lost(&d->reach, &d->heap, &d->marks, note_lost, d);
}

static void rub_out(struct drawing *d) {
  mid_reach_marks_close(&d->marks);
  mid_reach_close(&d->reach);
  free(d->heap.live);
}

static bool held(const struct drawing *d, uint32_t block) {
  return mid_reach_bit(d->marks.held, block);
}
static bool possible(const struct drawing *d, uint32_t block) {
  return mid_reach_bit(d->marks.possible, block);
}

TEST(what_a_root_leads_to_is_held_all_the_way)
{
  struct drawing d;
  draw(&d, 5);
  uint32_t global = draw_root(&d, MID_ROOT_GLOBAL);
  draw_edge(&d, global, 0);
  draw_edge(&d, 0, 3);
  draw_edge(&d, 3, 1);
  draw_edge(&d, 1, 0);
  look(&d);
  CHECK(held(&d, 0) && held(&d, 1) && held(&d, 3));
  CHECK(!held(&d, 2) && !possible(&d, 2));
  CHECK_EQ(d.visits, 2);
  CHECK_EQ(d.leader[2], 2);
  CHECK_EQ(d.leader[4], 4);
  rub_out(&d);
}

TEST(behind_a_weak_edge_all_is_possible_and_nothing_lost)
{
  struct drawing d;
  draw(&d, 4);
  uint32_t global = draw_root(&d, MID_ROOT_GLOBAL);
  draw_edge(&d, global, 0);
  draw_edge(&d, 0, 1 | MID_REACH_WEAK);
  draw_edge(&d, 1, 2);
  draw_edge(&d, global, 3 | MID_REACH_WEAK);
  look(&d);
  CHECK(held(&d, 0) && !held(&d, 1) && !held(&d, 2) && !held(&d, 3));
  CHECK(possible(&d, 1) && possible(&d, 2) && possible(&d, 3) && !possible(&d, 0));
  CHECK(!mid_reach_bit(d.marks.left, 1));
  CHECK_EQ(d.visits, 0);
  rub_out(&d);
}

TEST(a_better_way_beats_a_weak_one)
{
  struct drawing d;
  draw(&d, 3);
  uint32_t finished = draw_root(&d, MID_ROOT_FINISHED), global = draw_root(&d, MID_ROOT_GLOBAL);
  draw_edge(&d, finished, 0);
  draw_edge(&d, global, 0 | MID_REACH_WEAK);
  draw_edge(&d, global, 1);
  draw_edge(&d, 1, 0);
  draw_edge(&d, 0, 2);
  look(&d);
  CHECK(held(&d, 0) && held(&d, 1) && held(&d, 2));
  CHECK(!possible(&d, 0) && !possible(&d, 2));
  rub_out(&d);
}

TEST(what_is_left_over_from_a_thread_makes_possible_and_says_so)
{
  struct drawing d;
  draw(&d, 4);
  uint32_t finished = draw_root(&d, MID_ROOT_FINISHED);
  draw_edge(&d, finished, 0);
  draw_edge(&d, 0, 1);
  draw_edge(&d, 1, 2 | MID_REACH_WEAK);
  look(&d);
  CHECK(possible(&d, 0) && possible(&d, 1) && possible(&d, 2) && !held(&d, 0));
  CHECK(mid_reach_bit(d.marks.left, 0) && mid_reach_bit(d.marks.left, 1));
  CHECK(!mid_reach_bit(d.marks.left, 2));
  CHECK_EQ(d.leader[3], 3);
  rub_out(&d);
}

TEST(of_a_lost_list_the_head_leads)
{
  struct drawing d;
  draw(&d, 6);
  draw_edge(&d, 4, 2);
  draw_edge(&d, 2, 5);
  draw_edge(&d, 5, 0);
  draw_edge(&d, 0, 1);
  draw_edge(&d, 3, 1);  // another that leads to the same
  look(&d);
  CHECK_EQ(d.visits, 6);
  CHECK_EQ(d.leader[4], 4);
  CHECK_EQ(d.leader[2], 4);
  CHECK_EQ(d.leader[5], 4);
  CHECK_EQ(d.leader[0], 4);
  CHECK_EQ(d.leader[3], 3);
  CHECK(d.leader[1] == 3 || d.leader[1] == 4);
  rub_out(&d);
}

TEST(a_cycle_has_one_leader_and_leads_to_the_next_cycle)
{
  struct drawing d;
  draw(&d, 6);
  for (uint32_t i = 0; i < 3; i++) {
    draw_edge(&d, i, (i + 1) % 3);
    draw_edge(&d, 3 + i, 3 + (i + 1) % 3);
  }
  draw_edge(&d, 5, 1);  // from the second to the first
  look(&d);
  uint32_t leader = d.leader[0];
  CHECK(leader >= 3);
  for (uint32_t i = 0; i < 6; i++) CHECK_EQ(d.leader[i], leader);
  rub_out(&d);
}

TEST(blocks_that_are_free_are_not_lost)
{
  struct drawing d;
  draw(&d, 3);
  d.heap.live[0] = 5;
  look(&d);
  CHECK_EQ(d.visits, 2);
  CHECK_EQ(d.leader[1], MID_BLOCK_NONE);
  rub_out(&d);
}

// Blocks of a random graph: `apart` from one another, so that words of bits lie between them.
enum { RANDOM_MOST = 22, APART = 37 };

// way[i] has a bit for each block that block i leads to, itself too.
static void find_ways(const struct drawing *d, uint32_t blocks, uint64_t *way) {
  for (uint32_t i = 0; i < blocks; i++) way[i] = (uint64_t)1 << i;
  for (size_t i = 0; i < d->edges; i++)
    if (d->edge[i].from < d->heap.blocks)
      way[d->edge[i].from / APART] |= (uint64_t)1 << d->edge[i].to / APART;
  for (uint32_t k = 0; k < blocks; k++)
    for (uint32_t i = 0; i < blocks; i++)
      if ((way[i] >> k & 1) != 0) way[i] |= way[k];
}

// Block i, of a graph where the root leads to the blocks of `from_root`.
static void check_random(const struct drawing *d, uint32_t blocks, uint32_t i, const uint64_t *way,
                         uint64_t from_root) {
  uint32_t leader = d->leader[i * APART];
  CHECK_EQ(held(d, i * APART), from_root >> i & 1);
  CHECK_EQ(leader == MID_BLOCK_NONE, from_root >> i & 1);
  if (leader == MID_BLOCK_NONE) return;
  CHECK_EQ(d->leader[leader], leader);
  CHECK(way[leader / APART] >> i & 1);
  // A lost block that leads to a leader is led to by it.
  for (uint32_t k = 0; k < blocks; k++)
    if (leader == i * APART && d->leader[k * APART] != MID_BLOCK_NONE && (way[k] >> i & 1) != 0)
      CHECK(way[i] >> k & 1);
}

TEST(random_graphs_are_ordered_as_the_words_say)
{
  srand(7);
  for (int round = 0; round < 2000; round++) {
    struct drawing d;
    uint64_t way[RANDOM_MOST];
    uint32_t blocks = 2 + (uint32_t)rand() % (RANDOM_MOST - 2);
    uint32_t edges = (uint32_t)rand() % (2 * blocks), first = (uint32_t)rand() % blocks;
    draw(&d, blocks * APART);
    memset(d.heap.live, 0, (blocks * APART / 64 + 1) * sizeof *d.heap.live);
    for (uint32_t i = 0; i < blocks; i++)
      d.heap.live[i * APART / 64] |= (uint64_t)1 << i * APART % 64;
    draw_edge(&d, draw_root(&d, MID_ROOT_STACK), first * APART);
    for (uint32_t i = 0; i < edges; i++)
      draw_edge(&d, (uint32_t)rand() % blocks * APART, (uint32_t)rand() % blocks * APART);
    look(&d);
    find_ways(&d, blocks, way);
    for (uint32_t i = 0; i < blocks; i++) check_random(&d, blocks, i, way, way[first]);
    rub_out(&d);
  }
}

static void count_leaders(void *self, uint32_t block, uint32_t leader) {
  *(uint64_t *)self += block == leader;
}

// A list of so many blocks would use up any stack that marks by calling itself.
TEST(a_list_of_a_million_blocks_is_followed)
{
  enum { MANY = 1 << 20 };
  for (int lost = 0; lost < 2; lost++) {
    struct drawing d;
    draw(&d, MANY);
    uint32_t root = draw_root(&d, MID_ROOT_GLOBAL);
    d.reach.roots = 1;
    d.reach.first = calloc(MANY + 2, sizeof(uint64_t));
    d.reach.target = calloc(MANY + 1, sizeof(uint32_t));
    for (uint32_t i = 0; i < MANY; i++) {
      d.reach.first[i + 1] = i + (i + 1 < MANY);
      d.reach.target[i] = i + 1;
    }
    d.reach.edges = d.reach.first[root] + !lost;
    d.reach.target[d.reach.first[root]] = 0;
    d.reach.first[root + 1] = d.reach.edges;
    d.marks = mid_reach_mark(&d.reach, &d.roots);
    CHECK_EQ(held(&d, MANY - 1), !lost);
    uint64_t leaders = 0;
    mid_reach_lost(&d.reach, &d.heap, &d.marks, count_leaders, &leaders);
    CHECK_EQ(leaders, lost);
    rub_out(&d);
  }
}
