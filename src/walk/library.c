// walk/library.c -- see library.h; heap/anchor.h has what is looked for.
// SPDX-License-Identifier: MIT
#include "walk/library.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/options.h"
#include "walk/target_source.h"

enum { SEGMENTS_MOST = 64, NOTES_MOST = 4096 };

// A module by its program headers, which lie where its file begins.
struct module {
  uint64_t bias;  // what its addresses are off by
  size_t segments;
  ElfW(Phdr) segment[SEGMENTS_MOST];
};

static bool module_read(const struct mid_target *t, uint64_t start, struct module *out) {
  ElfW(Ehdr) head;
  if (!mid_target_read(t, start, &head, sizeof head) ||
      memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr)) ||
      head.e_phnum > SEGMENTS_MOST)
    return false;
  out->segments = head.e_phnum;
  if (!mid_target_read(t, start + head.e_phoff, out->segment, head.e_phnum * sizeof *out->segment))
    return false;
  for (size_t i = 0; i < out->segments; i++)
    if (out->segment[i].p_type == PT_LOAD && out->segment[i].p_offset == 0) {
      out->bias = start - mid_round_down(out->segment[i].p_vaddr, t->page_bytes);
      return true;
    }
  return false;
}

// The address of the anchor that a note among these leads to; 0: there is none.
static uint64_t anchor_in_notes(const char *notes, size_t bytes, uint64_t address) {
  static const char name[] = MID_ANCHOR_NOTE;
  ElfW(Nhdr) head;
  for (size_t at = 0; at + sizeof head <= bytes;) {
    memcpy(&head, notes + at, sizeof head);
    size_t text = at + sizeof head, words = text + mid_round_up((size_t)head.n_namesz, 4);
    if (words > bytes || head.n_descsz > bytes - words) return 0;
    if (head.n_type == MID_ANCHOR_TYPE && head.n_namesz == sizeof name && head.n_descsz == 8 &&
        memcmp(notes + text, name, sizeof name) == 0) {
      uint64_t distance;
      memcpy(&distance, notes + words, sizeof distance);
      return address + words + distance;
    }
    at = words + mid_round_up((size_t)head.n_descsz, 4);
  }
  return 0;
}

static uint64_t anchor_in_module(const struct mid_target *t, const struct module *module) {
  char notes[NOTES_MOST];
  uint64_t found = 0;
  for (size_t i = 0; i < module->segments && found == 0; i++) {
    const ElfW(Phdr) *s = &module->segment[i];
    if (s->p_type != PT_NOTE) continue;
    size_t bytes = mid_min(s->p_memsz, sizeof notes);
    if (mid_target_read(t, module->bias + s->p_vaddr, notes, bytes))
      found = anchor_in_notes(notes, bytes, module->bias + s->p_vaddr);
  }
  return found;
}

uint64_t mid_library_word(const struct mid_target *t, uint64_t address) {
  uint64_t word = 0;
  (void)mid_target_read(t, address, &word, sizeof word);
  return word;
}

// R. P. Brent, "An Improved Monte Carlo Factorization Algorithm", BIT 20, 1980: what was met last
// at a power of two is met again in a circle.
void mid_library_step(struct mid_library_list *list, uint64_t next) {
  if ((list->count & (list->count - 1)) == 0) list->met = list->at;
  list->count++;
  list->at = next == list->met ? 0 : next;
}

// What the library writes to belongs to nobody else, but where it is linked into the program.
static void data_find(const struct module *module, const char *path, struct mid_library *out) {
  const char *name = strrchr(path, '/');
  if (name == NULL || strncmp(name, "/libmidden.so", 13) != 0) return;
  for (size_t i = 0; i < module->segments; i++) {
    const ElfW(Phdr) *s = &module->segment[i];
    if (s->p_type != PT_LOAD || (s->p_flags & PF_W) == 0) continue;
    out->data = module->bias + s->p_vaddr;
    out->data_end = out->data + s->p_memsz;
  }
}

// Read the anchor of a module: whether it is one.
static bool library_read(const struct mid_target *t, const struct mid_target_mapping *m,
                         struct mid_library *out) {
  struct module module;
  *out = (struct mid_library){0};
  if (!module_read(t, m->start, &module)) return false;
  uint64_t anchor = anchor_in_module(t, &module);
  if (anchor == 0) return false;
  (void)mid_target_read(t, anchor, &out->anchor, sizeof out->anchor);
  data_find(&module, m->path, out);
  return true;
}

static const char *why_other_build(const char *path) {
  return target_say(
      "it runs on another build of Midden, %.400s: use the midden command that belongs "
      "to that",
      path);
}

const char *mid_library_find(const struct mid_target *t, struct mid_library *out) {
  static const uint32_t layout[MID_ANCHOR_LAYOUTS] = MID_ANCHOR_LAYOUT;
  const char *path = NULL;
  // A program may have the library inside and be started on another: one of them has heaps.
  for (size_t i = 0; i < t->mappings; i++) {
    const struct mid_target_mapping *m = &t->mapping[i];
    // A damaged core may not tell what is of a file.
    if (m->offset != 0 || (t->live && m->path[0] != '/') || !library_read(t, m, out)) continue;
    path = m->path;
    if (out->anchor.magic == MID_ANCHOR_MAGIC &&
        mid_library_word(t, (uintptr_t)out->anchor.heaps) != 0)
      break;
  }
  if (path == NULL)
    return t->live ? "it does not run on Midden: start it with 'midden run'"
                   : "it is of a program that did not run on Midden, or lacks the libraries";
  if (out->anchor.magic != MID_ANCHOR_MAGIC ||
      memcmp(out->anchor.layout, layout, sizeof layout) != 0)
    return why_other_build(path);
  uint64_t options = (uintptr_t)out->anchor.options;
  out->hardened = mid_library_word(t, options + offsetof(struct mid_options, hardened)) != 0;
  return NULL;
}
