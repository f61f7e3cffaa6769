// walk/target_source.h -- where the bytes of a target come from; for target*.c only.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_TARGET_SOURCE_H
#define MID_WALK_TARGET_SOURCE_H

#include "walk/target.h"

// Memory that we have: so far into the copy, or into the core file.
struct target_piece {
  uint64_t start, end, offset;
};

// The file of a mapping, opened when it is first needed.
struct target_file {
  const char *path;
  int fd;  // -1: cannot be opened, or is another file by now
};

struct target_stopped {
  pid_t tid;
  int signal;  // that it was about to get as it stopped
  bool held;   // by our caller, and not ours to let go
};

struct mid_target_source {
  // Stopped threads.
  struct target_stopped *stopped;
  size_t stops, stops_room;
  pid_t tid;       // a living thread, under whose number the memory is found
  int pagemap;     // -1: none
  uint64_t *seen;  // entries of the page map, from page `seen_first` on
  uint64_t seen_first, seen_count;

  // A copy or a core.
  struct target_piece *piece;  // by address
  size_t pieces, pieces_room;
  char *copy;
  size_t copy_bytes, copy_most;
  int core;              // its descriptor, -1: none
  char incomplete[128];  // a sentence
  struct target_file *file;
  size_t files;

  size_t last;  // index of the mapping that was read last
  char *words;  // that the paths of mappings point into
};

// Say something, in words that stay until the next call.
__attribute__((format(printf, 1, 2))) const char *target_say(const char *format, ...);

// A new source of nothing; NULL when memory ran out.
struct mid_target_source *target_source_open(void);
extern const char target_no_memory[];

// Make `array` of `room` records of `bytes` each larger, so that record `count` fits.
bool target_grow(void **array, size_t *room, size_t count, size_t bytes);
bool target_piece_add(struct mid_target_source *s, struct target_piece piece);

// For records that begin with an address, and those whose second word is where they end.
int target_compare(const void *a, const void *b);  // for qsort, by the address
// The first of `count` records of `bytes` each, sorted, that ends above `address`.
size_t target_search(const void *records, size_t count, size_t bytes, uint64_t address);

// Read /proc/PID/maps; the paths live in source->words.
const char *target_maps_read(pid_t tid, struct mid_target *t);

// The file that is mapped there, or -1.
int target_file_of(const struct mid_target *t, const struct mid_target_mapping *m);

bool target_read_at(int fd, void *room, size_t bytes, uint64_t offset);
// Whether the file at `fd` is still what was mapped as the core was made.
bool target_core_fits(const struct mid_target *t, const struct mid_target_mapping *m, int fd);

// Of the stopped process: [address, address + bytes) lies in `m`.
bool target_live_read(const struct mid_target *t, const struct mid_target_mapping *m,
                      uint64_t address, void *room, size_t bytes);
// The same without a look at the page map; what comes behind a place that cannot be read is not.
bool target_live_bytes(const struct mid_target *t, uint64_t address, void *room, size_t bytes);
bool target_live_touched(const struct mid_target *t, uint64_t address);
// Entries of the page map: how many of `count` could be read.
enum { TARGET_FILE = 61, TARGET_SWAPPED, TARGET_PRESENT };  // bits of an entry
size_t target_pages_read(const struct mid_target *t, uint64_t first, uint64_t *entry, size_t count);

// Registers as the kernel hands them out, here and in core files.
struct user_regs_struct;
void target_registers_set(struct mid_target_thread *thread, const struct user_regs_struct *r);
void target_vectors_add(struct mid_target_thread *thread, const void *area, size_t bytes);

#endif
