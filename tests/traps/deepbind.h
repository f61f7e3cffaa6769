// tests/traps/deepbind.h -- what the host and its plug-in call in one another.
// SPDX-License-Identifier: MIT
#ifndef MID_TRAPS_DEEPBIND_H
#define MID_TRAPS_DEEPBIND_H

#include <stddef.h>

struct plugin {
  void *(*take)(size_t bytes);
  void *(*resize)(void *p, size_t bytes);
  void (*give)(void *p);
  void (*give_through_pointer)(void *p);
  char *(*words)(int kind);  // by strdup, asprintf, getline, open_memstream, realpath
  int (*answer)(void);       // what the plug-in's own whose_name says: 2
  void *from_constructor;    // a block that the plug-in's constructor made
};

#endif
