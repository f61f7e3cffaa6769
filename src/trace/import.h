// trace/import.h -- make a trace of what other tools recorded.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_IMPORT_H
#define MID_TRACE_IMPORT_H

#include <stdint.h>

#include "trace/writer.h"

// Read the file `path`: the text of Valgrind's --trace-malloc=yes, or heaptrack's raw stream, plain
// or packed by zstd.  NULL, or a sentence that says why it cannot be read; *events is how many
// there were.
const char *mid_import(const char *path, struct mid_writer *writer, uint64_t *events);

#endif
