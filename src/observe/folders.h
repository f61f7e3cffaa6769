// observe/folders.h -- where feeds are: finding, opening and sweeping them.
// SPDX-License-Identifier: MIT
//
// A feed whose process died without its exit stays, since it tells what the heap was then.  The
// first sweep that meets it marks it, by the mode bit that a feed has no other use for (x) and the
// file's time; sweeps remove it a day later.
#ifndef MID_OBSERVE_FOLDERS_H
#define MID_OBSERVE_FOLDERS_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct mid_feed_file {
  int folder;  // open while the visit lasts
  const char *name;
  pid_t pid;
  uint64_t start_ticks;
};

// Visit every file that has a feed's name, in each folder that is this user's alone:
// $XDG_RUNTIME_DIR/midden, /dev/shm/midden-UID, /tmp/midden-UID.
void mid_folders_walk(void (*visit)(void *self, const struct mid_feed_file *file), void *self);
// The same for every file that has a ring's name (feed/ring.h), but for folders in which nothing
// came or went since they were `seen`, which may be NULL; all zero at first.
enum { MID_FOLDERS = 3 };
struct mid_folders_seen {
  struct timespec changed[MID_FOLDERS];
};
void mid_folders_walk_rings(void (*visit)(void *self, const struct mid_feed_file *file), void *self,
                            struct mid_folders_seen *seen);

// Make a file of this name, for this user alone, in the first of the folders that there is or that
// can be made, as a process makes its feed: its descriptor to read and write, or -1.
int mid_folders_make(const char *name);
void mid_folders_remove(const char *name);  // wherever it is

// Open it to read, or to write as well: a plain file of this user, no symlink.  -1 when it is none.
int mid_feed_file_open(const struct mid_feed_file *file);
int mid_feed_file_open_to_write(const struct mid_feed_file *file);

// The same for the sample file (feed/samples.h) beside a feed.
int mid_feed_file_open_samples(const struct mid_feed_file *feed);

// Remove a feed, and its sample file with it.
void mid_feed_file_remove(const struct mid_feed_file *feed);

// Remove feeds and rings of processes that are dead for more than a day, and bells that nobody
// hears.
void mid_folders_sweep(void);

#endif
