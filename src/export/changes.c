// export/changes.c -- see changes.h.
// SPDX-License-Identifier: MIT
#include "export/changes.h"

#include <math.h>
#include <stdlib.h>

#include "observe/must.h"

static double live_bytes_of(const struct mid_sum *s) { return s != NULL ? s->live_bytes : 0; }
static double blocks_of(const struct mid_sum *s) { return s != NULL ? s->live : 0; }
static double variance_of(const struct mid_sum *s) { return s != NULL ? s->variance : 0; }

static struct mid_change change_of(const struct mid_sum *before, const struct mid_sum *after) {
  return (struct mid_change){.before = before,
                             .after = after,
                             .bytes = live_bytes_of(after) - live_bytes_of(before),
                             .blocks = blocks_of(after) - blocks_of(before),
                             .error = sqrt(variance_of(before) + variance_of(after))};
}

double mid_change_before(const struct mid_change *c) { return live_bytes_of(c->before); }

const struct mid_profile_site *mid_change_site(const struct mid_change *c) {
  return c->after != NULL ? c->after->site : c->before->site;
}

static int changed_more(const void *a, const void *b) {
  const struct mid_change *x = a, *y = b;
  double p = fabs(x->bytes), q = fabs(y->bytes);
  if (p != q) return p < q ? 1 : -1;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  uint64_t k = (x->after != NULL ? x->after : x->before)->key;
  uint64_t l = (y->after != NULL ? y->after : y->before)->key;
  return k < l ? -1 : k > l;
}

static void changes_add(struct mid_changes *c, const struct mid_sum *before,
                        const struct mid_sum *after) {
  struct mid_change change = change_of(before, after);
  c->before_bytes += live_bytes_of(before);
  c->after_bytes += live_bytes_of(after);
  c->all.bytes += change.bytes;
  c->all.blocks += change.blocks;
  c->all.error = hypot(c->all.error, change.error);
  if (change.bytes != 0 || change.blocks != 0) c->at[c->count++] = change;
}

// Both are sorted by their keys.
struct mid_changes mid_changes_make(const struct mid_kept *before, const struct mid_kept *after) {
  struct mid_changes c = {.before = mid_sums_make(before->process, before->count),
                          .after = mid_sums_make(after->process, after->count)};
  c.at = mid_must(calloc(c.before.count + c.after.count + 1, sizeof *c.at));
  const struct mid_sum *x = c.before.at, *x_end = x + c.before.count;
  const struct mid_sum *y = c.after.at, *y_end = y + c.after.count;
  while (x < x_end || y < y_end) {
    bool take_x = x < x_end && (y == y_end || x->key <= y->key);
    bool take_y = y < y_end && (x == x_end || y->key <= x->key);
    changes_add(&c, take_x ? x : NULL, take_y ? y : NULL);
    x += take_x;
    y += take_y;
  }
  qsort(c.at, c.count, sizeof *c.at, changed_more);
  return c;
}

void mid_changes_close(struct mid_changes *c) {
  mid_sums_close(&c->before);
  mid_sums_close(&c->after);
  free(c->at);
  *c = (struct mid_changes){0};
}

bool mid_changes_exceed(const struct mid_changes *c, const struct mid_change *change,
                        const struct mid_threshold *t) {
  double most = t->bytes;
  if (t->percent > 0) {
    bool is_new = change == &c->all || change->before == NULL;
    most = (is_new ? c->before_bytes : mid_change_before(change)) * t->percent / 100;
    most = fmax(most, change == &c->all ? 0 : c->before_bytes / 100);
  }
  return change->bytes > most && change->bytes > 2 * change->error;
}
