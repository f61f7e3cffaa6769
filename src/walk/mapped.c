// walk/mapped.c -- see mapped.h.
// SPDX-License-Identifier: MIT
#include "walk/mapped.h"

#include <stdlib.h>
#include <string.h>

static bool is_alike(const struct mid_mapping *a, const struct mid_mapping *b) {
  return a->guarded == b->guarded && strcmp(a->access, b->access) == 0 &&
         strcmp(a->name, b->name) == 0;
}

// Mappings of the heap's kind are never joined with others by the kernel, since the heap's alone
// ask for no reserve.
static bool is_of_kind(const struct mid_mapping *m, const struct mid_mapping *kind,
                       const struct mid_blocks *blocks) {
  return is_alike(m, kind) && !mid_blocks_is_own(blocks, m->low);
}

static uint64_t bytes_of_kind(const struct mid_maps *maps, const struct mid_mapping *kind,
                              const struct mid_blocks *blocks, size_t *count) {
  uint64_t bytes = 0;
  *count = 0;
  for (size_t i = 0; i < maps->count; i++) {
    if (!is_of_kind(&maps->map[i], kind, blocks)) continue;
    bytes += maps->map[i].bytes;
    ++*count;
  }
  return bytes;
}

// The one that grew most, from what had its addresses before.
static void kind_fill(const struct mid_maps *now, const struct mid_maps *before,
                      const struct mid_blocks *blocks, const struct mid_mapping *kind,
                      struct mid_mapped *out) {
  uint64_t most = 0;
  for (size_t i = 0, at = 0; i < now->count; i++) {
    const struct mid_mapping *m = &now->map[i];
    uint64_t had = 0;
    while (at < before->count && before->map[at].high <= m->low) at++;
    for (size_t k = at; k < before->count && before->map[k].low < m->high; k++)
      had += before->map[k].bytes;
    if (!is_of_kind(m, kind, blocks) || m->bytes < had + most) continue;
    most = m->bytes - had;
    out->map = *m;
  }
}

// Each mapping stands for its kind; there are few kinds, so that of most the sums are made once.
static void kinds_find(const struct mid_maps *now, const struct mid_maps *before,
                       const struct mid_blocks *blocks, struct mid_mapped *out) {
  for (size_t i = 0; i < now->count; i++) {
    const struct mid_mapping *kind = &now->map[i];
    size_t is, was;
    bool seen = mid_blocks_is_own(blocks, kind->low);
    for (size_t k = 0; k < i && !seen; k++) seen = is_of_kind(&now->map[k], kind, blocks);
    if (seen) continue;
    uint64_t bytes = bytes_of_kind(now, kind, blocks, &is);
    uint64_t had = bytes_of_kind(before, kind, blocks, &was);
    if (bytes < had || bytes - had <= out->grew) continue;
    *out = (struct mid_mapped){.bytes = bytes, .grew = bytes - had, .mappings = is, .before = was};
    kind_fill(now, before, blocks, kind, out);
  }
}

bool mid_mapped_find(const struct mid_process *p, const struct mid_blocks *blocks,
                     struct mid_mapped *out) {
  struct mid_maps now;
  *out = (struct mid_mapped){0};
  if (p->maps.before_at == 0 || !mid_maps_read(p->pid, &now)) return false;
  kinds_find(&now, &p->maps.before, blocks, out);
  mid_maps_close(&now);
  out->since = p->maps.before_at;
  return out->grew > 0;
}
