// cli/file.c -- see file.h.
// SPDX-License-Identifier: MIT
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

struct target {
  bool there, in_place;
  char name[PATH_MAX], beside[PATH_MAX + 32];
};

// /dev/stdout may be a plain file, but one that others write to as well.
static bool is_in_place(const char *name, const struct stat *s) {
  return !S_ISREG(s->st_mode) || strncmp(name, "/dev/", 5) == 0;
}

// Where `name` leads, also through a symbolic link, and the name for a file beside that.
static int target_find(const char *name, struct target *t) {
  struct stat s;
  char real[PATH_MAX];
  bool there = stat(name, &s) == 0;
  if (!there && errno != ENOENT) return errno;
  if (there && S_ISDIR(s.st_mode)) return EISDIR;
  if (there && realpath(name, real) != NULL && !is_in_place(name, &s)) name = real;
  if (snprintf(t->name, sizeof t->name, "%s", name) >= (int)sizeof t->name) return ENAMETOOLONG;
  const char *slash = strrchr(t->name, '/');
  int folder = slash ? (int)(slash - t->name) + 1 : 0;
  snprintf(t->beside, sizeof t->beside, "%.*s.midden.%d", folder, t->name, (int)getpid());
  t->there = there;
  t->in_place = there && is_in_place(name, &s);
  return 0;
}

static int beside_open(const struct target *t) {
  return open(t->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static int check_in_place(const char *name) { return access(name, W_OK) == 0 ? 0 : errno; }

int cli_file_check(const char *name) {
  struct target t;
  int error = target_find(name, &t);
  if (error != 0) return error;
  if (t.in_place) return check_in_place(t.name);
  int fd = beside_open(&t);
  // A file that may be written in a folder that may not.
  if (fd < 0) return errno == EACCES && t.there ? check_in_place(t.name) : errno;
  close(fd);
  unlink(t.beside);
  const char *base = strrchr(t.name, '/');
  return strlen(base ? base + 1 : t.name) > NAME_MAX ? ENAMETOOLONG : 0;
}

static int print_to(int fd, bool (*print)(const void *, FILE *), const void *self) {
  FILE *out = fdopen(fd, "w");
  if (out == NULL) {
    close(fd);
    return ENOMEM;
  }
  errno = 0;
  bool ok = print(self, out) && fflush(out) == 0 && !ferror(out);
  int error = errno;
  if (fclose(out) != 0 && ok) return errno;
  return ok ? 0 : error ? error : EIO;
}

int cli_file_write(const char *name, bool (*print)(const void *, FILE *), const void *self) {
  struct target t;
  int error = target_find(name, &t);
  if (error != 0) return error;
  int fd = t.in_place ? -1 : beside_open(&t);
  if (fd < 0 && !t.in_place && errno != EACCES) return errno;
  if (fd < 0) {
    fd = open(t.name, O_WRONLY | O_CREAT | O_CLOEXEC | (t.in_place ? O_APPEND : O_TRUNC), 0666);
    return fd < 0 ? errno : print_to(fd, print, self);
  }
  error = print_to(fd, print, self);
  if (error == 0 && rename(t.beside, t.name) != 0) error = errno;
  if (error != 0) unlink(t.beside);
  return error;
}

void cli_file_require(const char *name) {
  int error = name != NULL ? cli_file_check(name) : 0;
  if (error != 0)
    cli_die(CLI_USAGE, "'%s' cannot be written: %s: name another file", name, strerror(error));
}

bool cli_file_copy(const void *self, FILE *out) {
  FILE *in = (FILE *)(uintptr_t)self;
  char room[1 << 16];
  rewind(in);
  for (size_t n; (n = fread(room, 1, sizeof room, in)) > 0;)
    if (fwrite(room, 1, n, out) != n) return false;
  return !ferror(in);
}
