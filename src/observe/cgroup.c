// observe/cgroup.c -- see cgroup.h.
// SPDX-License-Identifier: MIT
#include "observe/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/proc.h"

static bool has_word(const char *list, const char *word) {
  size_t bytes = strlen(word);
  for (; *list != 0; list += strcspn(list, ","), list += *list == ',')
    if (strncmp(list, word, bytes) == 0 && (list[bytes] == ',' || list[bytes] == 0)) return true;
  return false;
}

// The process's path in the hierarchy that holds the memory controller.  A line is
// ID:CONTROLLERS:PATH; v2's has no controllers, and v1's is preferred where both are there.
static bool group_path(pid_t pid, bool *v2, char *room, size_t bytes) {
  char name[64], text[8192];
  bool found = false;
  snprintf(name, sizeof name, "/proc/%d/cgroup", (int)pid);
  if (mid_proc_file(name, text, sizeof text) <= 0) return false;
  for (char *line = text, *rest; line != NULL && *line != 0; line = rest) {
    rest = strchr(line, '\n');
    if (rest != NULL) *rest++ = 0;
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL) continue;
    *path++ = 0;
    bool memory = has_word(controllers + 1, "memory");
    if (!memory && (found || controllers[1] != 0)) continue;
    *v2 = !memory;
    found = snprintf(room, bytes, "%s", path) < (int)bytes;
    if (memory) return found;
  }
  return found;
}

// Where the hierarchy is mounted, and which of its folders is the mount's root.
static bool mount_point(bool v2, char *root, char *point, size_t bytes) {
  FILE *f = fopen("/proc/self/mountinfo", "re");
  char *line = NULL;
  size_t room = 0;
  bool found = false;
  while (f != NULL && !found && getline(&line, &room, f) > 0) {
    char type[32], options[1024];
    const char *after = strstr(line, " - ");
    char format[64];
    snprintf(format, sizeof format, "%%*s %%*s %%*s %%%zus %%%zus", bytes - 1, bytes - 1);
    if (after == NULL || sscanf(after, " - %31s %*s %1023s", type, options) != 2) continue;
    if (strcmp(type, v2 ? "cgroup2" : "cgroup") != 0) continue;
    found = (v2 || has_word(options, "memory")) && sscanf(line, format, root, point) == 2;
  }
  free(line);
  if (f != NULL) fclose(f);
  return found;
}

// 0: none.
static uint64_t read_limit(const char *folder) {
  static const char *const names[] = {"memory.max", "memory.limit_in_bytes"};
  for (int i = 0; i < 2; i++) {
    char path[PATH_MAX + 32], text[64];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    if (mid_proc_file(path, text, sizeof text) <= 0) continue;
    if (text[0] < '0' || text[0] > '9') return 0;  // max
    uint64_t limit = strtoull(text, NULL, 10);
    return limit >= 1ull << 62 ? 0 : limit;  // how v1 writes none
  }
  return 0;
}

// The least limit from `path` up to where the hierarchy is mounted.
static void find_limit(struct mid_cgroup *group, const char *point) {
  char at[PATH_MAX];
  memcpy(at, group->path, sizeof at);
  memcpy(group->limited, group->path, sizeof at);
  for (char *cut = at + strlen(at); cut != NULL && (size_t)(cut - at) >= strlen(point);) {
    *cut = 0;
    uint64_t limit = read_limit(at);
    if (limit != 0 && (group->limit == 0 || limit < group->limit)) {
      group->limit = limit;
      memcpy(group->limited, at, sizeof at);
    }
    cut = strrchr(at, '/');
  }
}

static uint64_t read_kills(const struct mid_cgroup *group) {
  static const char *const names[] = {"memory.events", "memory.oom_control"};
  for (int i = 0; i < 2; i++) {
    char path[PATH_MAX + 32], text[1024];
    snprintf(path, sizeof path, "%s/%s", group->path, names[i]);
    if (mid_proc_file(path, text, sizeof text) <= 0) continue;
    const char *at = strstr(text, "oom_kill ");
    if (at != NULL) return strtoull(at + strlen("oom_kill "), NULL, 10);
  }
  return group->kills;
}

uint64_t mid_cgroup_new_kills(const struct mid_cgroup *group) {
  uint64_t kills = group->path[0] != 0 ? read_kills(group) : 0;
  return kills > group->kills ? kills - group->kills : 0;
}

// Of the path, what is below the mount's root is below the mount point.
static const char *below(const char *path, const char *root) {
  size_t above = strcmp(root, "/") == 0 ? 0 : strlen(root);
  if (strncmp(path, root, above) == 0) path += above;
  return strcmp(path, "/") == 0 ? "" : path;
}

void mid_cgroup_follow(pid_t pid, struct mid_cgroup *group) {
  bool v2;
  char root[PATH_MAX], point[PATH_MAX];
  struct mid_cgroup now = {0};
  if (!group_path(pid, &v2, now.inner, sizeof now.inner)) return;
  // One that is being killed is said to be in "/" (v1), though it is charged where it was.
  bool moved = group->inner[0] == 0 || strcmp(now.inner, "/") != 0;
  if (!moved || strcmp(now.inner, group->inner) == 0) return;
  if (!mount_point(v2, root, point, sizeof root)) return;
  int n = snprintf(now.path, sizeof now.path, "%s%s", point, below(now.inner, root));
  if (n >= (int)sizeof now.path) return;
  find_limit(&now, point);
  now.kills = read_kills(&now);
  *group = now;
}

static uint64_t cgroup_number(const char *folder, const char *v2, const char *v1,
                              const char *word) {
  const char *const names[] = {v2, v1};
  for (int i = 0; i < 2; i++) {
    char path[PATH_MAX + 32], text[8192];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    if (mid_proc_file(path, text, sizeof text) <= 0) continue;
    const char *at = strstr(text, word);
    return at == NULL ? 0 : strtoull(at + strlen(word), NULL, 10);
  }
  return 0;
}

// In v1's memory.stat sums over groups below have `total_` before them, and come later.
uint64_t mid_cgroup_used(const struct mid_cgroup *group) {
  const char *folder = group->limited;
  uint64_t all = cgroup_number(folder, "memory.current", "memory.usage_in_bytes", "");
  uint64_t idle = cgroup_number(folder, "memory.stat", "memory.stat", "\ntotal_inactive_file ");
  if (idle == 0) idle = cgroup_number(folder, "memory.stat", "memory.stat", "\ninactive_file ");
  return all > idle ? all - idle : 0;
}
