// warns: -Wunused-result
#include "midden/arena.h"

midden_arena *open_it(void) {
  midden_arena *arena = NULL;
  midden_arena_open(NULL, 0, &arena);
  return arena;
}
