// trace/merge.h -- the events of many rings in one order, and by the ledger into a trace.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_MERGE_H
#define MID_TRACE_MERGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/drain.h"
#include "trace/writer.h"

struct mid_merge;
struct mid_merge_process;
struct mid_merge_ring;

// What one look found.
struct mid_merge_batch {
  uint64_t until;  // ring time: what is later than this waits for the next batch
  uint64_t *word;
  size_t words, room;
  struct mid_merge_part {
    struct mid_merge_ring *ring;
    size_t words;
    uint64_t lost;
    bool last;  // nothing of this ring follows
  } * part;
  size_t parts;
  struct mid_merge_process **ended;  // that have ended, and have no rings left
  size_t ends;
  struct mid_merge_batch *next;
};

// ---- the thread that looks ----

// An empty batch, of the time that it is now, in the place of one that was added, or of NULL.
struct mid_merge_batch *mid_merge_batch_open(struct mid_merge_batch *spare);
void mid_merge_batch_close(struct mid_merge_batch *batch);
// Room in it for `words` of `ring`, which lost so many events since the last batch.
uint64_t *mid_merge_room(struct mid_merge_batch *batch, struct mid_merge_ring *ring, size_t words,
                         uint64_t lost);
void mid_merge_end(struct mid_merge_batch *batch, struct mid_merge_ring *ring);
void mid_merge_exit(struct mid_merge_batch *batch, struct mid_merge_process *process);
struct mid_merge_process *mid_merge_process(struct mid_merge *m, pid_t pid, uint64_t parent,
                                            const char *command);
struct mid_merge_ring *mid_merge_ring(struct mid_merge_process *process);
struct mid_drain_figures mid_merge_figures(const struct mid_merge *m);

// ---- the thread that merges ----

struct mid_merge *mid_merge_open(struct mid_writer *writer);
// The batch is the caller's again.
void mid_merge_add(struct mid_merge *m, struct mid_merge_batch *batch);
void mid_merge_close(struct mid_merge *m);

#endif
