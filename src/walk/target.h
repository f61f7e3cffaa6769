// walk/target.h -- a process that stands still, or its core file: its memory, mappings, threads.
// SPDX-License-Identifier: MIT
//
//   midden leaks PID  --ptrace: all threads stopped--+
//                                                     +--> target --> blocks.h --> roots.h, leaks.h
//   midden leaks CORE --ELF file----------------------+
//
// A target belongs to the thread that opened it: the kernel takes ptrace calls of that one alone.
#ifndef MID_WALK_TARGET_H
#define MID_WALK_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
#if defined(__aarch64__)
  MID_TARGET_REGISTERS = 31,
#else
  MID_TARGET_REGISTERS = 18,
#endif
  MID_TARGET_VECTORS = 320
};

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
  bool live;     // a process; else a core file
  bool stopped;  // by us, until mid_target_resume or mid_target_close
  uint64_t page_bytes;
  uint64_t swapped;                    // bytes that are swapped out, and read as zero
  const char *incomplete;              // NULL, or a sentence: what the core file lacks
  struct mid_target_mapping *mapping;  // by address
  size_t mappings;
  struct mid_target_thread *thread;
  size_t threads;
  struct mid_target_source *source;  // private
};

// Stop every thread of `pid`.  NULL, or a sentence, valid until the next call: no permission,
// traced by another, gone ...  Nothing is left stopped or traced when it fails, or when the caller
// dies.
const char *mid_target_stop(pid_t pid, struct mid_target *out);
// The same for who has seized the threads `held` already, each of which stands in a ptrace-stop:
// these are read as they stand, and left so by mid_target_resume and mid_target_close.
const char *mid_target_adopt(pid_t pid, const pid_t *held, size_t count, struct mid_target *out);
// As mid_target_stop, for as long as it takes to copy what the process has in memory, into room
// that was prepared before: then it goes on, and the copy is what is read.  Where the copy would
// take more than half of the memory that is free, the process stays stopped (out->stopped) and is
// read itself.
const char *mid_target_copy(pid_t pid, struct mid_target *out);
// Open a core file (ELF; not compressed).
const char *mid_target_core(const char *path, struct mid_target *out);
// Let the threads go on.  What was not copied can no longer be read.
void mid_target_resume(struct mid_target *t);
// The same, and give everything back.
void mid_target_close(struct mid_target *t);

// Copy memory.  false: some of it could not be read; what could not is zero.  Pages that were never
// touched are zero and stay untouched.
bool mid_target_read(const struct mid_target *t, uint64_t address, void *room, size_t bytes);
// Whether the page was ever touched, as far as is known.
bool mid_target_touched(const struct mid_target *t, uint64_t page);
// The first page from `page` on that was; `end`: none before it.  In a copy or a core the pages
// between cost nothing: mappings may have terabytes of them.
uint64_t mid_target_next_touched(const struct mid_target *t, uint64_t page, uint64_t end);
// Whether a mapping of this path is of what libmidden writes: the feed, or what lies beside it.
bool mid_target_is_feed(const char *path);
// The mapping that `address` lies in, or NULL.
const struct mid_target_mapping *mid_target_mapping_at(const struct mid_target *t,
                                                       uint64_t address);

#endif
