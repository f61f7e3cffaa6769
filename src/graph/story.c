// graph/story.c -- see story.h.
// SPDX-License-Identifier: MIT
#include "graph/story.h"

#include <stdlib.h>
#include <string.h>

void mid_graph_story_open(struct mid_graph_story *s, const struct mid_graph *g) {
  *s = (struct mid_graph_story){.graph = g, .to = MID_GRAPH_NONE};
  mid_paths_make(g, &s->paths);
  mid_suspects_find(g, &s->paths, &s->suspects);
  mid_groups_make(g, &s->groups);
  s->site = mid_groups_by_site(g, &s->groups);
}

size_t mid_graph_story_ask(struct mid_graph_story *s, const char *name) {
  struct mid_graph_words words;
  size_t found = 0;
  for (uint32_t i = 0; i < s->graph->site_count; i++) {
    if (s->site[i].blocks == 0) continue;
    if (strstr(mid_graph_site_words(s->graph, s->site[i].site, &words), name) == NULL) continue;
    if (found++ < MID_STORY_SITES) s->asked[s->asks++] = i;
  }
  return found;
}

void mid_graph_story_close(struct mid_graph_story *s) {
  mid_paths_close(&s->paths);
  mid_suspects_close(&s->suspects);
  mid_groups_close(&s->groups);
  free(s->site);
  *s = (struct mid_graph_story){0};
}
