// graph/snapshot.h -- a graph as a file of ours, to be opened later.
// SPDX-License-Identifier: MIT
//
//   "MIDGRAPH", the version as 4 bytes, the lowest first; then packed (packed.h):
//   program, pid, time, number of blocks; sites; addresses, sizes, sites and births of the blocks,
//   each as the difference to what came before where that is small; a row of edges for each block;
//   owners, each with its row
#ifndef MID_GRAPH_SNAPSHOT_H
#define MID_GRAPH_SNAPSHOT_H

#include <stdio.h>

#include "graph/graph.h"

// `graph` is a finished struct mid_graph; false when it could not be written whole.
bool mid_snapshot_write(const void *graph, FILE *out);

// Whether what `in` has at its beginning, where it stays, is a snapshot.
bool mid_snapshot_is(FILE *in);
// NULL, or a sentence that says what is wrong with it; then *out is empty.  Nothing in the file is
// believed before it was checked.
const char *mid_snapshot_read(FILE *in, struct mid_graph *out);

#endif
