// graph/v8.h -- a graph as a heap snapshot of V8, for Chrome's DevTools and memlab.
// SPDX-License-Identifier: MIT
#ifndef MID_GRAPH_V8_H
#define MID_GRAPH_V8_H

#include <stdio.h>

#include "graph/graph.h"

// `graph` is a finished struct mid_graph; false when it could not be written whole; errno says why.
// Its numbers have 32 bits: blocks of 4 GiB and more are written as of 4 GiB less a byte.
bool mid_v8_write(const void *graph, FILE *out);

#endif
