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

#include "observe/symbol_table.h"

struct symbols_file {
  char *path;
  Dwfl *session;
  Dwfl_Module *module;  // NULL: it cannot be read
  struct mid_symbol_table table;
  bool has_table;  // it is made when it is first asked
  struct symbols_file *next;
};

// What was found once: the processes of a run have most of their files in common.
struct symbols_answer {
  const struct symbols_file *file;  // NULL: free
  uint64_t offset;
  struct mid_symbol *symbol;  // the names of functions are our own
  size_t count;
};

struct mid_symbols {
  struct symbols_file *files;
  struct symbols_answer *answer;  // a hash table
  size_t answers, answer_room;    // a power of two
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
    mid_symbol_table_close(&f->table);
    if (f->session != NULL) dwfl_end(f->session);
    free(f->path);
    free(f);
  }
  for (size_t i = 0; i < s->answer_room; i++) {
    for (size_t k = 0; k < s->answer[i].count; k++) free((char *)s->answer[i].symbol[k].function);
    free(s->answer[i].symbol);
  }
  free(s->answer);
  symbols_forget_names(s);
  free(s->made);
  free(s);
}

// ---- what was found once ----

static struct symbols_answer *answer_place(struct symbols_answer *table, size_t room,
                                           const struct symbols_file *file, uint64_t offset) {
  size_t i = (((uintptr_t)file >> 4) + offset) * 0x9e3779b97f4a7c15u >> 20 & (room - 1);
  while (table[i].file != NULL && (table[i].file != file || table[i].offset != offset))
    i = (i + 1) & (room - 1);
  return &table[i];
}

static void answers_grow(struct mid_symbols *s) {
  size_t room = s->answer_room == 0 ? 256 : 2 * s->answer_room;
  struct symbols_answer *more = calloc(room, sizeof *more);
  if (more == NULL) abort();
  for (size_t i = 0; i < s->answer_room; i++) {
    const struct symbols_answer *a = &s->answer[i];
    if (a->file != NULL) *answer_place(more, room, a->file, a->offset) = *a;
  }
  free(s->answer);
  s->answer = more;
  s->answer_room = room;
}

static void answer_keep(struct mid_symbols *s, const struct symbols_file *file, uint64_t offset,
                        const struct mid_symbol *symbol, size_t count) {
  if (2 * (s->answers + 1) > s->answer_room) answers_grow(s);
  struct symbols_answer *a = answer_place(s->answer, s->answer_room, file, offset);
  *a = (struct symbols_answer){file, offset, calloc(count + 1, sizeof *a->symbol), count};
  if (a->symbol == NULL) abort();
  for (size_t i = 0; i < count; i++) {
    a->symbol[i] = symbol[i];
    if ((a->symbol[i].function = strdup(symbol[i].function)) == NULL) abort();
  }
  s->answers++;
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

static struct symbols_file *symbols_file_of(struct mid_symbols *s, const char *path) {
  for (struct symbols_file *f = s->files; f != NULL; f = f->next)
    if (strcmp(f->path, path) == 0) return f;
  struct symbols_file *f = calloc(1, sizeof *f);
  if (f == NULL || (f->path = strdup(path)) == NULL) abort();
  f->next = s->files;
  s->files = f;
  symbols_load(f);
  return f;
}

static bool symbols_is_that(Dwfl_Module *module, const unsigned char *id, size_t bytes) {
  const unsigned char *own;
  GElf_Addr at;
  if (bytes == 0) return true;
  int have = dwfl_module_build_id(module, &own, &at);
  return have == (int)bytes && memcmp(own, id, bytes) == 0;
}

// Where libdw has what lies `offset` bytes into the file; or, with `mapped`, what is mapped so many
// bytes behind where its first byte is, which the first segment has: also where no file is behind
// it.
static bool symbols_address(Dwfl_Module *module, uint64_t offset, bool mapped, Dwarf_Addr *out) {
  GElf_Addr bias;
  GElf_Phdr head;
  size_t count;
  Elf *elf = dwfl_module_getelf(module, &bias);
  if (elf == NULL || elf_getphdrnum(elf, &count) != 0) return false;
  for (size_t i = 0; i < count; i++) {
    if (gelf_getphdr(elf, (int)i, &head) == NULL || head.p_type != PT_LOAD) continue;
    if (!mapped && (offset < head.p_offset || offset - head.p_offset >= head.p_filesz)) continue;
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

// The symbol that holds `address`, or the label before it: whether that is of the same section only
// libdw tells, by a search of the whole table.
static const char *symbols_name(struct symbols_file *f, Dwarf_Addr address, GElf_Off *into,
                                uint64_t *bytes) {
  GElf_Sym symbol;
  if (!f->has_table) f->table = mid_symbol_table_open(f->module);
  f->has_table = true;
  const struct mid_symbol_row *row = mid_symbol_table_find(&f->table, address);
  if (row == NULL) return NULL;
  if (row->bytes != 0) {
    *into = address - row->at;
    *bytes = row->bytes;
    return row->name;
  }
  const char *name = dwfl_module_addrinfo(f->module, address, into, &symbol, NULL, NULL, NULL);
  *bytes = name == NULL ? 0 : symbol.st_size;
  return name;
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

static size_t symbols_look_up(struct mid_symbols *s, struct symbols_file *f, Dwarf_Addr address,
                              struct mid_symbol *out, size_t most) {
  Dwfl_Module *module = f->module;
  Dwarf_Die unit, *scope = NULL;
  int line = 0;
  for (size_t i = 0; i < most; i++) out[i] = (struct mid_symbol){.function = "", .file = ""};
  Dwfl_Line *source = dwfl_module_getsrc(module, address);
  const char *file = source == NULL ? NULL : dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);
  if (file != NULL) out[0].file = file, out[0].line = (unsigned)line;
  int scopes = symbols_scopes(module, address, &unit, &scope);
  size_t count = symbols_from_scopes(s, &unit, scope, scopes, out, most);
  free(scope);
  if (count > 0) return count;
  GElf_Off into;
  uint64_t bytes;
  const char *name = symbols_name(f, address, &into, &bytes);
  out[0].function = symbols_readable(s, name);
  return name != NULL || file != NULL;
}

size_t mid_symbols_find(struct mid_symbols *s, const char *path, const unsigned char *id,
                        size_t id_bytes, uint64_t offset, struct mid_symbol *out, size_t most) {
  enum { MOST = 64 };
  struct mid_symbol found[MOST];
  struct symbols_file *file = symbols_file_of(s, path);
  Dwarf_Addr address;
  if (file->module == NULL || most == 0 || !symbols_is_that(file->module, id, id_bytes) ||
      !symbols_address(file->module, offset, false, &address))
    return 0;
  if (s->answers == 0 || answer_place(s->answer, s->answer_room, file, offset)->file == NULL) {
    symbols_forget_names(s);
    size_t count = symbols_look_up(s, file, address, found, MOST);
    answer_keep(s, file, offset, found, count);
  }
  const struct symbols_answer *answer = answer_place(s->answer, s->answer_room, file, offset);
  size_t count = answer->count < most ? answer->count : most;
  memcpy(out, answer->symbol, count * sizeof *out);
  return count;
}

const char *mid_symbols_object(struct mid_symbols *s, const char *path, const unsigned char *id,
                               size_t id_bytes, uint64_t distance, uint64_t *into) {
  struct symbols_file *f = symbols_file_of(s, path);
  Dwfl_Module *module = f->module;
  Dwarf_Addr address;
  uint64_t bytes;
  symbols_forget_names(s);
  if (module == NULL || !symbols_is_that(module, id, id_bytes) ||
      !symbols_address(module, distance, true, &address))
    return NULL;
  const char *name = symbols_name(f, address, into, &bytes);
  // What no symbol covers is given the one before it.
  if (name == NULL || (bytes != 0 && *into >= bytes)) return NULL;
  return symbols_readable(s, name);
}
