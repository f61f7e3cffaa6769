// walk/target.h -- a process that stands still, or its core file: its memory, mappings, threads.
// SPDX-License-Identifier: MIT
//
//   midden leaks PID --ptrace: all threads stopped--\
//                                                    target --> blocks.h (the heap, block by block)
//   midden leaks CORE --libelf----------------------/             --> roots.h, leaks.h, graph
#ifndef MID_WALK_TARGET_H
#define MID_WALK_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MID_TARGET_REGISTERS = 18, MID_TARGET_VECTORS = 128 };

struct mid_target_mapping {
  uint64_t start, end, offset, inode;
  bool read, write, execute, shared;
  bool io;           // device memory or the like: never read
  const char *path;  // "", "[stack]", "[heap]", a file
};

struct mid_target_thread {
  pid_t tid;
  uint64_t sp, pc, tp;  // tp: the thread pointer
  uint64_t reg[MID_TARGET_REGISTERS];
  uint64_t vector[MID_TARGET_VECTORS];  // words of vector registers
  size_t vectors;
};

struct mid_target {
  pid_t pid;
  bool live;                           // stopped by us; else a core file
  struct mid_target_mapping *mapping;  // by address
  size_t mappings;
  struct mid_target_thread *thread;
  size_t threads;
  struct mid_target_source *source;  // private
};

// Stop every thread of `pid`.  NULL, or a sentence: no permission, traced by another, gone ...
// Nothing is left stopped or traced when it fails, or when the caller dies.
const char *mid_target_stop(pid_t pid, struct mid_target *out);
// Open a core file (ELF; not compressed).
const char *mid_target_core(const char *path, struct mid_target *out);
// Let the threads go on.
void mid_target_close(struct mid_target *t);

// Copy memory.  false: some of it could not be read; what could not is zero.
bool mid_target_read(const struct mid_target *t, uint64_t address, void *room, size_t bytes);
// Whether the page was ever touched, as far as is known.
bool mid_target_touched(const struct mid_target *t, uint64_t page);

#endif
