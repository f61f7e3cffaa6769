// observe/program.h -- what can be said of a program before it runs: found, static, set-uid, and
// which malloc it links.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_PROGRAM_H
#define MID_OBSERVE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct mid_program {
  char path[PATH_MAX];       // the file that execve gets
  char looked_at[PATH_MAX];  // the same, or the interpreter that its first line names
  bool elf;                  // what was looked at is a program for this machine
  bool foreign;              // an ELF program for another
  bool is_static;            // no dynamic loader will read LD_PRELOAD
  bool secure;               // set-uid and the like: the loader will not listen to LD_PRELOAD
  char other_malloc[64];     // the library that it names as needed; "" when none
};

// Find `name` as a shell does and look at it.  0, or the errno with which execve would fail; what
// can still be looked at then is in *out.
int mid_program_find(const char *name, struct mid_program *out);

#endif
