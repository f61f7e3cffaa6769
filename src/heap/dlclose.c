// heap/dlclose.c -- dlclose, after which other code may lie where what was recorded lay.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "heap/record.h"
#include "heap/sample.h"
#include "midden/status.h"

static int read_unloads(struct dl_phdr_info *info, size_t bytes, void *unloads) {
  (void)bytes;
  memcpy(unloads, &info->dlpi_subs, sizeof info->dlpi_subs);
  return 1;
}

// How many modules were unloaded so far.  Takes the loader's lock, as dlclose does.
static unsigned long long unloads_count(void) {
  unsigned long long unloads = 0;
  dl_iterate_phdr(read_unloads, &unloads);
  return unloads;
}

MIDDEN_API int dlclose(void *handle) {
  static _Atomic(void *) known;
  void *found = atomic_load_explicit(&known, memory_order_relaxed);
  int (*next)(void *);
  if (found == NULL) found = dlsym(RTLD_NEXT, "dlclose");
  atomic_store_explicit(&known, found, memory_order_relaxed);
  memcpy(&next, &found, sizeof next);
  unsigned long long before = unloads_count();
  int failed = next(handle);
  if (unloads_count() == before) return failed;
  if (mid_record_is_on()) mid_record_unloaded();
  mid_sample_unloaded();
  return failed;
}
