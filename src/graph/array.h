// graph/array.h -- arrays of millions of entries: mapped, zero, on huge pages, counted.
// SPDX-License-Identifier: MIT
//
// A graph is walked in random order, where a page of 4 KiB costs a walk of the page table for
// nearly every step, and one of 2 MiB hardly ever.
#ifndef MID_GRAPH_ARRAY_H
#define MID_GRAPH_ARRAY_H

#include <stddef.h>

struct mid_array {
  void *at;
  size_t bytes;  // mapped; the ones never touched cost nothing
};

// `bytes` zero bytes.  Without memory for that the command cannot go on, and ends.
struct mid_array mid_array_open(size_t bytes);
// Room for `bytes` or more, doubling; what was there stays.
void mid_array_grow(struct mid_array *array, size_t bytes);
// Give back what is behind the first `bytes`.
void mid_array_cut(struct mid_array *array, size_t bytes);
void mid_array_close(struct mid_array *array);

// The bytes that all arrays map, and the most they did since mid_array_forget_peak.
size_t mid_array_bytes(void);
size_t mid_array_peak(void);
void mid_array_forget_peak(void);

// The command cannot do what is asked, since there is `what`.
_Noreturn void mid_array_end(const char *what);

// For small things: memory that is there, or the command ends.
void *mid_graph_kept(void *memory);
// An array of `count` entries that doubles, with room for one more behind them.
void *mid_graph_grown(void *array, size_t count, size_t each);

#endif
