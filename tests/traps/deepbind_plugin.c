// tests/traps/deepbind_plugin.c -- a plug-in as php's are: bound to its own scope first, to libc
// before whatever was preloaded.
// SPDX-License-Identifier: MIT
#include <limits.h>
#include <string.h>

#include "check.h"
#include "deepbind.h"

// The host has a function of this name, too, and preemptible; deep binding is to prefer this one.
int whose_name(void);
int whose_name(void) { return 2; }
static int answer(void) { return whose_name(); }

#ifdef WITH_HELPER
void *helper_take(size_t bytes);
void helper_give(void *p);
#else
static void *helper_take(size_t bytes) { return malloc(bytes); }
static void helper_give(void *p) { free(p); }
#endif

// A word of data that the loader fills with an address: no call goes through it until later.
static void (*volatile drop)(void *) = free;
static void *(*const volatile grab[])(size_t) = {malloc, helper_take};

static char *host_words;  // the host leaves a string here, in the environment

static void *take(size_t bytes) {
  static unsigned turn;
  return grab[turn++ % 2](bytes);
}
static void *resize(void *p, size_t bytes) { return realloc(p, bytes); }
static void give(void *p) { free(p); }
static void give_through_pointer(void *p) { drop(p); }

static char *words(int kind) {
  char *made = NULL, room[PATH_MAX];
  size_t bytes = 0;
  switch (kind) {
    case 0:
      made = strdup("words");
      break;
    case 1:
      CHECK(asprintf(&made, "%s", "words") == 5);
      break;
    case 2: {
      FILE *in = fopen("/proc/self/comm", "r");
      CHECK(in != NULL && getline(&made, &bytes, in) > 0);
      fclose(in);
      helper_give(made);
      made = strndup("words and more", 5);
      break;
    }
    default: {
      FILE *out = open_memstream(&made, &bytes);
      CHECK(out != NULL && fputs("words", out) >= 0 && fclose(out) == 0);
      char *path = realpath("/proc/self", room);
      CHECK(path == room);
      free(realpath("/proc/self/..", NULL));
    }
  }
  return made;
}

struct plugin *plugin_open(void);
struct plugin *plugin_open(void) {
  static struct plugin it = {take, resize, give, give_through_pointer, words, answer, NULL};
  static void *made;
  if (made == NULL) made = it.from_constructor = host_words;
  return &it;
}

__attribute__((constructor)) static void begin(void) {
  host_words = strdup("from the constructor");
  free(malloc(100));
  free(realloc(calloc(3, 30), 3000));
  free(strdup("a block of libc's own, freed by the plug-in's first constructor"));
}

__attribute__((destructor)) static void end(void) { free(malloc(100)), free(strdup("at the end")); }
