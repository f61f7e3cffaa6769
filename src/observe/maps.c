// observe/maps.c -- see maps.h.
// SPDX-License-Identifier: MIT
#include "observe/maps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/must.h"
#include "observe/words.h"

// START-END ACCESS OFFSET DEVICE INODE NAME
static bool map_begin(const char *line, struct mid_mapping *m) {
  unsigned long low, high;
  int name = 0;
  *m = (struct mid_mapping){0};
  if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %n", &low, &high, m->access, &name) < 3 || name == 0)
    return false;
  m->low = low;
  m->high = high;
  size_t bytes = strcspn(line + name, "\n"), skip = bytes < sizeof m->name ? 0 : bytes + 1;
  if (skip > 0) skip -= sizeof m->name;
  snprintf(m->name, sizeof m->name, "%.*s", (int)(bytes - skip), line + name + skip);
  mid_words_tame(m->name);
  return true;
}

bool mid_maps_read(pid_t pid, struct mid_maps *out) {
  char path[64], *line = NULL;
  size_t room = 0, most = 0;
  struct mid_mapping m = {0}, below;
  unsigned long kb;
  *out = (struct mid_maps){0};
  snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
  FILE *f = fopen(path, "re");
  if (f == NULL) return false;
  while (getline(&line, &room, f) > 0) {
    below = m;
    if (map_begin(line, &m)) {
      m.guarded = below.high == m.low && strncmp(below.access, "---", 3) == 0 && !below.name[0];
      continue;
    }
    m = below;
    if (sscanf(line, "Anonymous: %lu kB", &kb) != 1 || kb == 0) continue;
    m.bytes = (uint64_t)kb << 10;
    if (out->count == most) {
      most = most == 0 ? 64 : 2 * most;
      out->map = mid_must(reallocarray(out->map, most, sizeof *out->map));
    }
    out->map[out->count++] = m;
  }
  free(line);
  fclose(f);
  return true;
}

void mid_maps_close(struct mid_maps *maps) {
  free(maps->map);
  *maps = (struct mid_maps){0};
}

void mid_maps_look(struct mid_maps_looks *looks, pid_t pid, double now) {
  static const double soon = 0.1;  // compilers by the thousand are mostly over by then
  struct mid_maps maps;
  if (looks->first == 0) {
    looks->first = now;
    looks->next = now + soon;
    return;
  }
  looks->next = looks->first + 2 * (now - looks->first);
  if (!mid_maps_read(pid, &maps)) return;
  mid_maps_close(&looks->before);
  looks->before = looks->last;
  looks->before_at = looks->last_at;
  looks->last = maps;
  looks->last_at = now;
}
