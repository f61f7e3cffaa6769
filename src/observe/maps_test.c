// observe/maps_test.c -- memory that no file has is found where it is mapped, look after look.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "observe/maps.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

enum { BYTES = 1 << 20, GUARD = 4096 };

// A guard page and `BYTES` above it, of which half are touched.
static char *map_half(void) {
  char *low = mmap(NULL, GUARD + BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(low != MAP_FAILED && mprotect(low + GUARD, BYTES, PROT_READ | PROT_WRITE) == 0);
  madvise(low + GUARD, BYTES, MADV_NOHUGEPAGE);
  memset(low + GUARD, 1, BYTES / 2);
  return low + GUARD;
}

static const struct mid_mapping *map_at(const struct mid_maps *maps, const char *at) {
  for (size_t i = 0; i < maps->count; i++)
    if (maps->map[i].low <= (uintptr_t)at && (uintptr_t)at < maps->map[i].high)
      return &maps->map[i];
  return NULL;
}

TEST(a_mapping_is_known_by_its_access_its_guard_and_its_touched_bytes)
{
  struct mid_maps maps;
  char *at = map_half();
  CHECK(mid_maps_read(getpid(), &maps));
  const struct mid_mapping *m = map_at(&maps, at), *stack = map_at(&maps, (char *)&maps);
  CHECK(m != NULL && m->guarded && m->bytes == BYTES / 2);
  CHECK_STR(m->access, "rw-p");
  CHECK_STR(m->name, "");
  CHECK(stack != NULL && stack->bytes > 0);
  CHECK_STR(stack->name, "[stack]");
  mid_maps_close(&maps);
  munmap(at - GUARD, GUARD + BYTES);
  CHECK(!mid_maps_read(-1, &maps));
}

TEST(what_was_before_is_of_a_quarter_to_a_half_of_the_time)
{
  struct mid_maps_looks looks = {0};
  for (double now = 1; now < 100; now += 0.05) {
    if (now >= looks.next) mid_maps_look(&looks, getpid(), now);
    double watched = now - 1, before = looks.before_at - 1;
    if (watched < 1) continue;
    CHECK(before >= 0.2 * watched && before <= 0.5 * watched);
  }
  mid_maps_close(&looks.before);
  mid_maps_close(&looks.last);
}
