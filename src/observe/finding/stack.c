// observe/finding/stack.c -- threads that came near the end of their stack.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"
#include "observe/finding/limits.h"
#include "observe/words.h"

static void find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; e->facts != NULL && i < e->facts->deeps; i++) {
    const struct mid_deep_stack *d = &e->facts->deep[i];
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
    .find = find,
};
