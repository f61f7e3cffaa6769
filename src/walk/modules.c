// walk/modules.c -- see modules.h.
// SPDX-License-Identifier: MIT
#include "walk/modules.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { MODULES_PAGE = 4096 };

// Headers lie in the first page, where every linker puts them.
struct modules_head {
  Elf64_Ehdr elf;
  unsigned char rest[MODULES_PAGE - sizeof(Elf64_Ehdr)];
};

static const Elf64_Phdr *modules_segment(const struct modules_head *head, size_t i) {
  size_t at = head->elf.e_phoff + i * sizeof(Elf64_Phdr);
  if (head->elf.e_phentsize != sizeof(Elf64_Phdr) || head->elf.e_phoff % 8 != 0 ||
      head->elf.e_phoff >= MODULES_PAGE || at + sizeof(Elf64_Phdr) > MODULES_PAGE)
    return NULL;
  return (const Elf64_Phdr *)(const void *)((const char *)head + at);
}

static size_t modules_align(size_t bytes) { return (bytes + 3) & ~(size_t)3; }

static void modules_read_notes(const struct mid_target *t, uint64_t address, uint64_t bytes,
                               struct mid_walk_module *out) {
  unsigned char room[1024];
  Elf64_Nhdr note;
  size_t most = bytes < sizeof room ? (size_t)bytes : sizeof room;
  if (!mid_target_read(t, address, room, most)) return;
  for (size_t at = 0; at + sizeof note <= most;) {
    memcpy(&note, room + at, sizeof note);
    size_t name = at + sizeof note, id = name + modules_align(note.n_namesz);
    if (note.n_namesz > most || note.n_descsz > most || id + note.n_descsz > most) return;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        memcmp(room + name, "GNU", 4) == 0 && note.n_descsz <= MID_MODULE_ID_BYTES) {
      memcpy(out->id, room + id, out->id_bytes = note.n_descsz);
      return;
    }
    at = id + modules_align(note.n_descsz);
  }
}

// false: what is mapped at `base` is no program or library.
static bool modules_read(const struct mid_target *t, uint64_t base, struct mid_walk_module *out) {
  struct modules_head head;
  uint64_t low = UINT64_MAX, high = 0;
  const Elf64_Phdr *segment;
  if (!mid_target_read(t, base, &head, sizeof head) ||
      memcmp(head.elf.e_ident, ELFMAG, SELFMAG) != 0 || head.elf.e_ident[EI_CLASS] != ELFCLASS64)
    return false;
  for (size_t i = 0; i < head.elf.e_phnum && (segment = modules_segment(&head, i)) != NULL; i++) {
    if (segment->p_type == PT_TLS) out->tls_bytes = segment->p_memsz;
    if (segment->p_type != PT_LOAD) continue;
    if (segment->p_vaddr < low) low = segment->p_vaddr & ~(uint64_t)(MODULES_PAGE - 1);
    if (segment->p_vaddr + segment->p_memsz > high) high = segment->p_vaddr + segment->p_memsz;
  }
  if (low >= high || high - low > (uint64_t)1 << 40) return false;
  for (size_t i = 0; i < head.elf.e_phnum && (segment = modules_segment(&head, i)) != NULL; i++)
    if (segment->p_type == PT_NOTE && out->id_bytes == 0)
      modules_read_notes(t, base + segment->p_vaddr - low, segment->p_memsz, out);
  out->base = base;
  out->end = base + ((high - low + MODULES_PAGE - 1) & ~(uint64_t)(MODULES_PAGE - 1));
  return true;
}

void mid_modules_find(const struct mid_target *t, struct mid_walk_modules *out) {
  *out = (struct mid_walk_modules){.at = calloc(t->mappings + 1, sizeof *out->at)};
  if (out->at == NULL) abort();
  for (size_t i = 0; i < t->mappings; i++) {
    const struct mid_target_mapping *m = &t->mapping[i];
    if (m->path[0] != '/' || m->offset != 0 || !m->read || m->io || m->shared) continue;
    struct mid_walk_module *module = &out->at[out->count];
    module->path = m->path;
    if (modules_read(t, m->start, module))
      out->count++;
    else
      *module = (struct mid_walk_module){0};
  }
}

void mid_modules_close(struct mid_walk_modules *modules) {
  free(modules->at);
  *modules = (struct mid_walk_modules){0};
}

const struct mid_walk_module *mid_modules_at(const struct mid_walk_modules *modules,
                                             uint64_t address) {
  size_t low = 0, high = modules->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (modules->at[middle].end <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low < modules->count && modules->at[low].base <= address ? &modules->at[low] : NULL;
}

const char *mid_modules_object(const struct mid_walk_modules *modules, struct mid_symbols *symbols,
                               uint64_t address, uint64_t *into) {
  const struct mid_walk_module *m = mid_modules_at(modules, address);
  if (m == NULL) return NULL;
  return mid_symbols_object(symbols, m->path, m->id, m->id_bytes, address - m->base, into);
}
