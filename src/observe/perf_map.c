// observe/perf_map.c -- see perf_map.h.
// SPDX-License-Identifier: MIT
#include "observe/perf_map.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/must.h"
#include "observe/words.h"

struct function {
  uint64_t start, bytes;
  const char *name;  // in `text`
};

struct mid_perf_map {
  char *text;
  struct function *function;  // in the file's order
  size_t count;
};

static bool read_hex(char **at, uint64_t *out) {
  char *end;
  if (strspn(*at, "0123456789abcdefABCDEF") == 0) return false;
  *out = strtoull(*at, &end, 16);
  if (*end != ' ') return false;
  *at = end + 1;
  return true;
}

static void add_line(struct mid_perf_map *m, char *line) {
  struct function f;
  if (!read_hex(&line, &f.start) || !read_hex(&line, &f.bytes) || *line == 0) return;
  mid_words_tame(line);
  f.name = line;
  if ((m->count & (m->count - 1)) == 0)
    m->function = mid_must(realloc(m->function, (m->count ? 2 * m->count : 1) * sizeof f));
  m->function[m->count++] = f;
}

struct mid_perf_map *mid_perf_map_parse(const char *at, size_t bytes) {
  struct mid_perf_map *m = mid_must(calloc(1, sizeof *m));
  m->text = mid_must(malloc(bytes + 1));
  if (bytes > 0) memcpy(m->text, at, bytes);
  m->text[bytes] = 0;
  for (char *line = m->text, *end; line < m->text + bytes; line = end + 1) {
    end = line + strcspn(line, "\n");
    *end = 0;
    add_line(m, line);
  }
  return m;
}

// ---- the file -----------------------------------------------------------------------------------

enum { MOST_MAP_BYTES = 256 << 20 };

static char *map_load(const char *path, size_t *bytes) {
  struct stat s;
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return NULL;
  bool ours = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size <= MOST_MAP_BYTES &&
              (s.st_uid == geteuid() || geteuid() == 0);
  char *text = ours ? malloc((size_t)s.st_size + 1) : NULL;
  ssize_t n = text != NULL ? pread(fd, text, (size_t)s.st_size, 0) : -1;
  close(fd);
  *bytes = n > 0 ? (size_t)n : 0;
  return text;
}

// `pid` is the process's own name for itself, which its root and its number may not be here.
struct mid_perf_map *mid_perf_map_open(int64_t pid) {
  char path[96];
  size_t bytes = 0;
  snprintf(path, sizeof path, "/proc/%" PRId64 "/root/tmp/perf-%" PRId64 ".map", pid, pid);
  char *text = map_load(path, &bytes);
  snprintf(path, sizeof path, "/tmp/perf-%" PRId64 ".map", pid);
  if (text == NULL) text = map_load(path, &bytes);
  struct mid_perf_map *m = mid_perf_map_parse(text, bytes);
  free(text);
  return m;
}

void mid_perf_map_close(struct mid_perf_map *m) {
  if (m == NULL) return;
  free(m->function);
  free(m->text);
  free(m);
}

const char *mid_perf_map_find(const struct mid_perf_map *m, uint64_t address) {
  for (size_t i = m->count; i-- > 0;)
    if (address >= m->function[i].start && address - m->function[i].start < m->function[i].bytes)
      return m->function[i].name;
  return NULL;
}
