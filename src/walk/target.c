// walk/target.c -- reading the memory of a target, wherever it is.
// SPDX-License-Identifier: MIT
#include "walk/target.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "walk/target_source.h"

const char target_no_memory[] = "memory ran out: end other programs, and try again";

const char *target_say(const char *format, ...) {
  static __thread char said[1024];
  va_list values;
  va_start(values, format);
  vsnprintf(said, sizeof said, format, values);
  va_end(values);
  return said;
}

struct mid_target_source *target_source_open(void) {
  struct mid_target_source *s = calloc(1, sizeof *s);
  if (s != NULL) s->pagemap = s->core = -1;
  return s;
}

bool target_grow(void **array, size_t *room, size_t count, size_t bytes) {
  if (count < *room) return true;
  size_t more = mid_max(mid_max((size_t)64, 2 * *room), count + 1);
  void *grown = reallocarray(*array, more, bytes);
  if (grown == NULL) return false;
  *array = grown;
  *room = more;
  return true;
}

// Pieces that follow each other are one.
bool target_piece_add(struct mid_target_source *s, struct target_piece piece) {
  struct target_piece *last = s->pieces > 0 ? &s->piece[s->pieces - 1] : NULL;
  if (last != NULL && last->end == piece.start &&
      last->offset + (last->end - last->start) == piece.offset) {
    last->end = piece.end;
    return true;
  }
  if (!target_grow((void **)&s->piece, &s->pieces_room, s->pieces, sizeof piece)) return false;
  s->piece[s->pieces++] = piece;
  return true;
}

int target_compare(const void *a, const void *b) {
  uint64_t x, y;
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  return (x > y) - (x < y);
}

size_t target_search(const void *records, size_t count, size_t bytes, uint64_t address) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    uint64_t range[2];
    memcpy(range, (const char *)records + middle * bytes, sizeof range);
    if (range[1] <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void mid_target_close(struct mid_target *t) {
  struct mid_target_source *s = t->source;
  if (s == NULL) return;
  mid_target_resume(t);
  for (size_t i = 0; i < s->files; i++)
    if (s->file[i].fd >= 0) close(s->file[i].fd);
  if (s->copy != NULL) munmap(s->copy, s->copy_bytes);
  if (s->core >= 0) close(s->core);
  free(s->file);
  free(s->stopped);
  free(s->seen);
  free(s->piece);
  free(s->words);
  free(s);
  free(t->mapping);
  free(t->thread);
  *t = (struct mid_target){0};
}

// ---- mappings ----

// The index of the first mapping that ends above `address`.
static size_t mapping_from(const struct mid_target *t, uint64_t address) {
  struct mid_target_source *s = t->source;
  if (s->last < t->mappings && address < t->mapping[s->last].end &&
      (s->last == 0 || address >= t->mapping[s->last - 1].end))
    return s->last;
  return s->last = target_search(t->mapping, t->mappings, sizeof *t->mapping, address);
}

const struct mid_target_mapping *mid_target_mapping_at(const struct mid_target *t,
                                                       uint64_t address) {
  size_t i = mapping_from(t, address);
  return i < t->mappings && t->mapping[i].start <= address ? &t->mapping[i] : NULL;
}

// ---- files behind mappings ----

// PID.START.feed, PID.START.samples, PID.START.N.ring: what libmidden maps of its files.
bool mid_target_is_feed(const char *path) {
  const char *name = strrchr(path, '/'), *at = name;
  if (name == NULL || strstr(path, "/midden") == NULL || !isdigit((unsigned char)name[1]))
    return false;
  at += 1 + strspn(name + 1, "0123456789.");
  return strncmp(at, "feed", 4) == 0 || strncmp(at, "samples", 7) == 0 ||
         strncmp(at, "ring", 4) == 0;
}

// A process may have another root than we.
static int file_open(const struct mid_target *t, const char *path) {
  char there[4200];
  int fd = -1;
  if (t->live) {
    snprintf(there, sizeof there, "/proc/%d/root%s", (int)t->source->tid, path);
    fd = open(there, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  }
  return fd >= 0 ? fd : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static bool file_fits(const struct mid_target *t, const struct mid_target_mapping *m, int fd) {
  struct stat is;
  if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode)) return false;
  return t->live ? is.st_ino == m->inode : target_core_fits(t, m, fd);
}

int target_file_of(const struct mid_target *t, const struct mid_target_mapping *m) {
  struct mid_target_source *s = t->source;
  if (m->path[0] != '/') return -1;
  for (size_t i = 0; i < s->files; i++)
    if (s->file[i].path == m->path || strcmp(s->file[i].path, m->path) == 0) return s->file[i].fd;
  int fd = file_open(t, m->path);
  if (fd >= 0 && !file_fits(t, m, fd)) {
    close(fd);
    fd = -1;
  }
  struct target_file *more = reallocarray(s->file, s->files + 1, sizeof *more);
  if (more == NULL) {
    if (fd >= 0) close(fd);
    return -1;
  }
  s->file = more;
  s->file[s->files++] = (struct target_file){m->path, fd};
  return fd;
}

bool target_read_at(int fd, void *room, size_t bytes, uint64_t offset) {
  for (size_t done = 0; done < bytes;) {
    ssize_t n = pread(fd, (char *)room + done, bytes - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += (size_t)n;
  }
  return true;
}

// ---- reading ----

// What neither the copy nor the core has.  A page of a copied process that is in no piece and no
// file was never touched, or is swapped out.
static bool rest_read(const struct mid_target *t, const struct mid_target_mapping *m,
                      uint64_t address, void *room, size_t bytes) {
  if (t->live && m->inode == 0) return t->swapped == 0;
  int fd = target_file_of(t, m);
  return fd >= 0 && target_read_at(fd, room, bytes, m->offset + (address - m->start));
}

// The index of the first piece that ends above `address`.
static size_t piece_from(const struct mid_target_source *s, uint64_t address) {
  return target_search(s->piece, s->pieces, sizeof *s->piece, address);
}

static bool piece_read(const struct mid_target_source *s, const struct target_piece *piece,
                       uint64_t address, void *room, size_t bytes) {
  uint64_t offset = piece->offset + (address - piece->start);
  if (s->core >= 0) return target_read_at(s->core, room, bytes, offset);
  memcpy(room, s->copy + offset, bytes);
  return true;
}

static bool pieces_read(const struct mid_target *t, const struct mid_target_mapping *m,
                        uint64_t address, char *room, size_t bytes) {
  const struct mid_target_source *s = t->source;
  bool whole = true;
  for (size_t i = piece_from(s, address); bytes > 0;) {
    const struct target_piece *piece = i < s->pieces ? &s->piece[i] : NULL;
    bool here = piece != NULL && piece->start <= address;
    uint64_t to = piece == NULL ? UINT64_MAX : here ? piece->end : piece->start;
    size_t part = mid_min(bytes, to - address);
    bool good =
        here ? piece_read(s, piece, address, room, part) : rest_read(t, m, address, room, part);
    whole = whole && good;
    i += here;
    address += part;
    room += part;
    bytes -= part;
  }
  return whole;
}

static bool part_read(const struct mid_target *t, const struct mid_target_mapping *m,
                      uint64_t address, void *room, size_t bytes) {
  if (m->io || !m->read) return false;
  return t->stopped ? target_live_read(t, m, address, room, bytes)
                    : pieces_read(t, m, address, room, bytes);
}

bool mid_target_read(const struct mid_target *t, uint64_t address, void *room, size_t bytes) {
  uint64_t at = address, end = address + bytes;
  bool whole = end >= address;
  if (!whole) end = UINT64_MAX;
  memset(room, 0, bytes);
  for (size_t i = mapping_from(t, address); i < t->mappings && at < end; i++) {
    const struct mid_target_mapping *m = &t->mapping[i];
    uint64_t from = mid_max(at, m->start), to = mid_min(end, m->end);
    if (from >= end) break;
    bool good = part_read(t, m, from, (char *)room + (from - address), to - from);
    whole = whole && good && from == at;
    at = to;
  }
  return whole && at == end;
}

bool mid_target_touched(const struct mid_target *t, uint64_t page) {
  const struct mid_target_source *s = t->source;
  if (mid_target_mapping_at(t, page) == NULL) return false;
  if (t->stopped) return target_live_touched(t, page);
  size_t i = piece_from(s, page);
  return i < s->pieces && s->piece[i].start <= page;
}

uint64_t mid_target_next_touched(const struct mid_target *t, uint64_t page, uint64_t end) {
  const struct mid_target_source *s = t->source;
  while (page < end && !mid_target_touched(t, page)) {
    uint64_t next = page + 4096;
    if (!t->stopped) {  // what is not in the copy is passed over at once
      size_t i = piece_from(s, page);
      next = mid_max(next, i < s->pieces ? s->piece[i].start & ~(uint64_t)4095 : end);
    }
    page = next;
  }
  return mid_min(page, end);
}
