// warns: -Wformat=
#include "midden/arena.h"

char *print(midden_arena *arena) { return midden_arena_sprintf(arena, "%s", 1); }
