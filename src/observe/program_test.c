// observe/program_test.c -- programs that are found, told apart, cut short and damaged.
// SPDX-License-Identifier: MIT
#include "observe/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

// A program that loads nothing but is whole as far as anyone looks: three segments and a dynamic
// section that needs one library.
struct elf_file {
  Elf64_Ehdr header;
  Elf64_Phdr segment[3];
  Elf64_Dyn dynamic[4];
  char strings[64];
};

static void write_elf(struct elf_file *f, bool interp, const char *needed) {
  memset(f, 0, sizeof *f);
  memcpy(f->header.e_ident, ELFMAG, SELFMAG);
  f->header.e_ident[EI_CLASS] = ELFCLASS64;
#if defined(__aarch64__)
  f->header.e_machine = EM_AARCH64;
#else
  f->header.e_machine = EM_X86_64;
#endif
  f->header.e_phoff = offsetof(struct elf_file, segment);
  f->header.e_phentsize = sizeof f->segment[0];
  f->header.e_phnum = 3;
  f->segment[0] = (Elf64_Phdr){.p_type = interp ? PT_INTERP : PT_NULL};
  f->segment[1] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = 0x10000, .p_filesz = sizeof *f};
  f->segment[2] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                               .p_offset = offsetof(struct elf_file, dynamic),
                               .p_filesz = sizeof f->dynamic};
  f->dynamic[0] = (Elf64_Dyn){.d_tag = DT_NEEDED, .d_un.d_val = 1};
  f->dynamic[1] =
      (Elf64_Dyn){.d_tag = DT_STRTAB, .d_un.d_ptr = 0x10000 + offsetof(struct elf_file, strings)};
  snprintf(f->strings + 1, sizeof f->strings - 1, "%s", needed);
}

// One file, which each test makes anew.
static const char *put(const void *bytes, size_t size) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/midden-program-%d", (int)getpid());
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
  CHECK(fd >= 0);
  CHECK_EQ(write(fd, bytes, size), size);
  close(fd);
  return path;
}

TEST(a_program_that_links_another_malloc_is_seen)
{
  struct elf_file f;
  struct mid_program p;
  write_elf(&f, true, "libjemalloc.so.2");
  const char *path = put(&f, sizeof f);
  CHECK_EQ(mid_program_find(path, &p), 0);
  CHECK(p.elf && !p.is_static && !p.foreign && !p.secure);
  CHECK_STR(p.other_malloc, "libjemalloc.so.2");
  unlink(path);
}

TEST(a_program_without_a_loader_is_static)
{
  struct elf_file f;
  struct mid_program p;
  write_elf(&f, false, "libc.so.6");
  const char *path = put(&f, sizeof f);
  CHECK_EQ(mid_program_find(path, &p), 0);
  CHECK(p.elf && p.is_static);
  CHECK_STR(p.other_malloc, "");
  f.dynamic[2].d_tag = DT_SONAME;  // as the loader itself, which can be run
  put(&f, sizeof f);
  CHECK_EQ(mid_program_find(path, &p), 0);
  CHECK(p.elf && !p.is_static);
  unlink(path);
}

TEST(a_program_for_another_machine_is_foreign)
{
  struct elf_file f;
  struct mid_program p;
  write_elf(&f, true, "libc.so.6");
  f.header.e_ident[EI_CLASS] = ELFCLASS32;
  const char *path = put(&f, sizeof f);
  CHECK_EQ(mid_program_find(path, &p), 0);
  CHECK(p.foreign && !p.elf);
  unlink(path);
}

TEST(a_script_is_judged_by_its_interpreter)
{
  struct mid_program p;
  const char script[] = "#! /bin/sh -e\nexit 0\n";
  const char *path = put(script, sizeof script - 1);
  CHECK_EQ(mid_program_find(path, &p), 0);
  CHECK_STR(p.path, path);
  CHECK_STR(p.looked_at, "/bin/sh");
  CHECK(p.elf && !p.is_static);
  unlink(path);
}

TEST(a_script_that_names_itself_ends)
{
  struct mid_program p;
  char script[128];
  const char *path = put("", 0);
  int n = snprintf(script, sizeof script, "#!%s\n", path);
  put(script, (size_t)n);
  CHECK_EQ(mid_program_find(path, &p), 0);
  CHECK(!p.elf);
  unlink(path);
}

TEST(what_cannot_run_is_said_as_execve_says_it)
{
  struct mid_program p;
  char name[5000];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = 0;
  CHECK_EQ(mid_program_find("midden-no-such-program", &p), ENOENT);
  CHECK_EQ(mid_program_find("./midden-no-such-program", &p), ENOENT);
  CHECK_EQ(mid_program_find("", &p), ENOENT);
  CHECK_EQ(mid_program_find("/tmp", &p), EACCES);
  CHECK_EQ(mid_program_find(name, &p), ENAMETOOLONG);
  CHECK_EQ(mid_program_find("/etc/passwd/x", &p), ENOTDIR);
}

TEST(no_damaged_program_stops_the_look)
{
  struct elf_file f, damaged;
  struct mid_program p;
  const char *path = NULL;
  write_elf(&f, true, "libjemalloc.so.2");
  for (size_t size = 0; size < sizeof f; size += 3) {
    path = put(&f, size);
    CHECK_EQ(mid_program_find(path, &p), 0);
  }
  for (size_t bit = 0; bit < 8 * offsetof(struct elf_file, strings); bit++) {
    damaged = f;
    ((char *)&damaged)[bit / 8] = (char)(((char *)&damaged)[bit / 8] ^ (1 << bit % 8));
    put(&damaged, sizeof damaged);
    CHECK_EQ(mid_program_find(path, &p), 0);
    CHECK(memchr(p.other_malloc, 0, sizeof p.other_malloc) != NULL);
  }
  unlink(path);
}
