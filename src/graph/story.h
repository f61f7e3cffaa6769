// graph/story.h -- what is told of a graph: as text, and as JSON.
// SPDX-License-Identifier: MIT
#ifndef MID_GRAPH_STORY_H
#define MID_GRAPH_STORY_H

#include <stdio.h>

#include "graph/diff.h"
#include "graph/groups.h"
#include "graph/paths.h"
#include "graph/suspects.h"
#include "observe/report.h"

enum { MID_STORY_SITES = 8 };  // asked for by one name, at most

struct mid_graph_story {
  const struct mid_graph *graph;
  struct mid_paths paths;
  struct mid_suspects suspects;
  struct mid_groups groups;
  struct mid_site_total *site;        // graph->site_count
  const struct mid_graph_diff *diff;  // NULL: none was asked for
  // What was asked for beside: sites by a part of their name, and a block.
  uint32_t asked[MID_STORY_SITES];
  size_t asks;
  uint32_t to;  // MID_GRAPH_NONE
};

void mid_graph_story_open(struct mid_graph_story *s, const struct mid_graph *g);
// How many sites have `name` in their names; those with most bytes are told of.
size_t mid_graph_story_ask(struct mid_graph_story *s, const char *name);
void mid_graph_story_close(struct mid_graph_story *s);

void mid_graph_text(const struct mid_graph_story *s, const struct mid_report_style *style,
                    FILE *out);
// docs/graph.md tells each key.  `story` is a struct mid_graph_story; false when it could not be
// written.
bool mid_graph_json(const void *story, FILE *out);

#endif
