// walk/roots.c -- see roots.h.
// SPDX-License-Identifier: MIT
#include "walk/roots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "walk/kernel_words.h"

enum {
  ROOTS_RED_ZONE = 128,        // under the stack pointer, in use all the same (x86-64 psABI)
  ROOTS_THREAD_BYTES = 0x900,  // glibc's record of a thread, from the thread pointer on
  ROOTS_THREAD_ALIGN = 64,
  ROOTS_TLS_SPARE = 4096,  // static TLS that glibc keeps for libraries that are loaded later
  ROOTS_OWN_WORDS = 3,     // that a thread has besides registers
};

static void roots_add(struct mid_roots *roots, struct mid_root root) {
  if (root.word == NULL && root.start >= root.end) return;
  if (roots->count == roots->room) {
    roots->room = roots->room == 0 ? 64 : 2 * roots->room;
    roots->root = realloc(roots->root, roots->room * sizeof root);
    if (roots->root == NULL) abort();
  }
  roots->root[roots->count++] = root;
}

// The same without what is Midden's.
static void roots_add_memory(struct mid_roots *roots, const struct mid_blocks *blocks,
                             struct mid_root root) {
  uint64_t end = root.end;
  for (size_t i = 0; i < blocks->owns && root.start < end; i++) {
    const struct mid_blocks_range *own = &blocks->own[i];
    if (own->end <= root.start) continue;
    if (own->start >= end) break;
    root.end = own->start;
    roots_add(roots, root);
    root.start = own->end;
  }
  root.end = end;
  roots_add(roots, root);
}

// ---- threads: where glibc keeps them ----
//
// A thread's record begins with its own address, and has it again two words on: so those of
// threads that ended are found too, at the top of stacks that are kept for the next one.

struct roots_record {
  uint64_t at;
  size_t thread;  // MID_ROOT_NO_THREAD: it ended
};
struct roots_records {
  struct roots_record *at;
  size_t count, room;
};

static void records_add(struct roots_records *r, uint64_t at, size_t thread) {
  if (r->count == r->room) {
    r->room = r->room == 0 ? 64 : 2 * r->room;
    r->at = realloc(r->at, r->room * sizeof *r->at);
    if (r->at == NULL) abort();
  }
  r->at[r->count++] = (struct roots_record){at, thread};
}

static size_t roots_thread_at(const struct mid_target *t, uint64_t tp) {
  for (size_t i = 0; i < t->threads; i++)
    if (t->thread[i].tp == tp) return i;
  return MID_ROOT_NO_THREAD;
}

static void records_find_in_page(const struct mid_target *t, uint64_t page,
                                 struct roots_records *out) {
  uint64_t word[512];
  if (!mid_target_touched(t, page)) return;
  mid_target_read(t, page, word, sizeof word);
  for (size_t i = 0; i + 2 < 512; i += ROOTS_THREAD_ALIGN / 8) {
    uint64_t at = page + i * 8;
    if (word[i] == at && word[i + 2] == at && roots_thread_at(t, at) == MID_ROOT_NO_THREAD)
      records_add(out, at, MID_ROOT_NO_THREAD);
  }
}

static bool roots_is_guard(const struct mid_target_mapping *below,
                           const struct mid_target_mapping *m) {
  return below->end == m->start && !below->read && !below->write;
}

static int records_by_address(const void *a, const void *b) {
  const struct roots_record *x = a, *y = b;
  return x->at < y->at ? -1 : x->at > y->at;
}

// Those in mapping `i`, the lowest first.
static void records_find(const struct mid_target *t, size_t i, struct roots_records *out) {
  const struct mid_target_mapping *m = &t->mapping[i];
  out->count = 0;
  for (size_t k = 0; k < t->threads; k++)
    if (t->thread[k].tp - m->start < m->end - m->start) records_add(out, t->thread[k].tp, k);
  if (i > 0 && m->path[0] == 0 && roots_is_guard(m - 1, m))
    for (uint64_t page = m->start; page < m->end; page += 4096) records_find_in_page(t, page, out);
  if (out->count > 1) qsort(out->at, out->count, sizeof *out->at, records_by_address);
}

static uint64_t roots_tls_bytes(const struct mid_walk_modules *modules) {
  uint64_t bytes = ROOTS_TLS_SPARE;
  for (size_t i = 0; i < modules->count; i++)
    bytes +=
        (modules->at[i].tls_bytes + ROOTS_THREAD_ALIGN - 1) & ~(uint64_t)(ROOTS_THREAD_ALIGN - 1);
  return bytes;
}

// Of a thread that ended the thread library still has the table of thread-local storage, for the
// next one: the second word of its record.
static void roots_add_finished(struct mid_roots *roots, const struct mid_blocks *blocks,
                               struct mid_root root, uint64_t at) {
  const uint64_t cut[] = {root.start, at + 8, at + 16, root.end};
  for (int i = 0; i < 3; i++) {
    root.kind = i == 1 ? MID_ROOT_TLS : MID_ROOT_FINISHED;
    root.start = cut[i];
    root.end = cut[i + 1];
    roots_add_memory(roots, blocks, root);
  }
}

// [root.start, root.end) has a thread's record at its `at`, near its end.  Where its stack pointer
// is elsewhere, on a signal stack or in a coroutine, all of the stack may be in use.
static void roots_add_stack(struct mid_roots *roots, const struct mid_target *t,
                            const struct mid_blocks *blocks, struct mid_root root,
                            const struct roots_record *record, bool guarded) {
  uint64_t low = root.start, tls = roots_tls_bytes(&roots->modules), top = root.end;
  root.thread = record->thread;
  if (root.thread == MID_ROOT_NO_THREAD) {
    roots_add_finished(roots, blocks, root, record->at);
    return;
  }
  const struct mid_target_thread *thread = &t->thread[root.thread];
  uint64_t upper = record->at - mid_min(tls, record->at - low), sp = thread->sp - ROOTS_RED_ZONE;
  if (sp - low < record->at - low) {
    root.kind = MID_ROOT_FINISHED;
    root.end = sp & ~(uint64_t)7;
    if (!guarded) roots_add_memory(roots, blocks, root);
    root.start = root.end;
    root.kind = MID_ROOT_STACK;
    upper = mid_max(upper, root.start);
  } else if (thread->tid != t->pid) {
    root.kind = MID_ROOT_STACK;
  }
  root.end = upper;
  roots_add_memory(roots, blocks, root);
  root = (struct mid_root){.kind = MID_ROOT_TLS, .thread = root.thread, .path = root.path};
  root.start = upper, root.end = top;
  roots_add_memory(roots, blocks, root);
}

// ---- mappings ----

// The first stack, which has no thread's record in it.
static uint64_t roots_main_stack(const struct mid_target *t, const struct mid_target_mapping *m,
                                 struct mid_root *root) {
  root->kind = MID_ROOT_STACK;
  for (size_t i = 0; i < t->threads; i++) {
    if (t->thread[i].tid == t->pid) root->thread = i;
    if (t->thread[i].tid == t->pid && t->thread[i].sp - m->start < m->end - m->start)
      return mid_max(m->start, (t->thread[i].sp - ROOTS_RED_ZONE) & ~(uint64_t)7);
  }
  return m->start;
}

static bool roots_is_shared_file(const struct mid_target_mapping *m) {
  size_t bytes = strlen(m->path);
  static const char gone[] = " (deleted)";
  return m->shared && m->path[0] == '/' && strncmp(m->path, "/memfd:", 7) != 0 &&
         strncmp(m->path, "/dev/", 5) != 0 && strncmp(m->path, "/SYSV", 5) != 0 &&
         (bytes < sizeof gone || strcmp(m->path + bytes - (sizeof gone - 1), gone) != 0);
}

// What a program can write, or could: a table may be made read-only once it is filled.  Just before
// a module's data lies what only the loader writes.
static bool roots_wants(const struct mid_target *t, size_t i) {
  const struct mid_target_mapping *m = &t->mapping[i], *next = m + 1;
  if (!m->read || m->io || strcmp(m->path, "[vdso]") == 0) return false;
  if (m->write || m->path[0] == 0) return true;
  return !m->execute && !m->shared && i + 1 < t->mappings && next->start == m->end && next->write &&
         strcmp(next->path, m->path) == 0;
}

static void roots_add_mapping(struct mid_roots *roots, const struct mid_target *t,
                              const struct mid_blocks *blocks, size_t i,
                              struct roots_records *records) {
  const struct mid_target_mapping *m = &t->mapping[i];
  struct mid_root root = {.kind = MID_ROOT_MAPPING, .thread = MID_ROOT_NO_THREAD, .path = m->path};
  uint64_t low = m->start;
  if (strcmp(m->path, "[stack]") == 0) low = roots_main_stack(t, m, &root);
  if (roots_is_shared_file(m)) root.kind = MID_ROOT_FILE;
  const struct mid_walk_module *module = mid_modules_at(&roots->modules, low);
  if (module != NULL) {
    root.kind = MID_ROOT_GLOBAL, root.path = module->path;
    root.start = low, root.end = low = mid_min(m->end, module->end);
    roots_add_memory(roots, blocks, root);
    root.kind = MID_ROOT_MAPPING, root.path = m->path;  // of what lies behind it
  }
  records_find(t, i, records);
  bool guarded = i > 0 && roots_is_guard(m - 1, m);
  for (size_t k = 0; k < records->count; k++) {
    const struct roots_record *record = &records->at[k];
    // An address in a module is that of a program without a loader, or no glibc's.
    if (record->at < low) continue;
    root.start = low;
    root.end = low = mid_min(m->end, (record->at + ROOTS_THREAD_BYTES + 4095) & ~(uint64_t)4095);
    roots_add_stack(roots, t, blocks, root, record, guarded);
    guarded = true;  // by the one below
  }
  root.start = low, root.end = m->end;
  roots_add_memory(roots, blocks, root);
}

// ---- words ----

// What a thread holds besides its registers: the block that its stack or its record is in, where a
// program gave it one; and its table of thread-local storage, known to it by the second entry.
static void roots_own_words(const struct mid_target *t, const struct mid_blocks *blocks,
                            const struct mid_target_thread *thread, uint64_t *out) {
  uint64_t offset, table = 0;
  uint32_t block = mid_blocks_find(blocks, thread->sp, &offset);
  if (block != MID_BLOCK_NONE) out[0] = thread->sp - offset;
  block = mid_blocks_find(blocks, thread->tp, &offset);
  if (block != MID_BLOCK_NONE) out[1] = thread->tp - offset;
  if (mid_target_read(t, thread->tp + 8, &table, sizeof table)) out[2] = table - 16;
}

static void roots_add_words(struct mid_roots *roots, const struct mid_target *t,
                            const struct mid_blocks *blocks) {
  struct mid_kernel_words kernel = mid_kernel_words_read(t);
  size_t each = MID_TARGET_REGISTERS + MID_TARGET_VECTORS + ROOTS_OWN_WORDS;
  uint64_t *word = calloc(t->threads * each + kernel.count + 1, sizeof *word);
  if (word == NULL) abort();
  roots->words = word;
  for (size_t i = 0; i < t->threads; i++, word += each) {
    const struct mid_target_thread *thread = &t->thread[i];
    uint64_t *own = word + MID_TARGET_REGISTERS + thread->vectors;
    memcpy(word, thread->reg, sizeof thread->reg);
    memcpy(word + MID_TARGET_REGISTERS, thread->vector, thread->vectors * sizeof *word);
    roots_own_words(t, blocks, thread, own);
    roots_add(roots, (struct mid_root){.kind = MID_ROOT_REGISTER,
                                       .word = word,
                                       .words = (size_t)(own - word),
                                       .thread = i,
                                       .path = ""});
    roots_add(
        roots,
        (struct mid_root){
            .kind = MID_ROOT_TLS, .word = own, .words = ROOTS_OWN_WORDS, .thread = i, .path = ""});
  }
  if (kernel.count > 0) memcpy(word, kernel.word, kernel.count * sizeof *word);
  roots_add(roots, (struct mid_root){.kind = MID_ROOT_KERNEL,
                                     .word = word,
                                     .words = kernel.count,
                                     .thread = MID_ROOT_NO_THREAD,
                                     .path = ""});
  free(kernel.word);
}

void mid_roots_find(const struct mid_target *t, const struct mid_blocks *blocks,
                    struct mid_roots *out) {
  struct roots_records records = {0};
  *out = (struct mid_roots){0};
  mid_modules_find(t, &out->modules);
  roots_add_words(out, t, blocks);
  for (size_t i = 0; i < t->mappings; i++)
    if (roots_wants(t, i)) roots_add_mapping(out, t, blocks, i, &records);
  free(records.at);
}

void mid_roots_close(struct mid_roots *roots) {
  mid_modules_close(&roots->modules);
  free(roots->root);
  free(roots->words);
  *roots = (struct mid_roots){0};
}

// ---- names ----

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

static void name_global(const struct mid_roots *roots, const struct mid_root *root,
                        uint64_t address, struct mid_symbols *symbols, char *room, size_t bytes) {
  uint64_t into = 0;
  const char *object = mid_modules_object(&roots->modules, symbols, address, &into);
  const char *file = base_name(root->path);
  if (object == NULL)
    snprintf(room, bytes, "data of %s", file);
  else if (into < 8)
    snprintf(room, bytes, "%s in %s", object, file);
  else
    snprintf(room, bytes, "%s+%" PRIu64 " in %s", object, into, file);
}

void mid_root_name(const struct mid_roots *roots, const struct mid_target *t,
                   const struct mid_root *root, uint64_t address, struct mid_symbols *symbols,
                   char *room, size_t bytes) {
  static const char *const of_thread[] = {[MID_ROOT_TLS] = "thread-local storage of",
                                          [MID_ROOT_STACK] = "the stack of",
                                          [MID_ROOT_REGISTER] = "a register of"};
  switch (root->kind) {
    case MID_ROOT_GLOBAL:
      name_global(roots, root, address, symbols, room, bytes);
      return;
    case MID_ROOT_KERNEL:
      snprintf(room, bytes, "epoll or a timer of the kernel's");
      return;
    case MID_ROOT_FINISHED:
      snprintf(room, bytes, "what is left of a finished thread");
      return;
    case MID_ROOT_MAPPING:
    case MID_ROOT_FILE:
      snprintf(room, bytes, root->path[0] == 0 ? "mapped memory%s" : "mapped memory of %s",
               base_name(root->path));
      return;
    case MID_ROOT_TLS:
    case MID_ROOT_STACK:
    case MID_ROOT_REGISTER:
      break;
  }
  if (root->thread == MID_ROOT_NO_THREAD && root->kind == MID_ROOT_TLS)
    snprintf(room, bytes, "what is kept of a finished thread");
  else if (root->thread == MID_ROOT_NO_THREAD || t->thread[root->thread].tid == t->pid)
    snprintf(room, bytes, "%s the main thread", of_thread[root->kind]);
  else
    snprintf(room, bytes, "%s thread %d", of_thread[root->kind], (int)t->thread[root->thread].tid);
}
