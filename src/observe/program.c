// observe/program.c -- see program.h.  The file is foreign bytes: each offset is used to read from
// it and nothing else, so one that points nowhere reads nothing.
// SPDX-License-Identifier: MIT
#include "observe/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#if defined(__aarch64__)
enum { OUR_MACHINE = EM_AARCH64 };
#else
enum { OUR_MACHINE = EM_X86_64 };
#endif

static bool program_read(int fd, void *to, size_t bytes, uint64_t offset) {
  return offset <= INT64_MAX && pread(fd, to, bytes, (off_t)offset) == (ssize_t)bytes;
}

// ---- its dynamic section ------------------------------------------------------------------------

static const char *const other_mallocs[] = {"libjemalloc",  "libtcmalloc", "libmimalloc",
                                            "libtbbmalloc", "libsnmalloc", "librpmalloc",
                                            "libhoard",     "libscudo",    "libmesh"};

enum { MOST_SEGMENTS = 512, MOST_ENTRIES = 4096 };

struct elf {
  int fd;
  Elf64_Ehdr header;
  uint64_t strings;  // of the string table, in the file
  bool has_interp, has_soname;
};

static bool elf_segment(const struct elf *e, unsigned i, Elf64_Phdr *out) {
  return i < MOST_SEGMENTS && i < e->header.e_phnum &&
         program_read(e->fd, out, sizeof *out, e->header.e_phoff + (uint64_t)i * sizeof *out);
}

// Where in the file the byte at this address comes from; 0 when from nowhere.
static uint64_t elf_offset(const struct elf *e, uint64_t address) {
  Elf64_Phdr p;
  for (unsigned i = 0; elf_segment(e, i, &p); i++)
    if (p.p_type == PT_LOAD && address >= p.p_vaddr && address - p.p_vaddr < p.p_filesz)
      return p.p_offset + (address - p.p_vaddr);
  return 0;
}

static void elf_needed(const struct elf *e, uint64_t name_at, struct mid_program *out) {
  char name[sizeof out->other_malloc];
  ssize_t n = pread(e->fd, name, sizeof name - 1, (off_t)((e->strings + name_at) & INT64_MAX));
  if (n <= 0) return;
  name[n] = 0;
  for (size_t i = 0; i < sizeof other_mallocs / sizeof *other_mallocs; i++)
    if (strncmp(name, other_mallocs[i], strlen(other_mallocs[i])) == 0)
      memcpy(out->other_malloc, name, sizeof name);
}

static bool elf_entry(const struct elf *e, const Elf64_Phdr *dynamic, unsigned i, Elf64_Dyn *out) {
  return i < MOST_ENTRIES && i < dynamic->p_filesz / sizeof *out &&
         program_read(e->fd, out, sizeof *out, dynamic->p_offset + (uint64_t)i * sizeof *out) &&
         out->d_tag != DT_NULL;
}

static void elf_dynamic(struct elf *e, const Elf64_Phdr *dynamic, struct mid_program *out) {
  Elf64_Dyn d;
  for (unsigned i = 0; elf_entry(e, dynamic, i, &d); i++) {
    if (d.d_tag == DT_STRTAB) e->strings = elf_offset(e, d.d_un.d_ptr);
    if (d.d_tag == DT_SONAME) e->has_soname = true;
  }
  if (e->strings == 0) return;
  for (unsigned i = 0; elf_entry(e, dynamic, i, &d); i++)
    if (d.d_tag == DT_NEEDED) elf_needed(e, d.d_un.d_val, out);
}

// A library that is run as a program, as ld.so can be, has a name but no interpreter.
static void look_at_elf(int fd, struct mid_program *out) {
  struct elf e = {.fd = fd};
  Elf64_Phdr p;
  if (!program_read(fd, &e.header, sizeof e.header, 0) ||
      memcmp(e.header.e_ident, ELFMAG, SELFMAG) != 0)
    return;
  if (e.header.e_ident[EI_CLASS] != ELFCLASS64 || e.header.e_machine != OUR_MACHINE) {
    out->foreign = true;
    return;
  }
  if (e.header.e_phentsize != sizeof p) return;
  out->elf = true;
  for (unsigned i = 0; elf_segment(&e, i, &p); i++) {
    if (p.p_type == PT_INTERP) e.has_interp = true;
    if (p.p_type == PT_DYNAMIC) elf_dynamic(&e, &p, out);
  }
  out->is_static = !e.has_interp && !e.has_soname;
}

// ---- who may look into it -----------------------------------------------------------------------

// Whether execve will raise privileges, after which the loader ignores LD_PRELOAD.
static bool is_secure(const char *path, const struct stat *s) {
  struct statvfs v;
  if (statvfs(path, &v) == 0 && (v.f_flag & ST_NOSUID) != 0) return false;
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) return false;
  if ((s->st_mode & S_ISUID) != 0 && s->st_uid != getuid()) return true;
  if ((s->st_mode & S_ISGID) != 0 && (s->st_mode & S_IXGRP) != 0 && s->st_gid != getgid())
    return true;
  return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

// The interpreter in a script's first line; false when there is none.
static bool read_interpreter(int fd, char *room, size_t bytes) {
  char line[256];
  ssize_t n = pread(fd, line, sizeof line - 1, 0);
  if (n < 3 || line[0] != '#' || line[1] != '!') return false;
  line[n] = 0;
  char *at = line + 2 + strspn(line + 2, " \t");
  at[strcspn(at, " \t\r\n")] = 0;
  return *at != 0 && snprintf(room, bytes, "%s", at) < (int)bytes;
}

// A script's privileges are not raised, its interpreter's are.  The kernel follows four of them.
static void look(struct mid_program *out) {
  snprintf(out->looked_at, sizeof out->looked_at, "%s", out->path);
  for (int depth = 0; depth < 5; depth++) {
    struct stat s;
    char next[sizeof out->looked_at];
    int fd = open(out->looked_at, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool known = stat(out->looked_at, &s) == 0;
    bool script = fd >= 0 && known && read_interpreter(fd, next, sizeof next);
    if (fd >= 0 && !script) look_at_elf(fd, out);
    if (known && !script) out->secure = is_secure(out->looked_at, &s);
    if (fd >= 0) close(fd);
    if (!script) return;
    memcpy(out->looked_at, next, sizeof next);
  }
}

// ---- where it is --------------------------------------------------------------------------------

static int can_run(const char *path) {
  struct stat s;
  if (stat(path, &s) != 0) return errno;
  if (!S_ISREG(s.st_mode)) return EACCES;
  return access(path, X_OK) == 0 ? 0 : errno;
}

// The best of what PATH offers: a file that runs, else one that may not.
static int search(const char *name, struct mid_program *out) {
  const char *path = getenv("PATH");
  if (path == NULL) path = "/usr/local/bin:/usr/bin:/bin";
  int found = ENOENT;
  for (const char *at = path;; at++) {
    size_t bytes = strcspn(at, ":");
    char try[PATH_MAX];
    int n = snprintf(try, sizeof try, "%.*s%s%s", (int)bytes, at, bytes > 0 ? "/" : "", name);
    int error = n < (int)sizeof try ? can_run(try) : ENAMETOOLONG;
    if (error == 0 || (error == EACCES && found != EACCES)) {
      memcpy(out->path, try, sizeof try);
      found = error;
    } else if (found == ENOENT && error == ENAMETOOLONG) {
      found = error;
    }
    at += bytes;
    if (found == 0 || *at == 0) return found;
  }
}

int mid_program_find(const char *name, struct mid_program *out) {
  *out = (struct mid_program){0};
  int error = *name == 0 ? ENOENT : 0;
  if (strchr(name, '/') == NULL && error == 0) {
    error = search(name, out);
  } else if (error == 0) {
    if (snprintf(out->path, sizeof out->path, "%s", name) >= (int)sizeof out->path)
      return ENAMETOOLONG;
    error = can_run(name);
  }
  if (error == 0) look(out);
  return error;
}
