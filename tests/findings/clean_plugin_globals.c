// tests/findings/clean_plugin_globals.c -- blocks that a plug-in's variables hold.
// SPDX-License-Identifier: MIT
//
// expect: nothing
// plugin: yes
#include <stdlib.h>
#include <string.h>

#include "plant.h"

#ifdef PLUGIN

static char *kept[100];
static __thread char *last;

void plugin_keep(int i) {
  kept[i] = malloc(250);
  memset(kept[i], i, 250);
  free(last);
  last = malloc(350);
  memset(last, i, 350);
  USED(kept);
  USED(&last);
}

#else
#include <dlfcn.h>

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  void *plugin = dlopen(argv[1], RTLD_NOW);
  if (plugin == NULL) return 1;
  void (*keep)(int) = (void (*)(int))dlsym(plugin, "plugin_keep");
  for (int i = 0; i < 100; i++) keep(i);
  return 0;  // it stays loaded
}

#endif
