// tests/traps/dlclose.c -- open a library, work with it in threads that outlive the call, close it.
// With a second library: open, use and close that too, as a program does that finds its allocator
// at run time.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "support.h"

static char *(*work)(size_t);

static void *work_in_thread(void *with) {
  for (size_t i = 1; i < 20; i++) free(work(i * 333));
  return with;
}

static void open_work_close(const char *name, size_t i) {
  void *library = dlopen(name, RTLD_NOW);
  CHECK(library != NULL);
  work = (char *(*)(size_t))dlsym(library, "plugin_work");
  CHECK(work != NULL);
  pthread_t thread[2];
  for (int k = 0; k < 2; k++) CHECK(pthread_create(&thread[k], NULL, work_in_thread, NULL) == 0);
  char *kept = work(100 + i);
  for (int k = 0; k < 2; k++) CHECK(pthread_join(thread[k], NULL) == 0);
  CHECK(dlclose(library) == 0);
  CHECK(kept[99 + i] == 'w');  // its blocks outlive it
  free(kept);
}

static void *use_heap(void *symbol) {
  char *(*take)(size_t) = (char *(*)(size_t))symbol;
  return take(1000);
}

static void open_use_close_heap(const char *name) {
  for (int i = 0; i < 20; i++) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL), *result;
    if (library == NULL) dprintf(2, "%s\n", dlerror());
    CHECK(library != NULL);
    void *take = dlsym(library, "midden_malloc");
    void (*give)(void *) = (void (*)(void *))dlsym(library, "midden_free");
    CHECK(take != NULL && give != NULL);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, use_heap, take) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result != NULL);
    give(result);
    CHECK(dlclose(library) == 0);
    give(use_heap(take));  // -z nodelete: it is still there
  }
}

int main(int count, char **argument) {
  CHECK(count >= 2);
  size_t settled = 0;
  for (size_t i = 0; i < 500; i++) {
    open_work_close(argument[1], i);
    if (i == 50) settled = test_rss_bytes();
  }
  CHECK(test_rss_bytes() < settled + 4 * MIB);
  if (count > 2) open_use_close_heap(argument[2]);
  return 0;
}
