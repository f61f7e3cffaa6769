// graph/diff_test.c -- what is the same in two snapshots, what is new, and what stayed.
// SPDX-License-Identifier: MIT
#include "graph/diff.h"

#include "test.h"
//
#include "graph/drawn_test.h"

static const struct drawn_owner CACHE[] = {{MID_OWNER_GLOBAL, "cache", {1, 2, 3}}};

static const struct mid_diff_site *site_named(const struct mid_graph_diff *d, const char *name) {
  for (size_t i = 0; i < d->sites; i++)
    if (strcmp(d->target->sites[d->site[i].site].name, name) == 0) return &d->site[i];
  fail_msg("no site %s", name);
  return NULL;
}

TEST(blocks_are_the_same_by_address_size_site_and_birth)
{
  static const struct drawn_block before[] = {
      {"a", 64, {0}}, {"a", 64, {0}}, {"a", 64, {0}}, {"a", 64, {0}}};
  static const struct drawn_block after[] = {
      {"a", 64, {0}}, {"a", 64, {0}}, {"b", 64, {0}}, {"a", 48, {0}}};
  struct mid_graph old = DRAWN(before, CACHE), now = DRAWN(after, CACHE);
  struct mid_graph_diff d;
  old.born[0] = now.born[0] = 70000;
  now.born[0] += 12;  // a clock that was measured anew
  old.born[1] = 70000;
  now.born[1] = 71000;  // the address was used again
  mid_graph_diff_make(&old, &now, NULL, &d);
  CHECK_EQ(d.born.blocks, 3);
  CHECK_EQ(d.born.bytes, 64 + 64 + 48);
  CHECK_EQ(d.gone.blocks, 3);
  CHECK_EQ(site_named(&d, "a")->before.blocks, 4);
  CHECK_EQ(site_named(&d, "a")->after.blocks, 3);
  CHECK_EQ(site_named(&d, "a")->born.blocks, 2);
  CHECK_EQ(site_named(&d, "b")->born.blocks, 1);
  CHECK_EQ(d.site[0].site, site_named(&d, "b")->site);  // it grew, a did not
  mid_graph_diff_close(&d);
  mid_graph_close(&old);
  mid_graph_close(&now);
}

TEST(a_block_whose_stack_was_forgotten_is_still_the_same)
{
  static const struct drawn_block before[] = {{"a", 64, {0}}};
  static const struct drawn_block after[] = {{"64 B, without a stack", 64, {0}}};
  static const struct drawn_owner one[] = {{MID_OWNER_GLOBAL, "cache", {1}}};
  struct mid_graph old = DRAWN(before, one), now = DRAWN(after, one);
  struct mid_graph_diff d;
  old.born[0] = 500;
  now.sites[0].known = false;
  mid_graph_diff_make(&old, &now, NULL, &d);
  CHECK_EQ(d.born.blocks, 0);
  CHECK_EQ(d.gone.blocks, 0);
  CHECK_EQ(d.site[0].before.blocks, 1);
  CHECK_EQ(d.site[0].after.blocks, 1);
  mid_graph_diff_close(&d);
  mid_graph_close(&old);
  mid_graph_close(&now);
}

TEST(of_three_what_was_born_and_is_still_there_stayed)
{
  static const struct drawn_block first[] = {{"old", 64, {0}}};
  static const struct drawn_block second[] = {
      {"old", 64, {0}}, {"kept", 32, {0}}, {"temp", 32, {0}}};
  static const struct drawn_block third[] = {{"old", 64, {0}}, {"kept", 32, {0}}};
  static const struct drawn_owner one[] = {{MID_OWNER_GLOBAL, "cache", {1}}};
  struct mid_graph a = DRAWN(first, one), b = DRAWN(second, CACHE), c = DRAWN(third, one);
  struct mid_graph_diff d;
  mid_graph_diff_make(&a, &b, &c, &d);
  CHECK_EQ(d.born.blocks, 2);
  CHECK_EQ(d.stayed.blocks, 1);
  CHECK_EQ(site_named(&d, "kept")->stayed.bytes, 32);
  CHECK_EQ(site_named(&d, "temp")->stayed.bytes, 0);
  CHECK_EQ(d.site[0].site, site_named(&d, "kept")->site);
  CHECK_EQ(d.owner[0].before, 64);  // the cache
  CHECK_EQ(d.owner[0].after, 128);
  mid_graph_diff_close(&d);
  mid_graph_close(&a);
  mid_graph_close(&b);
  mid_graph_close(&c);
}
