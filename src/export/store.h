// export/store.h -- the runs that were kept: a SQLite database of the user's own.
// SPDX-License-Identifier: MIT
//
//   $XDG_STATE_HOME/midden/runs.db, else ~/.local/state/midden/runs.db
//
// A row is a run: what `midden runs` lists, and the data of its report (docs/report.md), packed.
// Several runs may be kept at once; a writer waits for the others.
#ifndef MID_EXPORT_STORE_H
#define MID_EXPORT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MID_STORE_DAYS = 30,              // runs that are older are dropped when the next is kept
  MID_STORE_BYTES = 256 << 20,      // of packed data: beyond it the oldest are dropped
  MID_STORE_DATA_BYTES = 512 << 20  // of data unpacked: more than any run has
};

struct mid_store_run {
  int64_t id;
  double started;       // seconds since 1970
  const char *command;  // good while the row is visited, as `signal` and all else
  int64_t pid;
  int exit, signal;  // -1: there was none
  double seconds;
  int64_t peak_rss, live_bytes, processes, findings;
};

struct mid_store;

// Open it; to write it is made where it is not there, private to the user.
// room     of what is wrong, in a sentence's words
// returns  NULL: it cannot be used; where there simply is none yet `room` is empty
struct mid_store *mid_store_open(bool to_write, char *room, size_t bytes);
void mid_store_close(struct mid_store *s);

// Keep a run and drop what is too old or too much.
// returns  its number; 0: it could not be kept, mid_store_wrong says why
int64_t mid_store_keep(struct mid_store *s, const struct mid_store_run *run, const char *data);
const char *mid_store_wrong(struct mid_store *s);

// Visit all, the newest first.  false: it is damaged.
bool mid_store_list(struct mid_store *s, void (*visit)(void *self, const struct mid_store_run *),
                    void *self);

// The number of the newest; 0: there is none.
int64_t mid_store_last(struct mid_store *s);

// The data of a run, the caller's to free.  NULL: there is no such run, or they are damaged, which
// *damaged tells.
char *mid_store_data(struct mid_store *s, int64_t id, bool *damaged);

// false: there is no such run.
bool mid_store_remove(struct mid_store *s, int64_t id);

#endif
