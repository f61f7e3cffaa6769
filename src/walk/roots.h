// walk/roots.h -- where the search for blocks that are in use begins.
// SPDX-License-Identifier: MIT
//
//   mapping     | .data .bss |   | guard |   below sp   | sp-128 ... frames | TLS, thread |
//   its roots   |   global   |              not a root  |       stack       |     tls     |
//
// Memory of the target is given as ranges, other words as they are.  Wider than LeakSanitizer's:
// all that a program can write is taken, so that nothing in use is called lost; each root says what
// it is, so that one who reports can tell what is held by doubtful words only.
#ifndef MID_WALK_ROOTS_H
#define MID_WALK_ROOTS_H

#include "walk/blocks.h"
#include "walk/modules.h"
#include "walk/target.h"

enum mid_root_kind {
  MID_ROOT_GLOBAL,    // variables of a module
  MID_ROOT_TLS,       // of a thread, and what the thread library keeps of it
  MID_ROOT_STACK,     // of a thread
  MID_ROOT_REGISTER,  // of a thread
  MID_ROOT_KERNEL,    // words that the kernel keeps for the process: of epoll, of timers
  MID_ROOT_MAPPING,   // other memory that the program mapped
  // What lies there may be left over from before:
  MID_ROOT_FILE,      // a file that others see too
  MID_ROOT_FINISHED,  // the stack of a thread that ended, or what lies below one
};
static inline bool mid_root_is_weak(enum mid_root_kind kind) { return kind >= MID_ROOT_FILE; }

#define MID_ROOT_NO_THREAD SIZE_MAX

struct mid_root {
  enum mid_root_kind kind;
  uint64_t start, end;   // memory of the target, where there are no words:
  const uint64_t *word;  // NULL: there is memory
  size_t words;
  size_t thread;     // its place in the target's; MID_ROOT_NO_THREAD
  const char *path;  // of the mapping; "" when it has none
};

struct mid_roots {
  struct mid_root *root;
  size_t count, room;
  struct mid_walk_modules modules;
  uint64_t *words;  // private: what `word` points into
};

void mid_roots_find(const struct mid_target *target, const struct mid_blocks *blocks,
                    struct mid_roots *out);
void mid_roots_close(struct mid_roots *roots);

// Say in `room` what the word at `address` in `root` is: "server_cache in redis-server", "the stack
// of thread 4711".
void mid_root_name(const struct mid_roots *roots, const struct mid_target *target,
                   const struct mid_root *root, uint64_t address, struct mid_symbols *symbols,
                   char *room, size_t bytes);

#endif
