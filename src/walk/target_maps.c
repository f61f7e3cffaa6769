// walk/target_maps.c -- the mappings of a process, from /proc.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "walk/target_source.h"

// All of a file in /proc, NUL at its end.
static char *file_read(pid_t tid, const char *name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  size_t size = 0, room = (size_t)1 << 16;
  char *text = malloc(room);
  for (ssize_t n = 1; text != NULL && n != 0;) {
    n = read(fd, text + size, room - 1 - size);
    if (n < 0 && errno != EINTR) break;
    size += n > 0 ? (size_t)n : 0;
    if (size < room - 1) continue;
    char *more = realloc(text, room *= 2);
    if (more == NULL) free(text);
    text = more;
  }
  close(fd);
  if (text != NULL) text[size] = 0;
  return text;
}

// START-END PERMS OFFSET DEVICE INODE PATH
static bool line_read(char *line, struct mid_target_mapping *m) {
  char permission[5] = "", *at;
  *m = (struct mid_target_mapping){.path = ""};
  m->start = strtoull(line, &at, 16);
  if (*at != '-') return false;
  m->end = strtoull(at + 1, &at, 16);
  int path = 0;
  if (sscanf(at, " %4s %lx %*s %lu %n", permission, &m->offset, &m->inode, &path) < 3) return false;
  m->read = permission[0] == 'r';
  m->write = permission[1] == 'w';
  m->execute = permission[2] == 'x';
  m->shared = permission[3] == 's';
  if (path > 0) m->path = at + path;
  return m->start < m->end;
}

// What may be a device, by its name.  Of these alone the kernel is asked more.
static bool is_odd(const char *path) {
  if (strncmp(path, "anon_inode:", 11) == 0 || strcmp(path, "[vvar]") == 0 ||
      strcmp(path, "[vvar_vclock]") == 0 || strcmp(path, "[vsyscall]") == 0)
    return true;
  return strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0 &&
         strncmp(path, "/dev/zero", 9) != 0 && strncmp(path, "/dev/hugepages/", 15) != 0;
}

// In smaps the line of flags that ends a mapping's lines names io and pf, memory that is no RAM.
static void flags_read(pid_t tid, struct mid_target *t) {
  char *text = file_read(tid, "smaps"), *rest = text;
  size_t i = 0;
  for (char *line; text != NULL && (line = strsep(&rest, "\n")) != NULL;) {
    char *after;
    uint64_t start = strtoull(line, &after, 16);
    if (*after == '-')
      while (i < t->mappings && t->mapping[i].start < start) i++;
    if (strncmp(line, "VmFlags:", 8) != 0 || i == t->mappings) continue;
    t->mapping[i].io = t->mapping[i].io && (strstr(line, " io") != NULL || strstr(line, " pf"));
  }
  free(text);
}

const char *target_maps_read(pid_t tid, struct mid_target *t) {
  size_t room = 0;
  bool odd = false;
  char *rest = t->source->words = file_read(tid, "maps");
  if (rest == NULL) return target_say("its /proc/PID/maps cannot be read: %s", strerror(errno));
  for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
    struct mid_target_mapping m;
    if (!line_read(line, &m)) continue;
    m.io = is_odd(m.path);
    odd = odd || (m.io && m.path[0] != '[');  // those in brackets are the kernel's own
    if (!target_grow((void **)&t->mapping, &room, t->mappings, sizeof m)) return target_no_memory;
    t->mapping[t->mappings++] = m;
  }
  if (odd) flags_read(tid, t);
  return NULL;
}
