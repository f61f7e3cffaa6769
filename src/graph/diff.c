// graph/diff.c -- see diff.h.
// SPDX-License-Identifier: MIT
#include "graph/diff.h"

#include <stdlib.h>
#include <string.h>

// Births are told in milliseconds by a clock that is measured anew for each snapshot.
static bool is_same_birth(uint32_t a, uint32_t b) {
  uint32_t more = a > b ? a - b : b - a;
  return a == 0 || b == 0 || more <= 10 + a / 10000;
}

// The stack of a block that had one may have been forgotten since, so that one of two may have a
// site and the other not.
static bool is_same(const struct mid_graph *g, uint32_t a, const struct mid_graph *h, uint32_t b,
                    const uint32_t *to_h) {
  if (g->address[a] != h->address[b] || g->size[a] != h->size[b]) return false;
  bool known = g->sites[g->site[a]].known && h->sites[h->site[b]].known;
  return (!known || to_h[g->site[a]] == h->site[b]) && is_same_birth(g->born[a], h->born[b]);
}

// The numbers that g's sites have in h.
static uint32_t *site_numbers(const struct mid_graph *g, const struct mid_graph *h) {
  uint32_t *to = mid_graph_kept(calloc((size_t)g->site_count + 1, sizeof *to));
  for (uint32_t i = 0; i < g->site_count; i++) to[i] = mid_graph_find_site(h, &g->sites[i]);
  return to;
}

// For each block of g the same one of h, or MID_GRAPH_NONE.
static struct mid_array match(const struct mid_graph *g, const struct mid_graph *h) {
  struct mid_array room = mid_array_open(((size_t)g->edges.blocks + 1) * sizeof(uint32_t));
  uint32_t *same = room.at, *to_h = site_numbers(g, h), b = 0;
  for (uint32_t a = 0; a < g->edges.blocks; a++) {
    while (b < h->edges.blocks && h->address[b] < g->address[a]) b++;
    same[a] = b < h->edges.blocks && is_same(g, a, h, b, to_h) ? b : MID_GRAPH_NONE;
  }
  free(to_h);
  return room;
}

static void sum_count(struct mid_graph_sum *sum, uint64_t bytes) {
  sum->blocks++;
  sum->bytes += bytes;
}

static void count_before(struct mid_graph_diff *d) {
  const struct mid_graph *g = d->baseline;
  struct mid_array room = match(g, d->target);
  uint32_t *same = room.at, *to = site_numbers(g, d->target);
  for (uint32_t b = 0; b < g->edges.blocks; b++) {
    // What is the same counts where its site is better known.
    uint32_t site = same[b] != MID_GRAPH_NONE ? d->target->site[same[b]] : to[g->site[b]];
    if (same[b] == MID_GRAPH_NONE) sum_count(&d->gone, g->size[b]);
    if (site == MID_GRAPH_NONE) continue;
    sum_count(&d->site[site].before, g->size[b]);
    if (same[b] == MID_GRAPH_NONE) sum_count(&d->site[site].gone, g->size[b]);
  }
  free(to);
  mid_array_close(&room);
}

static void count_after(struct mid_graph_diff *d) {
  const struct mid_graph *g = d->target;
  struct mid_array before = match(g, d->baseline), after = {0};
  if (d->final != NULL) after = match(g, d->final);
  const uint32_t *was = before.at, *is = after.at;
  for (uint32_t b = 0; b < g->edges.blocks; b++) {
    struct mid_diff_site *site = &d->site[g->site[b]];
    sum_count(&site->after, g->size[b]);
    if (was[b] != MID_GRAPH_NONE) continue;
    sum_count(&site->born, g->size[b]);
    sum_count(&d->born, g->size[b]);
    if (is == NULL || is[b] == MID_GRAPH_NONE) continue;
    sum_count(&site->stayed, g->size[b]);
    sum_count(&d->stayed, g->size[b]);
  }
  mid_array_close(&before);
  if (is != NULL) mid_array_close(&after);
}

struct old_owner {
  const struct mid_graph_owner *owner;
  uint64_t retained;
};

static int by_name(const void *a, const void *b) {
  const struct mid_graph_owner *x = ((const struct old_owner *)a)->owner;
  const struct mid_graph_owner *y = ((const struct old_owner *)b)->owner;
  return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

static void compare_owners(struct mid_graph_diff *d) {
  const struct mid_graph *g = d->target, *old = d->baseline;
  struct old_owner *was = mid_graph_kept(calloc(old->owner_count, sizeof *was));
  for (uint32_t i = 0; i < old->owner_count; i++)
    was[i] = (struct old_owner){&old->owner[i], old->tree.retained[old->edges.blocks + i]};
  qsort(was, old->owner_count, sizeof *was, by_name);
  d->owners = g->owner_count;
  d->owner = mid_graph_kept(calloc(d->owners, sizeof *d->owner));
  for (uint32_t i = 0; i < g->owner_count; i++) {
    struct old_owner like = {&g->owner[i], 0}, *found;
    found = bsearch(&like, was, old->owner_count, sizeof *was, by_name);
    d->owner[i].owner = i;
    d->owner[i].before = found == NULL ? 0 : found->retained;
    d->owner[i].after = g->tree.retained[g->edges.blocks + i];
  }
  free(was);
}

static int by_growth(int64_t a, int64_t b) { return a < b ? 1 : a > b ? -1 : 0; }

static int64_t site_growth(const struct mid_diff_site *s) {
  return (int64_t)s->after.bytes - (int64_t)s->before.bytes;
}

static int by_site_growth(const void *a, const void *b) {
  const struct mid_diff_site *x = a, *y = b;
  if (x->stayed.bytes != y->stayed.bytes)
    return by_growth((int64_t)x->stayed.bytes, (int64_t)y->stayed.bytes);
  return by_growth(site_growth(x), site_growth(y));
}

static int by_owner_growth(const void *a, const void *b) {
  const struct mid_diff_owner *x = a, *y = b;
  return by_growth((int64_t)x->after - (int64_t)x->before, (int64_t)y->after - (int64_t)y->before);
}

void mid_graph_diff_make(const struct mid_graph *baseline, const struct mid_graph *target,
                         const struct mid_graph *final, struct mid_graph_diff *out) {
  *out = (struct mid_graph_diff){.baseline = baseline, .target = target, .final = final};
  out->sites = target->site_count;
  out->site = mid_graph_kept(calloc(out->sites + 1, sizeof *out->site));
  for (uint32_t i = 0; i < target->site_count; i++) out->site[i].site = i;
  count_before(out);
  count_after(out);
  compare_owners(out);
  qsort(out->site, out->sites, sizeof *out->site, by_site_growth);
  qsort(out->owner, out->owners, sizeof *out->owner, by_owner_growth);
}

void mid_graph_diff_close(struct mid_graph_diff *d) {
  free(d->site);
  free(d->owner);
  *d = (struct mid_graph_diff){0};
}
