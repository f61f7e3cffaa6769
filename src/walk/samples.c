// walk/samples.c -- see samples.h.
// SPDX-License-Identifier: MIT
#include "walk/samples.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SAMPLES_BYTES = MID_SAMPLES_HEAD + MID_SAMPLES_PIECES * MID_SAMPLES_PIECE };

static bool samples_is_file(const struct mid_target_mapping *m) {
  size_t bytes = strcspn(m->path, " ");  // behind which the kernel says that it was removed
  return m->offset == 0 && bytes > 8 && strncmp(m->path + bytes - 8, ".samples", 8) == 0;
}

static const char *samples_from_memory(const struct mid_target *t,
                                       const struct mid_target_mapping *m,
                                       struct mid_profile *out) {
  uint64_t end = m->end;
  for (const struct mid_target_mapping *next = m + 1; next < t->mapping + t->mappings; next++) {
    if (next->start != end || next->offset != end - m->start || strcmp(next->path, m->path) != 0)
      break;
    end = next->end;
  }
  if (end - m->start > SAMPLES_BYTES) end = m->start + SAMPLES_BYTES;
  char *bytes = malloc(end - m->start);
  if (bytes == NULL) abort();
  mid_target_read(t, m->start, bytes, end - m->start);
  const char *wrong = mid_profile_parse(bytes, end - m->start, out);
  free(bytes);
  return wrong;
}

static const char *samples_from_file(const struct mid_target *t, const char *path,
                                     struct mid_profile *out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) return "its sample file is gone";
  const char *wrong = mid_profile_read(fd, out);
  close(fd);
  if (wrong == NULL && t->pid != 0 && out->pid != (uint64_t)t->pid) {
    mid_profile_close(out);
    wrong = "its sample file is another process's by now";
  }
  return wrong;
}

const char *mid_target_profile(const struct mid_target *t, struct mid_profile *out) {
  *out = (struct mid_profile){0};
  for (size_t i = 0; i < t->mappings; i++) {
    if (!samples_is_file(&t->mapping[i])) continue;
    if (samples_from_memory(t, &t->mapping[i], out) == NULL) return NULL;
    return samples_from_file(t, t->mapping[i].path, out);
  }
  return "it has no sample file: it was started with sampling off";
}
