// observe/symbols_test.c -- names from a file that has nothing but a table of symbols.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // memfd_create
#include "observe/symbols.h"

#include <elf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

// A library of one segment, which is all code, with the symbols that a test adds.
enum { CODE_AT = 0x1000, CODE_BYTES = 1 << 20, MOST = 40000, NAME_BYTES = 8 };
enum { NONE, TEXT, SYMBOLS, NAMES, SECTION_NAMES, SECTIONS };

static struct written {
  Elf64_Ehdr head;
  Elf64_Phdr segment;
  Elf64_Shdr section[SECTIONS];
  char section_names[8];
  Elf64_Sym symbol[MOST];
  char names[MOST * NAME_BYTES];
} written;
static unsigned symbols;  // the first one is none

static void add(const char *name, uint64_t at, uint64_t bytes, unsigned binding) {
  char *room = written.names + (size_t)++symbols * NAME_BYTES;
  snprintf(room, NAME_BYTES, "%s", name);
  written.symbol[symbols] = (Elf64_Sym){.st_name = (Elf64_Word)(room - written.names),
                                        .st_info = (unsigned char)ELF64_ST_INFO(binding, STT_FUNC),
                                        .st_shndx = TEXT,
                                        .st_value = CODE_AT + at,
                                        .st_size = bytes};
}

static Elf64_Shdr part(unsigned type, uint64_t flags, uint64_t at, uint64_t bytes) {
  return (Elf64_Shdr){.sh_type = type,
                      .sh_flags = flags,
                      .sh_addr = flags != 0 ? at : 0,
                      .sh_offset = at,
                      .sh_size = bytes,
                      .sh_addralign = 1};
}

static void begin(void) {
  memset(&written, 0, sizeof written);
  symbols = 0;
}

// Write it and return its path, which is as good as its file descriptor.
static const char *end(int *fd) {
  static char path[64];
  const uint64_t data = CODE_AT + CODE_BYTES, tail = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  written.head = (Elf64_Ehdr){.e_type = ET_DYN,
                              .e_machine = EM_X86_64,
                              .e_version = EV_CURRENT,
                              .e_phoff = offsetof(struct written, segment),
                              .e_shoff = data + offsetof(struct written, section),
                              .e_ehsize = sizeof(Elf64_Ehdr),
                              .e_phentsize = sizeof(Elf64_Phdr),
                              .e_phnum = 1,
                              .e_shentsize = sizeof(Elf64_Shdr),
                              .e_shnum = SECTIONS,
                              .e_shstrndx = SECTION_NAMES};
  memcpy(written.head.e_ident, ELFMAG, SELFMAG);
  written.head.e_ident[EI_CLASS] = ELFCLASS64;
  written.head.e_ident[EI_DATA] = ELFDATA2LSB;
  written.head.e_ident[EI_VERSION] = EV_CURRENT;
  written.segment = (Elf64_Phdr){.p_type = PT_LOAD,
                                 .p_flags = PF_R | PF_X,
                                 .p_filesz = data,
                                 .p_memsz = data,
                                 .p_align = 0x1000};
  Elf64_Shdr *section = written.section;
  section[TEXT] = part(SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, CODE_AT, CODE_BYTES);
  section[SYMBOLS] = part(SHT_SYMTAB, 0, data + offsetof(struct written, symbol),
                          (symbols + 1) * sizeof(Elf64_Sym));
  section[SYMBOLS].sh_link = NAMES;
  section[SYMBOLS].sh_info = 1;
  section[SYMBOLS].sh_entsize = sizeof(Elf64_Sym);
  section[NAMES] =
      part(SHT_STRTAB, 0, data + offsetof(struct written, names), sizeof written.names);
  section[SECTION_NAMES] = part(SHT_STRTAB, 0, data + offsetof(struct written, section_names),
                                sizeof written.section_names);
  *fd = memfd_create("symbols", 0);
  CHECK(*fd >= 0 && pwrite(*fd, &written, tail, 0) == (ssize_t)tail &&
        pwrite(*fd, &written, sizeof written, (off_t)data) == (ssize_t)sizeof written);
  snprintf(path, sizeof path, "/proc/self/fd/%d", *fd);
  return path;
}

static const char *name_at(struct mid_symbols *s, const char *path, uint64_t at) {
  static struct mid_symbol found;
  return mid_symbols_find(s, path, NULL, 0, CODE_AT + at, &found, 1) == 0 ? "" : found.function;
}

TEST(the_symbol_that_holds_an_address_names_it)
{
  int fd;
  begin();
  add("outer", 0x100, 0x100, STB_GLOBAL);
  add("inner", 0x140, 0x10, STB_LOCAL);
  add("alias", 0x300, 0x20, STB_LOCAL);
  add("known", 0x300, 0x20, STB_GLOBAL);
  add("label", 0x400, 0, STB_LOCAL);
  add("behind", 0x480, 0x10, STB_GLOBAL);
  const char *path = end(&fd);
  struct mid_symbols *s = mid_symbols_open();
  CHECK_STR(name_at(s, path, 0x0ff), "");
  CHECK_STR(name_at(s, path, 0x100), "outer");
  CHECK_STR(name_at(s, path, 0x14f), "inner");
  CHECK_STR(name_at(s, path, 0x150), "outer");
  CHECK_STR(name_at(s, path, 0x200), "");
  CHECK_STR(name_at(s, path, 0x31f), "known");
  CHECK_STR(name_at(s, path, 0x410), "label");
  CHECK_STR(name_at(s, path, 0x490), "");
  uint64_t into;
  CHECK_STR(mid_symbols_object(s, path, NULL, 0, CODE_AT + 0x148, &into), "inner");
  CHECK_EQ(into, 8);
  CHECK(mid_symbols_object(s, path, NULL, 0, CODE_AT + 0x4f0, &into) == NULL);
  mid_symbols_close(s);
  close(fd);
}

// A JVM has 57,000 symbols, and each look asks for hundreds: searched through one by one, these
// would take longer than a test may.
TEST(all_addresses_of_a_large_table_are_named)
{
  enum { EACH = 16 };
  char name[NAME_BYTES];
  int fd;
  begin();
  for (unsigned i = 0; i < MOST - 1; i++) {
    snprintf(name, sizeof name, "f%u", i);
    add(name, (uint64_t)i * EACH, EACH / 2, STB_GLOBAL);
  }
  const char *path = end(&fd);
  struct mid_symbols *s = mid_symbols_open();
  for (unsigned i = 0; i < MOST - 1; i++) {
    snprintf(name, sizeof name, "f%u", i);
    CHECK_STR(name_at(s, path, (uint64_t)i * EACH + EACH / 4), name);
    CHECK_STR(name_at(s, path, (uint64_t)i * EACH + EACH / 2), "");
  }
  mid_symbols_close(s);
  close(fd);
}
