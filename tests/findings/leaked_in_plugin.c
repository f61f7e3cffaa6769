// tests/findings/leaked_in_plugin.c -- a plug-in that is loaded and unloaded again leaks.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely plugin_transform
// plugin: yes
#include <stdlib.h>
#include <string.h>

#include "plant.h"

#ifdef PLUGIN

PLANT int plugin_transform(int value) {
  int *room = malloc(50 * sizeof *room);  // HERE
  for (int i = 0; i < 50; i++) room[i] = value * i;
  USED(room);
  int sum = room[1] + room[49];
#ifdef MENDED
  free(room);
#endif
  return sum;
}

int plugin_run(int value) { return plugin_transform(value) + plugin_transform(value + 1); }

#else
#include <dlfcn.h>

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  void *plugin = dlopen(argv[1], RTLD_NOW);
  if (plugin == NULL) return 1;
  int (*run)(int) = (int (*)(int))dlsym(plugin, "plugin_run");
  int sum = 0;
  for (int i = 0; i < 100; i++) sum += run(i);
  dlclose(plugin);
  return sum == 0;
}

#endif
