// trace/births.c -- see births.h.
// SPDX-License-Identifier: MIT
#include "trace/births.h"

struct mid_births mid_births_open(struct mid_writer *writer, uint32_t process) {
  return (struct mid_births){.writer = writer,
                             .process = process,
                             .blocks = mid_table_open(sizeof(struct mid_births_block)),
                             .sites = mid_table_open(sizeof(uint32_t))};
}

void mid_births_close(struct mid_births *l) {
  mid_table_close(&l->blocks);
  mid_table_close(&l->sites);
}

// `event` is about `block`, whose last event becomes it.
static void write_about(struct mid_births *l, struct mid_trace_event *event,
                        struct mid_births_block *block) {
  event->process = l->process;
  event->block = block->name;
  event->passed = block->thread != event->thread;
  event->resizes = block->resizes;
  if (event->passed && event->tick <= block->tick) event->tick = block->tick + 1;
  mid_writer_add(l->writer, event);
  block->tick = event->tick;
  block->thread = event->thread;
}

// The place of `address`, about to hold another block: one that lives there lost its free.
static struct mid_births_block *place_at(struct mid_births *l, const struct mid_trace_event *by,
                                         uint64_t address) {
  struct mid_births_block *place = mid_table_add(&l->blocks, address / 16);
  if (place->lives) {
    struct mid_trace_event event = {
        .kind = MID_TRACE_FREE, .tick = by->tick, .thread = by->thread, .unseen = true};
    write_about(l, &event, place);
  }
  return place;
}

void mid_births_birth(struct mid_births *l, struct mid_trace_event *event, uint64_t address) {
  struct mid_births_block *place = place_at(l, event, address);
  event->process = l->process;
  mid_writer_add(l->writer, event);
  *place = (struct mid_births_block){event->block, event->tick, event->thread, 0, true};
}

void mid_births_free(struct mid_births *l, struct mid_trace_event *event, uint64_t address) {
  struct mid_births_block *block = mid_table_find(&l->blocks, address / 16);
  event->process = l->process;
  event->kind = block == NULL ? MID_TRACE_LOST_FREE : MID_TRACE_FREE;
  if (block == NULL) return mid_writer_add(l->writer, event);
  write_about(l, event, block);
  mid_table_drop(&l->blocks, block);
}

void mid_births_lift(struct mid_births *l, struct mid_births_held *held, uint64_t address) {
  // The end of the last resize was lost; unless its block moved, it is where it was.
  if (held->known && mid_table_find(&l->blocks, held->address / 16) == NULL)
    *(struct mid_births_block *)mid_table_add(&l->blocks, held->address / 16) = held->block;
  struct mid_births_block *block = mid_table_find(&l->blocks, address / 16);
  held->known = block != NULL;
  held->address = address;
  if (block == NULL) return;
  held->block = *block;
  mid_table_drop(&l->blocks, block);
}

void mid_births_resize(struct mid_births *l, struct mid_trace_event *event,
                       struct mid_births_held *held, uint64_t address) {
  bool known = held->known;
  held->known = false;
  if (!known) {
    event->kind = MID_TRACE_REALLOC;
    if (address != 0) mid_births_birth(l, event, address);
    return;
  }
  uint64_t to = address != 0 ? address : held->address;
  struct mid_births_block *place = place_at(l, event, to);
  if (address != 0) {
    event->kind = MID_TRACE_RESIZE;
    write_about(l, event, &held->block);
    held->block.resizes++;
  }
  *place = held->block;
}
