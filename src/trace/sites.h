// trace/sites.h -- who allocates: the sites of a trace with most bytes, and their stacks by name.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_SITES_H
#define MID_TRACE_SITES_H

#include <stdio.h>

#include "observe/symbols.h"
#include "trace/summary.h"

// "libc.so.6+0x1234": what a return address is called; as long as `room`.
const char *mid_site_words(const struct mid_trace *t, uint32_t stack, char *room, size_t bytes);

// A table of the sites that asked for most, each with the frames that lead to it.  Names come from
// the files of the modules; without `symbols` none are opened.
void mid_sites_print(const struct mid_summary *s, const struct mid_trace *t,
                     struct mid_symbols *symbols, FILE *out);

#endif
