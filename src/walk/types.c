// walk/types.c -- see types.h.
// SPDX-License-Identifier: MIT
#include "walk/types.h"

#include <libiberty/demangle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// "vtable for X" of the symbol that `word` leads into, just behind its two first words.
static bool type_from_symbol(const struct mid_walk_modules *modules, struct mid_symbols *symbols,
                             uint64_t word, char *room, size_t bytes) {
  static const char mark[] = "vtable for ";
  uint64_t into;
  const char *object = mid_modules_object(modules, symbols, word, &into);
  if (object == NULL || strncmp(object, mark, sizeof mark - 1) != 0) return false;
  snprintf(room, bytes, "%s", object + sizeof mark - 1);
  return true;
}

// Before a table stands where its class is described, of which the second word is its name.
static bool type_from_table(const struct mid_target *t, const struct mid_walk_modules *modules,
                            uint64_t word, char *room, size_t bytes) {
  uint64_t about, name, front;
  char mangled[260] = "_ZTS";
  if (word < 16 || !mid_target_read(t, word - 16, &front, 8) || (int64_t)front > 0 ||
      (int64_t)front < -65536 || !mid_target_read(t, word - 8, &about, 8) ||
      mid_modules_at(modules, about) == NULL || !mid_target_read(t, about + 8, &name, 8) ||
      mid_modules_at(modules, name) == NULL)
    return false;
  mid_target_read(t, name, mangled + 4, sizeof mangled - 5);
  mangled[sizeof mangled - 1] = 0;
  if (mangled[4] == '*')  // of a class that no other file knows
    memmove(mangled + 4, mangled + 5, sizeof mangled - 5);
  char *readable = cplus_demangle(mangled, DMGL_AUTO);
  static const char mark[] = "typeinfo name for ";
  bool good = readable != NULL && strncmp(readable, mark, sizeof mark - 1) == 0;
  if (good) snprintf(room, bytes, "%s", readable + sizeof mark - 1);
  free(readable);
  return good;
}

bool mid_type_name(const struct mid_target *t, const struct mid_walk_modules *modules,
                   struct mid_symbols *symbols, uint64_t word, char *room, size_t bytes) {
  const struct mid_target_mapping *m = mid_target_mapping_at(t, word);
  if (word % 8 != 0 || m == NULL || m->write || mid_modules_at(modules, word) == NULL) return false;
  return type_from_symbol(modules, symbols, word, room, bytes) ||
         type_from_table(t, modules, word, room, bytes);
}
