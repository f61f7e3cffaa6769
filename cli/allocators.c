// cli/allocators.c -- see allocators.h.
// SPDX-License-Identifier: MIT
#include "allocators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "cli.h"
#include "launch.h"
#include "replayer.h"

// By the name that the loader finds Debian's under.
static const struct known {
  const char *name, *library, *package;
  bool policy, has_region;
} known[] = {
    {"midden", NULL, NULL, false, false},
    {"midden:hardened=1", NULL, NULL, false, false},
    {"glibc", NULL, NULL, false, false},
    {"mimalloc", "libmimalloc.so.2", "libmimalloc2.0", false, false},
    {"jemalloc", "libjemalloc.so.2", "libjemalloc2", false, false},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4", false, false},
    {"tbbmalloc", "libtbbmalloc_proxy.so.2", "libtbbmalloc2", false, false},
    {"first-fit", NULL, NULL, true, true},
    {"next-fit", NULL, NULL, true, true},
    {"best-fit", NULL, NULL, true, true},
    {"worst-fit", NULL, NULL, true, true},
    {"segregated-fit", NULL, NULL, true, true},
    {"tlsf", NULL, NULL, true, true},
    {"buddy", NULL, NULL, true, true},
    {"obmalloc", NULL, NULL, true, false},
    {"arena", NULL, NULL, true, false},
};
enum { KNOWN = sizeof known / sizeof *known };

struct list {
  struct cli_allocator *at;
  size_t count;
};

// ---- is it a malloc? ----

// Where malloc is when `library` is loaded first.
static void malloc_place(const char *library, char *room, size_t bytes) {
  struct cli_replayer r = {
      .library = library, .options = "", .allocator = "", .most = UINT64_MAX, .seconds = 60};
  cli_replayer_run(&r);
  snprintf(room, bytes, "%s", r.errand->malloc_is_in);
  cli_replayer_close(&r);
}

static bool is_malloc(const char *library) {
  char with[PATH_MAX], without[PATH_MAX];
  malloc_place(library, with, sizeof with);
  malloc_place("", without, sizeof without);
  return with[0] != 0 && strcmp(with, without) != 0;
}

// ---- one name ----

static struct cli_allocator *list_add(struct list *l, const char *name) {
  l->at = realloc(l->at, (l->count + 1) * sizeof *l->at);
  if (l->at == NULL) cli_die(CLI_FAILED, "no memory for a list of allocators");
  struct cli_allocator *a = &l->at[l->count++];
  *a = (struct cli_allocator){.policy = NULL};
  snprintf(a->name, sizeof a->name, "%s", name);
  return a;
}

// midden, and after each colon an option of the library.
static void add_midden(struct list *l, const char *name) {
  struct cli_allocator *a = list_add(l, name);
  cli_launch_library(a->library, sizeof a->library);
  cli_options_add(a->options, sizeof a->options, "feed=0", "");
  for (const char *at = strchr(name, ':'); at != NULL; at = strchr(at, ':')) {
    char one[128];
    at++;
    snprintf(one, sizeof one, "%.*s", (int)strcspn(at, ":"), at);
    cli_options_add(a->options, sizeof a->options, "", one);
  }
}

static void add_file(struct list *l, const char *path) {
  char real[PATH_MAX];
  const char *slash = strrchr(path, '/');
  if (realpath(path, real) == NULL)
    cli_die(CLI_USAGE, "'%s' cannot be tried: %m: give the path of a library that has a malloc",
            path);
  if (strpbrk(real, " :") != NULL)
    cli_die(CLI_USAGE, "%s has a blank or a colon in its name, where LD_PRELOAD would end: copy it",
            real);
  if (!is_malloc(real))
    cli_die(CLI_USAGE,
            "'%s' replaces no malloc: give a library that exports malloc and that this machine's "
            "loader takes",
            path);
  struct cli_allocator *a = list_add(l, slash == NULL ? path : slash + 1);
  snprintf(a->library, sizeof a->library, "%s", real);
}

static void add_known(struct list *l, const struct known *k) {
  if (strncmp(k->name, "midden", 6) == 0) return add_midden(l, k->name);
  struct cli_allocator *a = list_add(l, k->name);
  if (k->library != NULL) snprintf(a->library, sizeof a->library, "%s", k->library);
  if (k->policy) a->policy = k->name;
  a->has_region = k->has_region;
}

static _Noreturn void blame_name(const char *name) {
  const char *names[KNOWN];
  char all[512] = "";
  for (size_t i = 0; i < KNOWN; i++) {
    names[i] = known[i].name;
    snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i == 0 ? "" : " ", names[i]);
  }
  const char *near = mid_nearest_name(name, strlen(name), names, KNOWN);
  if (near != NULL)
    cli_die(CLI_USAGE, "there is no allocator '%s': did you mean '%s'?", name, near);
  cli_die(CLI_USAGE, "there is no allocator '%s': give the path of a library, or one of %s", name,
          all);
}

static const struct known *find_known(const char *name) {
  for (size_t i = 0; i < KNOWN; i++)
    if (strcmp(known[i].name, name) == 0) return &known[i];
  return NULL;
}

static void add_name(struct list *l, const char *name) {
  const struct known *k = find_known(name);
  for (size_t i = 0; i < l->count; i++)
    if (strcmp(l->at[i].name, name) == 0)
      cli_die(CLI_USAGE, "'%s' is named twice: once is enough", name);
  if (k != NULL && k->library != NULL && !is_malloc(k->library))
    cli_die(CLI_USAGE, "%s is not here: install Debian's %s, or give the path of the library", name,
            k->package);
  if (k != NULL) return add_known(l, k);
  if (strncmp(name, "midden:", 7) == 0) return add_midden(l, name);
  if (strchr(name, '/') != NULL || strstr(name, ".so") != NULL) return add_file(l, name);
  blame_name(name);
}

// ---- the list ----

static void add_all(struct list *l, bool with_region) {
  for (size_t i = 0; i < KNOWN; i++) {
    if (with_region && !known[i].has_region) continue;
    if (known[i].library == NULL || is_malloc(known[i].library)) add_known(l, &known[i]);
  }
}

static void add_list(struct list *l, const char *list) {
  for (const char *at = list;; at++) {
    char name[PATH_MAX];
    size_t bytes = strcspn(at, ",");
    snprintf(name, sizeof name, "%.*s", (int)bytes, at);
    if (bytes == 0)
      cli_die(CLI_USAGE, "'%s' has no name where one must be: leave out a comma", list);
    add_name(l, name);
    at += bytes;
    if (*at == 0) return;
  }
}

struct cli_allocator *cli_allocators_read(const char *list, bool with_region, size_t *count) {
  struct list l = {NULL, 0};
  if (list == NULL)
    add_all(&l, with_region);
  else
    add_list(&l, list);
  for (size_t i = 0; i < l.count; i++)
    if (with_region && !l.at[i].has_region)
      cli_die(
          CLI_USAGE,
          "'%s' places blocks where it likes: --region, --bare and --addresses are for policies, "
          "such as first-fit or buddy",
          l.at[i].name);
  *count = l.count;
  return l.at;
}
