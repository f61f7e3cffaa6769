// os/os_linux_module.c -- os.h on Linux: what is loaded, and what may be read.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/text.h"
#include "os/call.h"
#include "os/os.h"

// Of glibc 2.35: no lock, and no allocation.
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));
// Made by the linker: where this module's file begins.
extern const char __ehdr_start[] __attribute__((weak, visibility("hidden")));

struct segments {
  const ElfW(Phdr) * at;
  size_t count;
  uintptr_t base;  // added to addresses in the file
};

// Where a file's first bytes are mapped at `start`.
static bool segments_at(uintptr_t start, struct segments *out) {
  const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)start;
  bool whole = memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0 &&
               elf->e_phentsize == sizeof(ElfW(Phdr)) &&
               elf->e_phoff + elf->e_phnum * sizeof(ElfW(Phdr)) <= mid_os_page_bytes();
  if (!whole) return false;
  out->at = (const ElfW(Phdr) *)(start + elf->e_phoff);
  out->count = elf->e_phnum;
  for (size_t i = 0; i < out->count; i++) {
    if (out->at[i].p_type != PT_LOAD) continue;
    out->base = start - mid_round_down(out->at[i].p_vaddr, mid_os_page_bytes());
    return true;
  }
  return false;
}

// The kernel told where the program's are.  Of a library with gaps between its segments the loader
// gives the segment that was asked for; its first bytes lie at the base.
static bool segments_of(const struct mid_os_module *module, struct segments *out) {
  const struct link_map *map = module->map;
  if (map == NULL) return segments_at(module->start, out);
  if (map->l_name[0] == 0) {
    out->at = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    out->count = getauxval(AT_PHNUM);
    out->base = map->l_addr;
    return out->at != NULL;
  }
  return segments_at(module->start, out) ||
         (mid_os_is_readable(mid_round_down(map->l_addr, 8)) && segments_at(map->l_addr, out));
}

// Without the loader's help a module knows its own place alone.
bool mid_os_module_own(uintptr_t code, struct mid_os_module *out) {
  uintptr_t start = (uintptr_t)__ehdr_start, frames = 0, end = 0;
  struct segments s;
  if (start == 0 || code < start) return false;
  if (!segments_at(start, &s)) return false;
  for (size_t i = 0; i < s.count; i++) {
    if (s.at[i].p_type == PT_LOAD) end = mid_max(end, s.base + s.at[i].p_vaddr + s.at[i].p_memsz);
    if (s.at[i].p_type == PT_GNU_EH_FRAME) frames = s.base + s.at[i].p_vaddr;
  }
  *out = (struct mid_os_module){start, end, frames, start, NULL};
  return code < end;
}

// A static program's libc allocates before it can answer: it can when constructors run.
static bool module_constructors_run;
__attribute__((constructor(101))) static void module_start(void) { module_constructors_run = true; }

static bool module_libc_answers(void) {
  return mid_likely(module_constructors_run) || getauxval(AT_BASE) != 0;
}

__attribute__((weak)) bool mid_os_module_find(uintptr_t code, struct mid_os_module *out) {
  struct dl_find_object found;
  if (_dl_find_object == NULL) return mid_os_module_own(code, out);
  if (!module_libc_answers()) return false;
  if (_dl_find_object((void *)code, &found) != 0) return false;
  *out = (struct mid_os_module){
      .start = (uintptr_t)found.dlfo_map_start,
      .end = (uintptr_t)found.dlfo_map_end,
      .frames = (uintptr_t)found.dlfo_eh_frame,
      .map = found.dlfo_link_map,
      .identity = (uintptr_t)found.dlfo_link_map ^ (uintptr_t)found.dlfo_eh_frame << 16};
  return true;
}

bool mid_os_module_readable(const struct mid_os_module *module, uintptr_t at, uintptr_t *start,
                            uintptr_t *end) {
  struct segments s;
  if (!segments_of(module, &s)) return false;
  for (size_t i = 0; i < s.count; i++) {
    *start = s.base + s.at[i].p_vaddr;
    *end = *start + s.at[i].p_filesz;
    bool readable = s.at[i].p_type == PT_LOAD && (s.at[i].p_flags & PF_R) != 0;
    if (readable && at >= *start && at < *end) return true;
  }
  return false;
}

bool mid_os_module_offset(const struct mid_os_module *module, uintptr_t at, uint64_t *offset) {
  struct segments s;
  if (!segments_of(module, &s)) return false;
  for (size_t i = 0; i < s.count; i++) {
    uintptr_t start = s.base + s.at[i].p_vaddr;
    if (s.at[i].p_type != PT_LOAD || at < start || at - start >= s.at[i].p_filesz) continue;
    *offset = s.at[i].p_offset + (at - start);
    return true;
  }
  return false;
}

void mid_os_module_path(const struct mid_os_module *module, char *room, size_t bytes) {
  const struct link_map *map = module->map;
  struct mid_text path = mid_text_open(room, bytes);  // "" for now
  if (map == NULL) return;
  if (map->l_name[0] == 0) {
    long n = mid_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", room, bytes - 1);
    room[n > 0 ? n : 0] = 0;
    return;
  }
  // What the kernel brings along has a name without a path.
  bool relative = map->l_name[0] != '/' && strchr(map->l_name, '/') != NULL;
  if (relative && mid_call(SYS_getcwd, room, bytes) > 0) {
    path.at = strchr(room, 0);
    mid_text_add(&path, "/");
  }
  mid_text_add(&path, map->l_name);
}

// In a segment of notes: name, description and type each in 4 bytes, then both of them padded.
static size_t build_id_in(const unsigned char *at, const unsigned char *end, unsigned char *id,
                          size_t most) {
  while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    memcpy(&note, at, sizeof note);
    at += sizeof note;
    size_t name = mid_round_up(note.n_namesz, 4), bytes = mid_round_up(note.n_descsz, 4);
    if (name > (size_t)(end - at) || bytes > (size_t)(end - at) - name) return 0;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(at, "GNU", 4) == 0) {
      bytes = mid_min(note.n_descsz, most);
      memcpy(id, at + name, bytes);
      return bytes;
    }
    at += name + bytes;
  }
  return 0;
}

size_t mid_os_module_build_id(const struct mid_os_module *module, unsigned char *id, size_t most) {
  struct segments s;
  size_t bytes = 0;
  if (!segments_of(module, &s)) return 0;
  for (size_t i = 0; i < s.count && bytes == 0; i++) {
    uintptr_t at = s.base + s.at[i].p_vaddr, start, end;
    if (s.at[i].p_type != PT_NOTE || !mid_os_module_readable(module, at, &start, &end)) continue;
    end = mid_min(end, at + s.at[i].p_filesz);
    bytes = build_id_in((const unsigned char *)at, (const unsigned char *)end, id, most);
  }
  return bytes;
}

// The kernel reads the new mask, where there is one, before it looks whether it knows what to do
// with it.
bool mid_os_is_readable(uintptr_t word) {
  enum { NOTHING_THAT_IS_KNOWN = ~0 };
  return word != 0 && mid_call(SYS_rt_sigprocmask, NOTHING_THAT_IS_KNOWN, word, 0, 8) != -EFAULT;
}
