// tests/traps/limits_plugin.c -- a library with a thread-local block that the loader must allocate.
// SPDX-License-Identifier: MIT
static __thread char room[3000];
char *plugin_room(void);
char *plugin_room(void) { return room; }
