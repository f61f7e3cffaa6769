// export/sums.c -- see sums.h.
// SPDX-License-Identifier: MIT
#include "export/sums.h"

#include <stdlib.h>

#include "observe/must.h"

static int sum_by_key(const void *a, const void *b) {
  const struct mid_sum *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return x->site < y->site ? -1 : x->site > y->site;
}

static struct mid_sum sum_of(const struct mid_profile_site *s) {
  return (struct mid_sum){.key = mid_profile_key(s),
                          .site = s,
                          .live = s->live,
                          .live_bytes = s->live_bytes,
                          .allocated = s->allocated,
                          .allocated_bytes = s->allocated_bytes,
                          .variance = s->live_error * s->live_error};
}

static void sum_add(struct mid_sum *sum, const struct mid_sum *more) {
  sum->live += more->live;
  sum->live_bytes += more->live_bytes;
  sum->allocated += more->allocated;
  sum->allocated_bytes += more->allocated_bytes;
  sum->variance += more->variance;
}

struct mid_sums mid_sums_make(const struct mid_kept_process *process, size_t count) {
  size_t sites = 0, n = 0;
  for (size_t i = 0; i < count; i++) sites += process[i].sites;
  struct mid_sums s = {.at = mid_must(calloc(sites + 1, sizeof *s.at))};
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < process[i].sites; k++) s.at[n++] = sum_of(&process[i].site[k]);
  qsort(s.at, n, sizeof *s.at, sum_by_key);
  for (size_t i = 0; i < n; i++)
    if (s.count > 0 && s.at[s.count - 1].key == s.at[i].key)
      sum_add(&s.at[s.count - 1], &s.at[i]);
    else
      s.at[s.count++] = s.at[i];
  return s;
}

void mid_sums_close(struct mid_sums *s) {
  free(s->at);
  *s = (struct mid_sums){0};
}
