// observe/symbols.c -- see symbols.h.
// SPDX-License-Identifier: MIT
#include "observe/symbols.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct symbols_file {
  char *path;
  Dwfl *session;
  Dwfl_Module *module;  // NULL: it cannot be read
  struct symbols_file *next;
};

struct mid_symbols {
  struct symbols_file *files;
  // Names that were made for the last answer.
  char **made;
  size_t count, room;
};

struct mid_symbols *mid_symbols_open(void) {
  struct mid_symbols *s = calloc(1, sizeof *s);
  if (s == NULL) abort();
  return s;
}

static void symbols_forget_names(struct mid_symbols *s) {
  while (s->count > 0) free(s->made[--s->count]);
}

void mid_symbols_close(struct mid_symbols *s) {
  for (struct symbols_file *f = s->files, *next; f != NULL; f = next) {
    next = f->next;
    if (f->session != NULL) dwfl_end(f->session);
    free(f->path);
    free(f);
  }
  symbols_forget_names(s);
  free(s->made);
  free(s);
}

// ---- files ----

// A path comes from a trace, which may be anybody's: nothing but a plain file is opened.
static int symbols_open_plain(const char *path) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static void symbols_load(struct symbols_file *f) {
  static char *debug_path;  // as libdw has it: beside the file, and in /usr/lib/debug
  static const Dwfl_Callbacks calls = {.find_elf = dwfl_build_id_find_elf,
                                       .find_debuginfo = dwfl_standard_find_debuginfo,
                                       .section_address = dwfl_offline_section_address,
                                       .debuginfo_path = &debug_path};
  int fd = symbols_open_plain(f->path);
  if (fd < 0 || (f->session = dwfl_begin(&calls)) == NULL) return;
  dwfl_report_begin(f->session);
  f->module = dwfl_report_offline(f->session, f->path, f->path, fd);  // which takes fd
  if (f->module == NULL) close(fd);
  dwfl_report_end(f->session, NULL, NULL);
}

static Dwfl_Module *symbols_module(struct mid_symbols *s, const char *path) {
  for (struct symbols_file *f = s->files; f != NULL; f = f->next)
    if (strcmp(f->path, path) == 0) return f->module;
  struct symbols_file *f = calloc(1, sizeof *f);
  if (f == NULL || (f->path = strdup(path)) == NULL) abort();
  f->next = s->files;
  s->files = f;
  symbols_load(f);
  return f->module;
}

static bool symbols_is_that(Dwfl_Module *module, const unsigned char *id, size_t bytes) {
  const unsigned char *own;
  GElf_Addr at;
  if (bytes == 0) return true;
  int have = dwfl_module_build_id(module, &own, &at);
  return have == (int)bytes && memcmp(own, id, bytes) == 0;
}

// Where libdw has what lies `offset` bytes into the file.
static bool symbols_address(Dwfl_Module *module, uint64_t offset, Dwarf_Addr *out) {
  GElf_Addr bias;
  GElf_Phdr head;
  size_t count;
  Elf *elf = dwfl_module_getelf(module, &bias);
  if (elf == NULL || elf_getphdrnum(elf, &count) != 0) return false;
  for (size_t i = 0; i < count; i++) {
    if (gelf_getphdr(elf, (int)i, &head) == NULL || head.p_type != PT_LOAD) continue;
    if (offset < head.p_offset || offset - head.p_offset >= head.p_filesz) continue;
    *out = offset - head.p_offset + head.p_vaddr + bias;
    return true;
  }
  return false;
}

// ---- names ----

// C++ and Rust: without what a call takes, which is long and rarely tells more.
static const char *symbols_readable(struct mid_symbols *s, const char *name) {
  char *made = name == NULL ? NULL : cplus_demangle(name, DMGL_AUTO);
  if (made == NULL) return name == NULL ? "" : name;
  if (s->count == s->room) {
    s->room = s->room == 0 ? 16 : 2 * s->room;
    s->made = realloc(s->made, s->room * sizeof *s->made);
    if (s->made == NULL) abort();
  }
  return s->made[s->count++] = made;
}

static const char *symbols_function(struct mid_symbols *s, Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  const char *linkage = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
  return symbols_readable(s, linkage != NULL ? linkage : dwarf_diename(die));
}

// ---- what was inlined ----

static bool symbols_is_function(Dwarf_Die *die) {
  int tag = dwarf_tag(die);
  return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram;
}

// What encloses `address`, the innermost first, as it lies in the program; *scopes is the caller's.
static int symbols_scopes(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Die *unit,
                          Dwarf_Die **scopes) {
  Dwarf_Addr bias;
  Dwarf_Die *found = dwfl_module_addrdie(module, address, &bias), *around = NULL, inner;
  if (found == NULL) return 0;
  *unit = *found;
  if (dwarf_getscopes(unit, address - bias, &around) <= 0) return 0;
  inner = around[0];
  free(around);
  int count = dwarf_getscopes_die(&inner, scopes);
  return count < 0 ? 0 : count;
}

// Where `inlined` was called, which is where the next function stands.
static void symbols_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct mid_symbol *out) {
  Dwarf_Attribute attribute;
  Dwarf_Word file, line;
  Dwarf_Files *files;
  size_t count;
  if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) == 0)
    out->line = (unsigned)line;
  if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) == 0 &&
      dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count) {
    const char *name = dwarf_filesrc(files, file, NULL, NULL);
    if (name != NULL) out->file = name;
  }
}

static size_t symbols_from_scopes(struct mid_symbols *s, Dwarf_Die *unit, Dwarf_Die *scope,
                                  int scopes, struct mid_symbol *out, size_t most) {
  size_t count = 0;
  for (int i = 0; i < scopes && count < most; i++) {
    if (!symbols_is_function(&scope[i])) continue;
    out[count].function = symbols_function(s, &scope[i]);
    out[count].inlined = dwarf_tag(&scope[i]) == DW_TAG_inlined_subroutine;
    count++;
    if (!out[count - 1].inlined) break;
    if (count < most) symbols_call(unit, &scope[i], &out[count]);
  }
  return count;
}

size_t mid_symbols_find(struct mid_symbols *s, const char *path, const unsigned char *id,
                        size_t id_bytes, uint64_t offset, struct mid_symbol *out, size_t most) {
  Dwfl_Module *module = symbols_module(s, path);
  Dwarf_Addr address;
  Dwarf_Die unit, *scope = NULL;
  int line = 0;
  symbols_forget_names(s);
  for (size_t i = 0; i < most; i++) out[i] = (struct mid_symbol){.function = "", .file = ""};
  if (module == NULL || most == 0 || !symbols_is_that(module, id, id_bytes) ||
      !symbols_address(module, offset, &address))
    return 0;
  Dwfl_Line *source = dwfl_module_getsrc(module, address);
  const char *file = source == NULL ? NULL : dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);
  if (file != NULL) out[0].file = file, out[0].line = (unsigned)line;
  int scopes = symbols_scopes(module, address, &unit, &scope);
  size_t count = symbols_from_scopes(s, &unit, scope, scopes, out, most);
  free(scope);
  if (count > 0) return count;
  GElf_Off into;
  GElf_Sym symbol;
  const char *name = dwfl_module_addrinfo(module, address, &into, &symbol, NULL, NULL, NULL);
  out[0].function = symbols_readable(s, name);
  return name != NULL || file != NULL;
}

// Where libdw has what is mapped `distance` bytes behind the file's first byte.
static bool symbols_mapped(Dwfl_Module *module, uint64_t distance, Dwarf_Addr *out) {
  GElf_Addr bias;
  GElf_Phdr head;
  size_t count;
  Elf *elf = dwfl_module_getelf(module, &bias);
  if (elf == NULL || elf_getphdrnum(elf, &count) != 0) return false;
  for (size_t i = 0; i < count; i++) {
    if (gelf_getphdr(elf, (int)i, &head) == NULL || head.p_type != PT_LOAD) continue;
    *out = distance + head.p_vaddr - head.p_offset + bias;  // the first one has the first byte
    return true;
  }
  return false;
}

const char *mid_symbols_object(struct mid_symbols *s, const char *path, const unsigned char *id,
                               size_t id_bytes, uint64_t distance, uint64_t *into) {
  Dwfl_Module *module = symbols_module(s, path);
  Dwarf_Addr address;
  GElf_Sym symbol;
  symbols_forget_names(s);
  if (module == NULL || !symbols_is_that(module, id, id_bytes) ||
      !symbols_mapped(module, distance, &address))
    return NULL;
  const char *name = dwfl_module_addrinfo(module, address, into, &symbol, NULL, NULL, NULL);
  // What no symbol covers is given the one before it.
  if (name == NULL || (symbol.st_size != 0 && *into >= symbol.st_size)) return NULL;
  return symbols_readable(s, name);
}
