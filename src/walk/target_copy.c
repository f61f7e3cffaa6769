// walk/target_copy.c -- a copy of a process's memory, for which it stands still shortly.
// SPDX-License-Identifier: MIT
//
// What takes longest of a copy is that the kernel finds memory for it, page by page; that is done
// before the process is stopped.  Copied are pages that are there and may hold what the program
// wrote: of writable mappings all, of others those that are of no file (any more).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/bits.h"
#include "observe/proc.h"
#include "walk/target_source.h"

#define COPY_PIECE ((size_t)2 << 20)  // a huge page

// The kB after `name` in a file of lines like "RssAnon:  12 kB", as bytes.
static uint64_t line_bytes(const char *path, const char *name) {
  char room[8192], *at;
  if (mid_proc_file(path, room, sizeof room) <= 0) return 0;
  at = strstr(room, name);
  return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10) << 10;
}

// What a copy of the process takes now, and some more for what it takes until it is stopped.
static uint64_t copy_wants(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  uint64_t bytes = line_bytes(path, "RssAnon:") + line_bytes(path, "RssShmem:");
  return bytes + bytes / 16 + ((uint64_t)4 << 20);
}

// Room that has its memory already; false when that is too much to ask for.
static bool copy_prepare(pid_t pid, struct mid_target_source *s) {
  size_t bytes = mid_round_up(copy_wants(pid), COPY_PIECE);
  s->copy_most = line_bytes("/proc/meminfo", "MemAvailable:") / 2;
  if (bytes > s->copy_most) return false;
  s->copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (s->copy == MAP_FAILED) s->copy = NULL;
  if (s->copy == NULL) return false;
  s->copy_bytes = bytes;
  (void)madvise(s->copy, bytes, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
  if (madvise(s->copy, bytes, MADV_POPULATE_WRITE) == 0) return true;
#endif
  for (uint64_t at = 0; at < bytes; at += 4096) ((volatile char *)s->copy)[at] = 0;
  return true;
}

// Runs of pages that are read by one call.
enum { RUNS = 256, ENTRIES = 4096 };
struct copying {
  const struct mid_target *t;
  size_t at;  // bytes of the copy in use
  struct iovec run[RUNS];
  size_t runs, bytes;  // that wait
  uint64_t entry[ENTRIES];
};

// The process grew by more than was thought, until it was stopped.
static bool copy_grow(struct mid_target_source *s) {
  size_t bytes = mid_round_up(s->copy_bytes + s->copy_bytes / 4, COPY_PIECE);
  void *more =
      bytes > s->copy_most ? MAP_FAILED : mremap(s->copy, s->copy_bytes, bytes, MREMAP_MAYMOVE);
  if (more == MAP_FAILED) return false;
  s->copy = more;
  s->copy_bytes = bytes;
  return true;
}

// false: what was to be copied has gone, or there is no memory to say what was.
static bool copy_flush(struct copying *c) {
  struct mid_target_source *s = c->t->source;
  struct iovec here = {s->copy + c->at, c->bytes};
  if (c->runs == 0) return true;
  ssize_t n = process_vm_readv(s->tid, &here, 1, c->run, c->runs, 0);
  if (n < 0 || (size_t)n != c->bytes) return false;
  for (size_t i = 0; i < c->runs; i++) {
    uint64_t start = (uintptr_t)c->run[i].iov_base, end = start + c->run[i].iov_len;
    if (!target_piece_add(s, (struct target_piece){start, end, c->at})) return false;
    c->at += c->run[i].iov_len;
  }
  c->runs = c->bytes = 0;
  return true;
}

static bool copy_page(struct copying *c, uint64_t address) {
  struct mid_target_source *s = c->t->source;
  uint64_t page = c->t->page_bytes;
  if (c->at + c->bytes + page > s->copy_bytes && !copy_grow(s)) return false;
  struct iovec *last = c->runs > 0 ? &c->run[c->runs - 1] : NULL;
  if (last != NULL && (uintptr_t)last->iov_base + last->iov_len == address) {
    last->iov_len += page;
  } else {
    if (c->runs == RUNS && !copy_flush(c)) return false;
    c->run[c->runs++] = (struct iovec){(void *)(uintptr_t)address, page};
  }
  c->bytes += page;
  return true;
}

static bool copy_mapping(struct copying *c, const struct mid_target_mapping *m) {
  uint64_t page = m->start / c->t->page_bytes, end = m->end / c->t->page_bytes;
  while (page < end) {
    size_t n = target_pages_read(c->t, page, c->entry, mid_min(end - page, (uint64_t)ENTRIES));
    if (n == 0) return false;
    for (size_t i = 0; i < n; i++, page++) {
      bool of_file = c->entry[i] >> TARGET_FILE & 1, here = c->entry[i] >> TARGET_PRESENT & 1;
      if (here && (m->write || !of_file) && !copy_page(c, page * c->t->page_bytes)) return false;
    }
  }
  return true;
}

// Copy it all.  false when it cannot be: the room turned out too small, a page cannot be read ...
static bool copy_all(const struct mid_target *t) {
  struct copying *c = calloc(1, sizeof *c);
  bool good = c != NULL;
  if (good) c->t = t;
  for (size_t i = 0; i < t->mappings && good; i++) {
    const struct mid_target_mapping *m = &t->mapping[i];
    if (m->read && !m->io) good = copy_mapping(c, m) && copy_flush(c);
  }
  free(c);
  return good;
}

const char *mid_target_copy(pid_t pid, struct mid_target *out) {
  struct mid_target_source room = {0};
  bool prepared = copy_prepare(pid, &room);
  const char *why = mid_target_stop(pid, out);
  if (why != NULL || !prepared) {
    if (room.copy != NULL) munmap(room.copy, room.copy_bytes);
    return why;
  }
  out->source->copy = room.copy;
  out->source->copy_bytes = room.copy_bytes;
  out->source->copy_most = room.copy_most;
  if (out->source->pagemap >= 0 && copy_all(out))
    mid_target_resume(out);
  else
    out->source->pieces = 0;
  return NULL;
}
