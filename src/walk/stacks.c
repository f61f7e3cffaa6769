// walk/stacks.c -- see stacks.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "walk/stacks.h"

#include <string.h>
#include <sys/resource.h>

// Frames leave out pages, by large arrays that are not written to; not many in a row.
enum { GAP_PAGES = 64 };

static uint64_t lowest_touched(const struct mid_target *t, uint64_t low, uint64_t sp) {
  uint64_t page = sp & -t->page_bytes, found = page;
  for (uint64_t gap = 0; page > low && gap < GAP_PAGES; gap++) {
    page -= t->page_bytes;
    if (mid_target_touched(t, page)) found = page, gap = 0;
  }
  return found;
}

bool mid_stack_of(const struct mid_target *t, const struct mid_target_thread *thread,
                  struct mid_stack *out) {
  struct rlimit limit;
  const struct mid_target_mapping *m = mid_target_mapping_at(t, thread->sp);
  if (m == NULL || !m->write) return false;
  *out = (struct mid_stack){.low = m->start, .high = m->end, .limit = m->end - m->start};
  out->first = strcmp(m->path, "[stack]") == 0;
  if (out->first && t->live && prlimit(t->pid, RLIMIT_STACK, NULL, &limit) == 0)
    out->limit = limit.rlim_cur == RLIM_INFINITY ? 0 : limit.rlim_cur;
  out->touched = lowest_touched(t, m->start, thread->sp);
  return true;
}
