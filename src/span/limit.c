// span/limit.c -- heap_limit as a number, or taken from the process's memory cgroup.
// SPDX-License-Identifier: MIT
//
// A cgroup kills where a limit should refuse.  So its room is looked at again each time the heap
// has grown by a step since the last look, and by ever smaller steps as the room shrinks; a reserve
// is left for stacks, page tables, the page cache and the programs beside us.
#include "span/limit.h"

#include "base/bits.h"
#include "base/options.h"
#include "os/os.h"

static bool from_cgroup;
static size_t limit;  // in force; 0: none

// A sixteenth of the group's limit, at least 4 MiB, at most 256 MiB.
static size_t reserve_of(uint64_t group) {
  return mid_max((size_t)4 << 20, mid_min(group / 16, (size_t)256 << 20));
}

// Allow half of the room that is left now, and no more than half the reserve, since neighbours and
// forked children take from it too; the next look comes when that is used up.  0: no group.
static size_t look(size_t committed) {
  struct mid_os_cgroup group;
  if (!mid_os_cgroup_read(&group)) return 0;
  uint64_t reserve = reserve_of(group.limit), taken = group.used + reserve;
  size_t room = group.limit > taken ? group.limit - taken : 0;
  // Of the last MiB all is given, so that the steps end.
  size_t step = room > (size_t)1 << 20 ? mid_min(room / 2, reserve / 2) : room;
  uint64_t most = group.limit > reserve ? group.limit - reserve : 0;
  return mid_max(1, mid_min(committed + step, most));
}

void mid_limit_start(void) {
  from_cgroup = mid_options.heap_limit == MID_OPTION_HEAP_LIMIT_CGROUP;
  limit = from_cgroup ? look(0) : mid_options.heap_limit;
}

bool mid_limit_admits(size_t committed, size_t more) {
  if (limit == 0 || committed + more <= limit) return true;
  if (!from_cgroup) return false;
  // What is committed need not be touched yet, and so not be in the group's figure.
  size_t now = look(committed);
  if (now == 0) return true;
  limit = now;
  if (committed + more <= limit) return true;
  struct mid_os_cgroup group;
  if (!mid_os_cgroup_read(&group)) return true;
  return mid_max(group.used, committed) + reserve_of(group.limit) + more <= group.limit;
}

size_t mid_limit_now(void) { return limit; }
