// gc/roots.c -- memory outside of the heap that refers into it.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <link.h>
#include <string.h>

#include "gc/handle.h"
#include "gc/trace.h"
#include "midden/malloc.h"

// ---- what the program names ----

static midden_status roots_add(midden_gc *gc, char *base, size_t bytes, enum midden_gc_rank rank,
                               const void *module) {
  if (rank == MIDDEN_GC_EXACT && ((uintptr_t)base | bytes) % MID_GC_WORD != 0)
    return MIDDEN_INVALID;
  struct mid_gc_roots *piece = midden_malloc(sizeof *piece);
  if (piece == NULL) return MIDDEN_NOMEM;
  char *from = (char *)mid_round_up((uintptr_t)base, MID_GC_WORD);
  char *to = (char *)mid_round_down((uintptr_t)base + bytes, MID_GC_WORD);
  *piece =
      (struct mid_gc_roots){.base = base, .from = from, .to = to, .rank = rank, .module = module};
  mid_gc_lock_quietly(gc);
  piece->next = gc->roots;
  gc->roots = piece;
  mid_gc_unlock_quietly(gc);
  return MIDDEN_OK;
}

midden_status midden_gc_root_add(midden_gc *gc, void *base, size_t bytes,
                                 enum midden_gc_rank rank) {
  return roots_add(gc, base, bytes, rank, NULL);
}

void midden_gc_root_remove(midden_gc *gc, void *base) {
  struct mid_gc_roots *gone = NULL;
  mid_gc_lock_quietly(gc);
  for (struct mid_gc_roots **at = &gc->roots; *at != NULL;) {
    struct mid_gc_roots *piece = *at;
    if (piece->base != base && piece->module != base) {
      at = &piece->next;
      continue;
    }
    *at = piece->next;
    piece->next = gone;
    gone = piece;
  }
  mid_gc_unlock_quietly(gc);
  for (struct mid_gc_roots *next; gone != NULL; gone = next) {
    next = gone->next;
    midden_free(gone);
  }
}

// ---- all data of a module ----

struct roots_module {
  midden_gc *gc;
  const void *address;
  midden_status status;
};

static bool roots_holds(const struct dl_phdr_info *info, const void *address) {
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &info->dlpi_phdr[i];
    uintptr_t off = (uintptr_t)address - (info->dlpi_addr + p->p_vaddr);
    if (p->p_type == PT_LOAD && off < p->p_memsz) return true;
  }
  return false;
}

static int roots_of_module(struct dl_phdr_info *info, size_t bytes, void *context) {
  (void)bytes;
  struct roots_module *m = context;
  if (!roots_holds(info, m->address)) return 0;
  m->status = MIDDEN_OK;
  for (int i = 0; i < info->dlpi_phnum && m->status == MIDDEN_OK; i++) {
    const ElfW(Phdr) *p = &info->dlpi_phdr[i];
    if (p->p_type == PT_LOAD && (p->p_flags & PF_W) != 0)
      m->status = roots_add(m->gc, (char *)(info->dlpi_addr + p->p_vaddr), p->p_memsz,
                            MIDDEN_GC_AMBIGUOUS, m->address);
  }
  return 1;
}

midden_status midden_gc_root_module(midden_gc *gc, const void *address) {
  struct roots_module m = {.gc = gc, .address = address, .status = MIDDEN_INVALID};
  dl_iterate_phdr(roots_of_module, &m);
  return m.status;
}

// ---- in a cycle ----

// Parts of the data of a module may have been made read-only, never unreadable.
__attribute__((no_sanitize("address", "thread"))) static void roots_words(
    midden_gc *gc, const struct mid_gc_roots *piece) {
  for (const char *at = piece->from; at < piece->to; at += MID_GC_WORD)
    mid_gc_trace_word(gc, *(const volatile uintptr_t *)(const void *)at, false);
}

// Objects any of whose words may be a reference.  Minor cycles take all of them for live; major
// ones only see to it that what they name stays where it is, if anything moves.
static void roots_conservative(midden_gc *gc) {
  for (size_t i = 0; i < gc->conservative.count; i++) {
    const uintptr_t *word = (const uintptr_t *)gc->conservative.word[i];
    size_t words = mid_gc_field_bytes(word, *mid_gc_word(word)) / sizeof *word;
    for (size_t k = 0; k < words; k++) mid_gc_pin_word(gc, word[k], false, gc->minor);
  }
}

static void roots_pinned(midden_gc *gc) {
  for (size_t i = 0; i < gc->pinneds; i++)
    mid_gc_pin_word(gc, (uintptr_t)gc->pinned[i].object, false, true);
}

void mid_gc_scan_ambiguous_roots(midden_gc *gc) {
  mid_gc_scan_stacks(gc);
  for (const struct mid_gc_roots *piece = gc->roots; piece != NULL; piece = piece->next)
    if (piece->rank == MIDDEN_GC_AMBIGUOUS) roots_words(gc, piece);
  roots_pinned(gc);
  if (gc->minor || gc->moves) roots_conservative(gc);
}

void mid_gc_scan_exact_roots(midden_gc *gc) {
  mid_gc_scan_frames(gc);
  for (const struct mid_gc_roots *piece = gc->roots; piece != NULL; piece = piece->next)
    for (char *at = piece->from; piece->rank == MIDDEN_GC_EXACT && at < piece->to;
         at += MID_GC_WORD)
      mid_gc_trace_slot(gc, (midden_ref *)(void *)at);
  for (struct midden_handle *h = gc->handles; h != NULL; h = h->next)
    mid_gc_trace_slot(gc, &h->slot);
  mid_gc_finalisers_scan(gc);
}

void mid_gc_roots_close(midden_gc *gc) {
  for (struct mid_gc_roots *next; gc->roots != NULL; gc->roots = next) {
    next = gc->roots->next;
    midden_free(gc->roots);
  }
}
