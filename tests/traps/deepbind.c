// tests/traps/deepbind.c -- the host of a plug-in: each frees and resizes what the other made.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "deepbind.h"
#include "support.h"

int whose_name(void);
int whose_name(void) { return 1; }

static struct plugin *plugin;

static const size_t sizes[] = {1, 16, 24, 100, 1000, 5000, 40000, 140000, 300000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void blocks_cross(void) {
  for (size_t i = 0; i < SIZES; i++) {
    char *theirs = plugin->take(sizes[i]), *mine = malloc(sizes[i]);
    CHECK(theirs != NULL && mine != NULL);
    test_fill(theirs, sizes[i], i), test_fill(mine, sizes[i], i);
    CHECK(malloc_usable_size(theirs) >= sizes[i]);
    // Resized by whoever did not make it, twice, there and back.
    theirs = realloc(theirs, sizes[i] * 3), mine = plugin->resize(mine, sizes[i] * 3);
    CHECK(test_filled(theirs, sizes[i], i) && test_filled(mine, sizes[i], i));
    theirs = plugin->resize(theirs, sizes[i]), mine = realloc(mine, sizes[i]);
    CHECK(test_filled(theirs, sizes[i], i) && test_filled(mine, sizes[i], i));
    free(theirs), plugin->give(mine);
    free(plugin->take(sizes[i])), plugin->give(malloc(sizes[i]));
    plugin->give_through_pointer(calloc(1, sizes[i]));
    plugin->give_through_pointer(plugin->take(sizes[i]));
    plugin->give(aligned_alloc(4096, sizes[i]));
    plugin->give(plugin->resize(NULL, sizes[i]));
  }
  plugin->give(NULL), plugin->give_through_pointer(NULL);
}

static void words_cross(void) {
  for (int kind = 0; kind < 4; kind++) {
    char *a = plugin->words(kind), *b = plugin->words(kind);
    CHECK(strcmp(a, "words") == 0 && strcmp(b, "words") == 0);
    free(a), plugin->give(b);
  }
}

static void *cross_in_thread(void *with) {
  for (int i = 0; i < 20; i++) blocks_cross(), words_cross();
  return with;
}

int main(int count, char **argument) {
  CHECK(count == 2);
  int mode = RTLD_NOW | (getenv("PLAIN") == NULL ? RTLD_DEEPBIND : 0);
  for (int round = 0; round < 3; round++) {
    void *library = dlopen(argument[1], mode);
    if (library == NULL) dprintf(2, "%s\n", dlerror());
    CHECK(library != NULL);
    struct plugin *(*open)(void) = (struct plugin * (*)(void)) dlsym(library, "plugin_open");
    CHECK(open != NULL);
    plugin = open();
    // As if we were not there: deep binding prefers the plug-in's own, else the host's comes first.
    CHECK(plugin->answer() == (mode & RTLD_DEEPBIND ? 2 : 1));
    CHECK(whose_name() == 1);
    CHECK(strcmp(plugin->from_constructor, "from the constructor") == 0);
    free(plugin->from_constructor);
    blocks_cross();
    words_cross();
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&thread[i], NULL, cross_in_thread, NULL) == 0);
    for (int i = 0; i < 2; i++) CHECK(pthread_join(thread[i], NULL) == 0);
    CHECK(dlclose(library) == 0);
  }
  return 0;
}
