// walk/modules.h -- the program and its libraries, as they are mapped in a target.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_MODULES_H
#define MID_WALK_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "observe/symbols.h"
#include "walk/target.h"

enum { MID_MODULE_ID_BYTES = 32 };

struct mid_walk_module {
  uint64_t base, end;  // [base, end): from the file's first byte to the end of its .bss
  uint64_t tls_bytes;  // of its block in each thread
  const char *path;    // the target's
  unsigned char id[MID_MODULE_ID_BYTES];  // its build-id
  size_t id_bytes;
};

struct mid_walk_modules {
  struct mid_walk_module *at;  // by address
  size_t count;
};

// A module whose headers cannot be read is left out.
void mid_modules_find(const struct mid_target *target, struct mid_walk_modules *out);
void mid_modules_close(struct mid_walk_modules *modules);

// The module that `address` lies in, code or data; NULL: none.
const struct mid_walk_module *mid_modules_at(const struct mid_walk_modules *modules,
                                             uint64_t address);

// The variable or table at `address`, as its author wrote it, and how far into it; NULL: unknown.
// The words are valid until the next question to `symbols`.
const char *mid_modules_object(const struct mid_walk_modules *modules, struct mid_symbols *symbols,
                               uint64_t address, uint64_t *into);

#endif
