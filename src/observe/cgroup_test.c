// observe/cgroup_test.c -- what is known of a group, and of none.
// SPDX-License-Identifier: MIT
#include "observe/cgroup.h"

#include <string.h>
#include <unistd.h>

#include "test.h"

TEST(of_a_group_that_was_never_found_nothing_is_known)
{
  static struct mid_cgroup group;
  mid_cgroup_follow(-1, &group);
  CHECK_EQ(group.path[0], 0);
  CHECK_EQ(group.limit, 0);
  CHECK_EQ(mid_cgroup_new_kills(&group), 0);
  CHECK_EQ(mid_cgroup_used(&group), 0);
}

// Where it runs decides what there is; no limit is 0, however v1 or v2 writes it.
TEST(a_group_that_is_followed_again_stays_as_it_was)
{
  static struct mid_cgroup first, again;
  mid_cgroup_follow(getpid(), &first);
  CHECK(first.limit < 1ull << 62);
  again = first;
  mid_cgroup_follow(getpid(), &again);
  CHECK(memcmp(&first, &again, sizeof first) == 0);
}
