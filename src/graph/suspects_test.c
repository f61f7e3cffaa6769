// graph/suspects_test.c -- paths, groups and suspects of graphs drawn by hand.
// SPDX-License-Identifier: MIT
#include "graph/suspects.h"

#include "test.h"
//
#include "graph/drawn_test.h"

static uint32_t site_named(const struct mid_graph *g, const char *name) {
  for (uint32_t s = 0; s < g->site_count; s++)
    if (strcmp(g->sites[s].name, name) == 0) return s;
  return MID_GRAPH_NONE;
}

// A cache: a table with four entries, of which each has a buffer.
static const struct drawn_block CACHE[] = {
    {"table", 64, {2, 3, 4, 5}}, {"entry", 32, {6}},     {"entry", 32, {7}},
    {"entry", 32, {8}},          {"entry", 32, {9}},     {"buffer", 1000, {0}},
    {"buffer", 1000, {0}},       {"buffer", 1000, {0}},  {"buffer", 1000, {0}},
    {"parser", 500, {0}},        {"forgotten", 16, {0}},
};

TEST(what_a_global_holds_is_a_suspect_with_the_point_where_it_gathers)
{
  static const struct drawn_owner owners[] = {{MID_OWNER_GLOBAL, "cache", {1}},
                                              {MID_OWNER_STACK, "main", {10}}};
  struct mid_graph g = DRAWN(CACHE, owners);
  struct mid_paths p;
  struct mid_suspects s;
  mid_paths_make(&g, &p);
  mid_suspects_find(&g, &p, &s);
  CHECK_WHOLE(mid_graph_broken(&g));
  CHECK_EQ(s.count, 1);
  CHECK_EQ(s.at[0].node, 11);  // the first owner, behind 11 blocks
  CHECK_EQ(s.at[0].retained, 64 + 4 * 1032);
  CHECK_EQ(s.at[0].blocks, 9);
  CHECK_EQ(s.at[0].point, 0);  // the table: each entry has but a quarter of it
  CHECK_EQ(s.at[0].most_site, site_named(&g, "buffer"));
  CHECK_EQ(s.at[0].most_blocks, 4);
  CHECK_EQ(g.tree.unheld, 1);
  CHECK_EQ(p.owner[10], 2);  // nothing holds block 10
  mid_suspects_close(&s);
  mid_paths_close(&p);
  mid_graph_close(&g);
}

TEST(what_two_owners_share_is_one_group_and_says_who_they_are)
{
  // A list and a table have the same entries; neither holds them alone.
  static const struct drawn_block blocks[] = {{"table", 64, {3, 4, 5}}, {"list", 16, {3, 4, 5}},
                                              {"entry", 500, {0}},      {"entry", 500, {0}},
                                              {"entry", 500, {0}},      {"other", 100, {0}}};
  static const struct drawn_owner owners[] = {{MID_OWNER_GLOBAL, "by_name", {1}},
                                              {MID_OWNER_GLOBAL, "by_age", {2, 6}},
                                              {MID_OWNER_STACK, "main", {3}}};
  struct mid_graph g = DRAWN(blocks, owners);
  struct mid_paths p;
  struct mid_suspects s;
  mid_paths_make(&g, &p);
  mid_suspects_find(&g, &p, &s);
  // Each has 30 % of the heap by itself.
  CHECK_EQ(s.count, 3);
  for (size_t i = 0; i < s.count; i++) {
    CHECK_EQ(g.site[s.at[i].node], site_named(&g, "entry"));
    CHECK_EQ(s.at[i].holder[0], 0);
    CHECK_EQ(s.at[i].holder[1], 1);
  }
  mid_suspects_close(&s);
  mid_paths_close(&p);
  mid_graph_close(&g);
}

TEST(many_small_shared_blocks_are_a_suspect_together)
{
  enum { ENTRIES = 100 };
  struct mid_graph g;
  mid_graph_open(&g, ENTRIES + 2);
  for (uint32_t b = 0; b < ENTRIES + 2; b++) {
    g.address[b] = 4096 + b * 64, g.size[b] = 64;
    g.site[b] = mid_graph_add_site(&g, b < 2 ? "table" : "entry", "a.c", 1, true);
  }
  for (uint32_t table = 0; table < 2; table++) {
    for (uint32_t b = 2; b < ENTRIES + 2; b++) mid_edges_add(&g.edges, mid_edge(b, table == 1));
    mid_edges_end_row(&g.edges);
  }
  for (uint32_t b = 2; b < ENTRIES + 2; b++) mid_edges_end_row(&g.edges);
  for (uint32_t o = 0; o < 2; o++) {
    mid_graph_add_owner(&g, o == 0 ? MID_OWNER_STACK : MID_OWNER_GLOBAL, o == 0 ? "main" : "lru");
    mid_edges_add(&g.edges, mid_edge(o, false));
    mid_edges_end_row(&g.edges);
  }
  mid_graph_finish(&g);
  struct mid_paths p;
  struct mid_suspects s;
  mid_paths_make(&g, &p);
  mid_suspects_find(&g, &p, &s);
  CHECK_EQ(s.count, 1);
  CHECK_EQ(s.at[0].site, site_named(&g, "entry"));
  CHECK_EQ(s.at[0].blocks, ENTRIES);
  CHECK_EQ(s.at[0].retained, ENTRIES * 64);
  // A global's way is believed before a stack's: all go by the global's table.
  CHECK_EQ(s.at[0].point, 1);
  CHECK_EQ(s.at[0].point_retained, ENTRIES * 64);
  CHECK(s.at[0].holder[0] + s.at[0].holder[1] == 1);
  mid_suspects_close(&s);
  mid_paths_close(&p);
  mid_graph_close(&g);
}

TEST(a_way_by_a_global_is_shown_though_a_stack_has_a_shorter_one)
{
  static const struct drawn_block blocks[] = {
      {"head", 16, {2}}, {"node", 16, {3}}, {"node", 16, {4}}, {"leaf", 16, {0}}};
  static const struct drawn_owner owners[] = {{MID_OWNER_STACK, "main", {4}},
                                              {MID_OWNER_GLOBAL, "list", {1}}};
  struct mid_graph g = DRAWN(blocks, owners);
  struct mid_paths p;
  struct mid_path_step *steps;
  mid_paths_make(&g, &p);
  CHECK_EQ(mid_paths_to(&g, &p, 3, &steps), 4);
  CHECK_EQ(steps[0].node, 5);  // the second owner
  CHECK_EQ(steps[1].node, 0);
  CHECK_EQ(steps[2].node, 1);  // two nodes, as one step
  CHECK_EQ(steps[2].count, 2);
  CHECK_EQ(steps[3].node, 3);
  free(steps);
  uint32_t blocks_there;
  CHECK_EQ(mid_paths_of_site(&g, &p, site_named(&g, "node"), &blocks_there), 1);
  CHECK_EQ(blocks_there, 2);
  mid_paths_close(&p);
  mid_graph_close(&g);
}

TEST(of_ways_of_one_length_the_one_to_the_start_of_a_block_is_taken)
{
  static const struct drawn_block blocks[] = {{"a", 16, {-3}}, {"b", 16, {3}}, {"c", 16, {0}}};
  static const struct drawn_owner owners[] = {{MID_OWNER_GLOBAL, "g", {1, 2}}};
  struct mid_graph g = DRAWN(blocks, owners);
  struct mid_paths p;
  mid_paths_make(&g, &p);
  CHECK_EQ(p.from[2], 1);
  mid_paths_close(&p);
  mid_graph_close(&g);
}

TEST(groups_add_up_where_retained_sizes_of_a_list_do_not)
{
  static const struct drawn_block blocks[] = {
      {"node", 16, {2, 5}}, {"node", 16, {3, 6}}, {"node", 16, {4, 7}}, {"node", 16, {0}},
      {"item", 100, {0}},   {"item", 100, {0}},   {"item", 100, {0}}};
  static const struct drawn_owner owners[] = {{MID_OWNER_GLOBAL, "list", {1}}};
  struct mid_graph g = DRAWN(blocks, owners);
  struct mid_groups groups;
  mid_groups_make(&g, &groups);
  CHECK_EQ(groups.count, 5);  // the heap, the global, nodes, items; and nothing's
  uint32_t at[2] = {0};
  for (uint32_t i = 0; i < groups.count; i++) {
    if (groups.at[i].site == site_named(&g, "node")) at[0] = i;
    if (groups.at[i].site == site_named(&g, "item")) at[1] = i;
  }
  CHECK_EQ(groups.at[at[0]].blocks, 4);
  CHECK_EQ(groups.at[at[0]].own, 64);
  CHECK_EQ(groups.at[at[0]].retained, 364);
  CHECK_EQ(groups.at[at[1]].above, at[0]);
  CHECK_EQ(groups.at[at[1]].blocks, 3);
  struct mid_site_total *total = mid_groups_by_site(&g, &groups);
  CHECK_EQ(total[0].site, site_named(&g, "item"));
  CHECK_EQ(total[0].own, 300);
  CHECK_EQ(total[1].retained, 364);
  free(total);
  mid_groups_close(&groups);
  mid_graph_close(&g);
}

TEST(two_sites_in_turns_make_no_group_of_each_block)
{
  enum { LIST = 100000 };
  struct mid_graph g;
  struct mid_groups groups;
  mid_graph_open(&g, LIST);
  for (uint32_t b = 0; b < LIST; b++) {
    g.address[b] = 4096 + b * 16, g.size[b] = 16;
    g.site[b] = mid_graph_add_site(&g, b % 2 == 0 ? "even" : "odd", "", 0, false);
    if (b + 1 < LIST) mid_edges_add(&g.edges, mid_edge(b + 1, false));
    mid_edges_end_row(&g.edges);
  }
  mid_graph_add_owner(&g, MID_OWNER_GLOBAL, "g");
  mid_edges_add(&g.edges, mid_edge(0, false));
  mid_edges_end_row(&g.edges);
  mid_graph_finish(&g);
  mid_groups_make(&g, &groups);
  CHECK(groups.count < 100);
  uint64_t own = 0;
  for (uint32_t i = 0; i < groups.count; i++) own += groups.at[i].own;
  CHECK_EQ(own, LIST * 16);
  mid_groups_close(&groups);
  mid_graph_close(&g);
}

TEST(an_address_in_a_block_finds_it)
{
  static const struct drawn_owner owners[] = {{MID_OWNER_GLOBAL, "cache", {1}}};
  struct mid_graph g = DRAWN(CACHE, owners);
  CHECK_EQ(mid_graph_find(&g, g.address[0]), 0);
  CHECK_EQ(mid_graph_find(&g, g.address[6] + 999), 6);
  CHECK_EQ(mid_graph_find(&g, g.address[6] + 1000), MID_GRAPH_NONE);  // to the next block
  CHECK_EQ(mid_graph_find(&g, g.address[0] - 1), MID_GRAPH_NONE);
  CHECK_EQ(mid_graph_find(&g, UINT64_MAX), MID_GRAPH_NONE);
  mid_graph_close(&g);
}
