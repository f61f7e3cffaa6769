// tests/traps/loader_plugin.c -- a library with a large thread-local block, which the loader must
// allocate for each thread that touches it.
// SPDX-License-Identifier: MIT
enum { ROOM = 3 << 20 };
static __thread char room[ROOM] = "first";
char *plugin_room(unsigned long *bytes);
char *plugin_room(unsigned long *bytes) {
  *bytes = ROOM;
  return room;
}
