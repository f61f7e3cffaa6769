// graph/holders.c -- see holders.h.
// SPDX-License-Identifier: MIT
#include "graph/holders.h"

#include <stdlib.h>
#include <string.h>

#include "graph/groups.h"
#include "graph/paths.h"
#include "graph/take.h"

enum { PLACES = 8 };

static char *words_of(const struct mid_graph *g, const struct mid_path_step *step) {
  struct mid_graph_words words;
  return mid_graph_kept(strdup(mid_graph_node_words(g, step->node, &words)));
}

// Of a long way the ends: the owner, and what is next to the blocks.
static void keep_way(const struct mid_graph *g, const struct mid_path_step *step, size_t steps,
                     struct mid_holder *out) {
  for (size_t i = 0; i < steps; i++) {
    if (steps > MID_HOLDER_STEPS && i == MID_HOLDER_STEPS / 2) {
      out->step[out->steps++] = mid_graph_kept(strdup("..."));
      i = steps - MID_HOLDER_STEPS / 2 + 1;
    }
    out->step[out->steps++] = words_of(g, &step[i]);
  }
}

static bool keep_holder(const struct mid_graph *g, const struct mid_paths *paths,
                        const struct mid_site_total *total, struct mid_holder *out) {
  const struct mid_graph_site *site = &g->sites[total->site];
  struct mid_path_step *step;
  uint32_t blocks, node = mid_paths_of_site(g, paths, total->site, &blocks);
  if (node == MID_GRAPH_NONE || g->owner[paths->owner[node]].kind == MID_OWNER_UNHELD) return false;
  *out = (struct mid_holder){.function = mid_graph_kept(strdup(site->name)),
                             .file = mid_graph_kept(strdup(site->file)),
                             .line = site->line,
                             .retained = total->retained};
  size_t steps = mid_paths_to(g, paths, node, &step);
  keep_way(g, step, steps, out);
  free(step);
  return true;
}

static size_t keep_holders(const struct mid_graph *g, struct mid_holder *out) {
  struct mid_paths paths;
  struct mid_groups groups;
  size_t count = 0;
  mid_paths_make(g, &paths);
  mid_groups_make(g, &groups);
  struct mid_site_total *total = mid_groups_by_site(g, &groups);
  for (uint32_t i = 0; i < g->site_count && count < PLACES; i++)
    if (total[i].blocks > 0 && g->sites[total[i].site].known)
      count += keep_holder(g, &paths, &total[i], &out[count]);
  free(total);
  mid_groups_close(&groups);
  mid_paths_close(&paths);
  return count;
}

size_t mid_holders_take(const struct mid_target *target, struct mid_symbols *symbols,
                        struct mid_holder **out) {
  struct mid_graph g;
  const char *no_stacks;
  *out = NULL;
  if (mid_graph_take(target, symbols, &g, &no_stacks) != NULL) return 0;
  mid_graph_finish(&g);
  *out = mid_graph_kept(calloc(PLACES, sizeof **out));
  size_t count = keep_holders(&g, *out);
  mid_graph_close(&g);
  return count;
}
