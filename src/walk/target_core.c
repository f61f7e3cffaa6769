// walk/target_core.c -- a core file as a target.
// SPDX-License-Identifier: MIT
//
// The kernel, and gdb's gcore, write a segment for each mapping, with or without its bytes, and a
// note for each thread; one more note names the files that were mapped.  What of them was left out
// is read from the files, if they are still the same.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include "base/bits.h"
#include "walk/target_source.h"

struct core {
  struct mid_target *t;
  Elf *elf;
  uint64_t size;     // of the file
  uint64_t missing;  // bytes of memory that it should have behind its end
  bool notes_missing;
  size_t mappings_room, threads_room;
};

// ---- segments ----

static bool segment_add(struct core *c, const GElf_Phdr *s) {
  struct mid_target *t = c->t;
  uint64_t have = s->p_offset >= c->size ? 0 : mid_min(s->p_filesz, c->size - s->p_offset);
  have = mid_min(have, s->p_memsz);
  c->missing += s->p_filesz - have;
  if (s->p_memsz == 0 || s->p_vaddr + s->p_memsz < s->p_vaddr) return true;
  struct mid_target_mapping m = {.start = s->p_vaddr,
                                 .end = s->p_vaddr + s->p_memsz,
                                 .read = (s->p_flags & PF_R) != 0,
                                 .write = (s->p_flags & PF_W) != 0,
                                 .execute = (s->p_flags & PF_X) != 0,
                                 .path = ""};
  if (!target_grow((void **)&t->mapping, &c->mappings_room, t->mappings, sizeof m)) return false;
  t->mapping[t->mappings++] = m;
  struct target_piece piece = {m.start, m.start + have, s->p_offset};
  return have == 0 || target_piece_add(t->source, piece);
}

// ---- notes ----

static uint64_t word_at(const char *bytes, size_t i) {
  uint64_t word;
  memcpy(&word, bytes + 8 * i, sizeof word);
  return word;
}

static struct mid_target_mapping *mapping_of(struct mid_target *t, uint64_t address) {
  for (size_t i = 0; i < t->mappings; i++)
    if (t->mapping[i].start <= address && address < t->mapping[i].end) return &t->mapping[i];
  return NULL;
}

// Mapping [start, end) is of a file; the core may have no segment for it.
static bool file_add(struct core *c, uint64_t start, uint64_t end, uint64_t offset,
                     const char *path) {
  struct mid_target *t = c->t;
  struct mid_target_mapping *m = mapping_of(t, start);
  if (m == NULL) {
    if (!target_grow((void **)&t->mapping, &c->mappings_room, t->mappings, sizeof *m)) return false;
    m = &t->mapping[t->mappings++];
    *m = (struct mid_target_mapping){.start = start, .end = end};
  }
  m->read = true;  // as far as anybody has its bytes
  m->inode = 1;
  m->offset = offset;
  m->path = path;
  return true;
}

// NT_FILE: how many, bytes of a page; for each start, end, pages into the file; then the paths.
static bool files_add(struct core *c, const char *bytes, size_t size) {
  if (size < 16) return true;
  uint64_t count = word_at(bytes, 0), page = word_at(bytes, 1);
  if (count > (size - 16) / 24 || c->t->source->words != NULL) return true;
  char *paths = c->t->source->words = calloc(1, size + 1);
  if (paths == NULL) return false;
  memcpy(paths, bytes, size);
  char *path = paths + 16 + 24 * count;
  for (uint64_t i = 0; i < count && path < paths + size; i++, path += strlen(path) + 1) {
    const char *row = bytes + 16 + 24 * i;
    if (word_at(row, 0) < word_at(row, 1) &&
        !file_add(c, word_at(row, 0), word_at(row, 1), word_at(row, 2) * page, path))
      return false;
  }
  return true;
}

static bool thread_add(struct core *c, const char *bytes, size_t size) {
  struct mid_target *t = c->t;
  prstatus_t status;
  struct user_regs_struct registers;
  if (size < sizeof status) return true;
  memcpy(&status, bytes, sizeof status);
  if (!target_grow((void **)&t->thread, &c->threads_room, t->threads, sizeof *t->thread))
    return false;
  struct mid_target_thread *thread = &t->thread[t->threads++];
  *thread = (struct mid_target_thread){.tid = status.pr_pid};
  _Static_assert(sizeof registers == sizeof status.pr_reg, "the same registers");
  memcpy(&registers, &status.pr_reg, sizeof registers);
  target_registers_set(thread, &registers);
  return true;
}

static void page_bytes_find(struct mid_target *t, const char *bytes, size_t size) {
  for (size_t i = 0; 16 * (i + 1) <= size; i++)
    if (word_at(bytes, 2 * i) == AT_PAGESZ) t->page_bytes = word_at(bytes, 2 * i + 1);
}

// What follows a thread's NT_PRSTATUS is of that thread.
static bool note_take(struct core *c, uint32_t type, const char *bytes, size_t size) {
  struct mid_target_thread *thread = c->t->threads > 0 ? &c->t->thread[c->t->threads - 1] : NULL;
  prpsinfo_t process;
  switch (type) {
    case NT_PRSTATUS:
      return thread_add(c, bytes, size);
    case NT_FILE:
      return files_add(c, bytes, size);
    case NT_AUXV:
      page_bytes_find(c->t, bytes, size);
      break;
    case NT_PRPSINFO:
      if (size < sizeof process) break;
      memcpy(&process, bytes, sizeof process);
      c->t->pid = process.pr_pid;
      break;
#if defined(__x86_64__)
    case NT_X86_XSTATE:
      if (thread == NULL) break;
      thread->vectors = 0;  // all of it, and more than the older note has
      target_vectors_add(thread, bytes, size);
      break;
#elif defined(__aarch64__)
    case NT_ARM_TLS:
      if (thread != NULL && size >= 8) thread->tp = word_at(bytes, 0);
      break;
#endif
    case NT_FPREGSET:
      if (thread != NULL && thread->vectors == 0) target_vectors_add(thread, bytes, size);
      break;
    default:
      break;
  }
  return true;
}

static bool notes_take(struct core *c, const GElf_Phdr *s) {
  Elf_Data *data =
      elf_getdata_rawchunk(c->elf, (int64_t)s->p_offset, (size_t)s->p_filesz, ELF_T_NHDR);
  GElf_Nhdr head;
  size_t name, bytes;
  c->notes_missing = c->notes_missing || data == NULL;
  if (data == NULL) return true;
  const char *all = data->d_buf;
  for (size_t at = 0; (at = gelf_getnote(data, at, &head, &name, &bytes)) > 0;) {
    bool kernels = (head.n_namesz == 5 && memcmp(all + name, "CORE", 5) == 0) ||
                   (head.n_namesz == 6 && memcmp(all + name, "LINUX", 6) == 0);
    if (kernels && !note_take(c, head.n_type, all + bytes, head.n_descsz)) return false;
  }
  return true;
}

// ---- the whole ----

// Segments may be in any order, and lie over each other in a damaged file: then the first counts.
static void core_sort(struct mid_target *t) {
  struct mid_target_source *s = t->source;
  size_t kept = 0;
  if (t->mappings > 0) qsort(t->mapping, t->mappings, sizeof *t->mapping, target_compare);
  for (size_t i = 0; i < t->mappings; i++)
    if (kept == 0 || t->mapping[i].start >= t->mapping[kept - 1].end)
      t->mapping[kept++] = t->mapping[i];
  t->mappings = kept;
  if (s->pieces > 0) qsort(s->piece, s->pieces, sizeof *s->piece, target_compare);
  kept = 0;
  for (size_t i = 0; i < s->pieces; i++)
    if (kept == 0 || s->piece[i].start >= s->piece[kept - 1].end) s->piece[kept++] = s->piece[i];
  s->pieces = kept;
}

static void stack_name(struct mid_target *t) {
  for (size_t i = 0; i < t->threads; i++) {
    struct mid_target_mapping *m = mapping_of(t, t->thread[i].sp);
    if (t->thread[i].tid == t->pid && m != NULL && m->path[0] == 0) m->path = "[stack]";
  }
}

static const char *core_read(struct core *c) {
  size_t count = 0;
  GElf_Phdr s;
  if (elf_getphdrnum(c->elf, &count) != 0) return elf_errmsg(-1);
  // Segments first: notes name what they are of.
  for (size_t i = 0; i < count; i++)
    if (gelf_getphdr(c->elf, (int)i, &s) != NULL && s.p_type == PT_LOAD && !segment_add(c, &s))
      return target_no_memory;
  for (size_t i = 0; i < count; i++)
    if (gelf_getphdr(c->elf, (int)i, &s) != NULL && s.p_type == PT_NOTE && !notes_take(c, &s))
      return target_no_memory;
  core_sort(c->t);
  stack_name(c->t);
  if (c->t->page_bytes < 4096 || (c->t->page_bytes & (c->t->page_bytes - 1)) != 0)
    c->t->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
  return c->t->mappings > 0 ? NULL : "it holds no memory";
}

static const char *why_no_elf(int fd) {
  static const struct {
    const char *first, *tool;
  } packed[] = {{"\x28\xb5\x2f\xfd", "zstd -d"},
                {"\x1f\x8b", "gunzip"},
                {"\xfd"
                 "7zXZ",
                 "unxz"},
                {"\x04\x22\x4d\x18", "lz4 -d"}};
  char first[8] = "";
  (void)target_read_at(fd, first, sizeof first, 0);
  for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
    if (strncmp(first, packed[i].first, strlen(packed[i].first)) == 0)
      return target_say(
          "it is compressed: unpack it with '%s', or take it out of the journal with "
          "'coredumpctl dump'",
          packed[i].tool);
  return "it is no core file: give one that the kernel or gcore wrote";
}

static const char *header_check(Elf *elf, int fd) {
#if defined(__aarch64__)
  enum { MACHINE = EM_AARCH64 };
#else
  enum { MACHINE = EM_X86_64 };
#endif
  GElf_Ehdr head;
  if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &head) == NULL)
    return why_no_elf(fd);
  if (head.e_type != ET_CORE) return "it is a program or library: give its core file";
  if (head.e_machine != MACHINE || gelf_getclass(elf) != ELFCLASS64)
    return "it is of another kind of machine: look at it on one of that kind";
  return NULL;
}

static void incomplete_say(struct core *c) {
  struct mid_target_source *s = c->t->source;
  if (c->missing == 0 && !c->notes_missing) return;
  snprintf(s->incomplete, sizeof s->incomplete,
           "the core file is cut short: %.1f MiB of its memory%s are missing",
           (double)c->missing / (1 << 20), c->notes_missing ? " and its threads" : "");
  c->t->incomplete = s->incomplete;
}

const char *mid_target_core(const char *path, struct mid_target *out) {
  *out = (struct mid_target){0};
  struct core c = {.t = out};
  struct stat is;
  if ((out->source = target_source_open()) == NULL) return target_no_memory;
  int fd = out->source->core = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const char *why = NULL;
  if (fd < 0 || fstat(fd, &is) != 0) why = target_say("%s", strerror(errno));
  if (why == NULL && !S_ISREG(is.st_mode)) why = why_no_elf(fd);
  if (why == NULL) {
    c.size = (uint64_t)is.st_size;
    (void)elf_version(EV_CURRENT);
    c.elf = elf_begin(fd, ELF_C_READ, NULL);
    why = header_check(c.elf, fd);
    if (why == NULL && (why = core_read(&c)) != NULL) why = target_say("it is damaged: %s", why);
    elf_end(c.elf);
  }
  incomplete_say(&c);
  if (why != NULL) mid_target_close(out);
  return why;
}

// ---- the files that were mapped ----

// The start of a module is in the core, with the build-id that its linker gave it.
static bool start_fits(const struct mid_target *t, const struct mid_target_mapping *m, int fd) {
  enum { START = 4096 };
  char was[START], is[START];
  struct mid_target_source *s = t->source;
  for (size_t i = 0; i < s->pieces; i++)
    if (s->piece[i].start == m->start)
      return s->piece[i].end - m->start >= START &&
             target_read_at(s->core, was, START, s->piece[i].offset) &&
             target_read_at(fd, is, START, 0) && memcmp(was, is, START) == 0;
  return false;
}

bool target_core_fits(const struct mid_target *t, const struct mid_target_mapping *m, int fd) {
  for (size_t i = 0; i < t->mappings; i++)
    if (t->mapping[i].offset == 0 && strcmp(t->mapping[i].path, m->path) == 0 &&
        start_fits(t, &t->mapping[i], fd))
      return true;
  // What libmidden writes is named by process and start.
  return mid_target_is_feed(m->path);
}
