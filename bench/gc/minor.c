// bench/gc/minor.c -- young objects of which one in twenty survives: minor MIB
//
// Allocates MIB of small objects.  One in twenty goes into a ring of as many as a young space of
// 16 MiB has survivors, so that each minor collection finds 5 % alive, and the next one, none of
// those.  What counts is the pauses.
// SPDX-License-Identifier: MIT
#include "memory.h"

enum { SURVIVES_ONE_IN = 20, EDEN = (16 << 20) / 10 * 8, OBJECT = 40, WITH_HEADER = OBJECT + 8 };

struct small {
  REF(struct small) next;
  REF(struct small) other;
  uint64_t words[(OBJECT - 16) / 8];
};

struct ring {
  REF(struct small) slot[0];
};

static memory_type small_type = MEMORY_TYPE(struct small, 2);

int main(int argc, char **argv) {
  uint64_t objects = ((uint64_t)memory_argument(argc, argv, 1) << 20) / WITH_HEADER;
  uint32_t length = EDEN / WITH_HEADER / SURVIVES_ONE_IN, at = 0;
  memory *m = memory_open();
  memory_define(m, &small_type);
  ROOTS(m, r, 1);
  ROOT_SET(r, 0, memory_refs(m, length));
  for (uint64_t i = 0; i < objects; i++) {
    struct small *small = memory_new(m, &small_type);
    INIT(m, small, next, NULL);
    INIT(m, small, other, NULL);
    small->words[0] = i;
    if (i % SURVIVES_ONE_IN != 0) continue;
    SET(m, (struct ring *)ROOT(r, 0), slot[at], small);
    at = at + 1 == length ? 0 : at + 1;
  }
  ROOTS_END(m, r);
  memory_close(m, at);
  return 0;
}
