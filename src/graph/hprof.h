// graph/hprof.h -- a graph as a Java heap dump, for Eclipse MAT and VisualVM.
// SPDX-License-Identifier: MIT
//
// HPROF 1.0.2, with identifiers of four bytes: an object's header is then 8 bytes, and a block of
// 16 bytes with a pointer is an object of 16.  Readers compute sizes from what the classes say, so
// there is a class for each site and size:
//
//   up to 1 KiB   an instance: a slot for each pointer, the true address, the rest as padding
//   above         an array of pointers, of the class "SITE[]", most of them null
//
// An owner is a class whose static fields point to what it holds.  Readers want some classes of
// Java to be there; they hold nothing.
#ifndef MID_GRAPH_HPROF_H
#define MID_GRAPH_HPROF_H

#include <stdio.h>

#include "graph/graph.h"

// `graph` is a finished struct mid_graph; false when it could not be written whole; errno says why.
// Blocks above 2 GiB are written as of 2 GiB; of more than 2^29 less some thousand blocks the file
// cannot be made (errno EFBIG).
bool mid_hprof_write(const void *graph, FILE *out);

#endif
