// observe/finding/stack.c -- threads that came near the end of their stack.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/stacks.h"
#include "observe/words.h"

static void tell_overflow(const struct mid_deep_stack *d, struct mid_findings *out) {
  struct mid_finding *f =
      mid_finding_add(out, "stack", MID_CERTAIN, d->site, (double)d->used, (double)d->calls);
  struct mid_words size, calls, twice;
  f->badness += 1e12;  // the process died of it
  mid_finding_what(f, "thread %d (%s) overflowed its stack of %s, in %s calls%s%s", (int)d->tid,
                   d->name, mid_words_size(d->limit, &size),
                   mid_words_count((double)d->calls, &calls), d->cycle[0] != 0 ? ": " : "",
                   d->cycle);
  mid_finding_why(f, "the address that it died of is just beyond the end of the stack");
  if (d->cycle[0] != 0)
    mid_finding_advise(f,
                       "bound the depth of this recursion, or keep what is still to be done in a "
                       "list on the heap; %s would only end it later",
                       d->first ? "ulimit -s" : "pthread_attr_setstacksize");
  else
    mid_finding_advise(f, "move large local arrays to the heap, or give it %s (%s)",
                       mid_words_size(2 * d->limit, &twice),
                       d->first ? "ulimit -s" : "pthread_attr_setstacksize");
}

static void tell_near(const char *name, pid_t tid, uint64_t used, uint64_t limit,
                      const struct mid_profile_site *site, struct mid_findings *out) {
  if (limit == 0 || (double)used < MID_STACK_NEAR * (double)limit) return;
  struct mid_finding *f = mid_finding_add(out, "stack", MID_LIKELY, site, (double)used, 1);
  struct mid_words size, most, twice;
  mid_finding_what(f, "thread %d (%s) used %s of its stack of %s", (int)tid, name,
                   mid_words_size(used, &size), mid_words_size(limit, &most));
  mid_finding_why(f, "by the pages of the stack that were ever touched");
  mid_finding_advise(f,
                     "give it %s (pthread_attr_setstacksize, ulimit -s), or move large local "
                     "arrays to the heap and bound the recursion",
                     mid_words_size(2 * limit, &twice));
}

// Whether the last look tells of the thread.
static bool is_told(const struct mid_last_facts *facts, pid_t tid) {
  for (size_t i = 0; facts != NULL && i < facts->deeps; i++)
    if (facts->deep[i].tid == tid &&
        (facts->deep[i].overflowed ||
         (double)facts->deep[i].used >= MID_STACK_NEAR * (double)facts->deep[i].limit))
      return true;
  return false;
}

static void stack_find(const struct mid_evidence *e, struct mid_findings *out) {
  const struct mid_near_stacks *near = e->process->near;
  for (size_t i = 0; e->facts != NULL && i < e->facts->deeps; i++) {
    const struct mid_deep_stack *d = &e->facts->deep[i];
    if (d->overflowed)
      tell_overflow(d, out);
    else
      tell_near(d->name, d->tid, d->used, d->limit, d->site, out);
  }
  for (size_t i = 0; near != NULL && i < near->count; i++) {
    const struct mid_near_stack *n = &near->stack[i];
    if (!is_told(e->facts, n->tid)) tell_near(n->name, n->tid, n->used, n->limit, NULL, out);
  }
}

const struct mid_finding_rule mid_rule_stack = {
    .kind = "stack",
    .source = "residency of stacks, now and then and at the last look",
    .find = stack_find,
};
