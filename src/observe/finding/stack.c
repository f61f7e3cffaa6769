// observe/finding/stack.c -- threads that came near the end of their stack.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"
#include "observe/finding_limits.h"
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

static void stack_find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; e->facts != NULL && i < e->facts->deeps; i++) {
    const struct mid_deep_stack *d = &e->facts->deep[i];
    if (d->overflowed) {
      tell_overflow(d, out);
      continue;
    }
    if (d->limit == 0 || (double)d->used < MID_STACK_NEAR * (double)d->limit) continue;
    struct mid_finding *f = mid_finding_add(out, "stack", MID_LIKELY, d->site, (double)d->used, 1);
    struct mid_words used, limit, twice;
    mid_finding_what(f, "thread %d (%s) used %s of its stack of %s", (int)d->tid, d->name,
                     mid_words_size(d->used, &used), mid_words_size(d->limit, &limit));
    mid_finding_why(f, "by the pages of the stack that were ever touched");
    mid_finding_advise(f,
                       "give it %s (pthread_attr_setstacksize, ulimit -s), or move large local "
                       "arrays to the heap and bound the recursion",
                       mid_words_size(2 * d->limit, &twice));
  }
}

const struct mid_finding_rule mid_rule_stack = {
    .kind = "stack",
    .source = "residency of stacks at the last look",
    .find = stack_find,
};
