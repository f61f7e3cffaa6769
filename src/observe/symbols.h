// observe/symbols.h -- what stands at a place in a program's file: functions, source lines, and
// what was inlined there.
// SPDX-License-Identifier: MIT
//
// From the debugging information by libdw, also where it is in a file of its own; from the symbol
// table where there is none.  Files are opened once.
#ifndef MID_OBSERVE_SYMBOLS_H
#define MID_OBSERVE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mid_symbols;

struct mid_symbol {
  const char *function;  // as its author wrote it; "" when not known
  const char *file;      // path of the source; "" when not known
  unsigned line;         // 0: not known
  bool inlined;          // into the next one
};

struct mid_symbols *mid_symbols_open(void);
void mid_symbols_close(struct mid_symbols *s);

// What stands `offset` bytes into file `path`, the innermost first.  A file whose build-id is
// another than `id`, where that has any bytes, is not believed.
// returns  how many of `most`; 0: nothing is known.  Words are valid until the next call
size_t mid_symbols_find(struct mid_symbols *s, const char *path, const unsigned char *id,
                        size_t id_bytes, uint64_t offset, struct mid_symbol *out, size_t most);

// The variable or table `distance` bytes behind where the first byte of the file is in memory, and
// how far into it that is.  NULL: it is not known; words are valid until the next call.
const char *mid_symbols_object(struct mid_symbols *s, const char *path, const unsigned char *id,
                               size_t id_bytes, uint64_t distance, uint64_t *into);

#endif
