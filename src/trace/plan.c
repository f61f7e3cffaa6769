// trace/plan.c -- see plan.h.
// SPDX-License-Identifier: MIT
//
// The trace is read twice: once to see which threads there were, when, and how many events each
// had, so that everything has its place in the file; then to fill it.
#define _GNU_SOURCE  // memfd_create
#include "trace/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "trace/table.h"

_Static_assert(MID_PLAN_MALLOC == (int)MID_TRACE_MALLOC && MID_PLAN_CALLOC == (int)MID_TRACE_CALLOC,
               "a birth is called in a plan what it is in a trace");
_Static_assert(MID_PLAN_ALIGNED == (int)MID_TRACE_ALIGNED &&
                   MID_PLAN_REALLOC == (int)MID_TRACE_REALLOC,
               "a birth is called in a plan what it is in a trace");
_Static_assert(MID_PLAN_FREE == (int)MID_TRACE_FREE && MID_PLAN_RESIZE == (int)MID_TRACE_RESIZE,
               "so are the others");

enum { PLAN_NUMBER_BITS = 40 };  // of a block's key; the rest is its thread

struct plan_thread {
  uint64_t events, planned;
  uint64_t begin, end;  // ticks of its first and last
  uint64_t first;       // of its ops
  uint32_t next, lane;
  struct plan_slots {  // that its own frees left
    uint32_t *slot;
    size_t count;
  } left;
};

struct plan_block {
  uint64_t bytes;
  uint32_t slot, last;  // the thread that had it last
  uint32_t own;         // no other thread has ever had it
  uint32_t unused;
};

struct planner {
  struct mid_trace *trace;
  uint32_t process;
  struct mid_table threads;    // number in the trace -> place here, + 1
  struct plan_thread *thread;  // in the order in which they began
  uint32_t count;
  struct mid_table blocks;
  uint32_t *version;  // of each slot
  uint32_t slots;
  uint32_t *lane;  // its first thread, then its last
  uint32_t lanes;
  struct mid_plan *plan;
  struct mid_plan_op *op, *order;
  uint64_t done, live;
  struct mid_planned *out;
};

static bool is_planned(const struct planner *p, const struct mid_trace_event *e) {
  return e->process == p->process && mid_trace_has_block(e->kind);
}

// ---- the first time ----

static struct plan_thread *thread_of(struct planner *p, uint32_t number) {
  uint32_t *place = mid_table_add(&p->threads, number);
  if (*place == 0) {
    p->thread = mid_grown(p->thread, p->count, sizeof *p->thread);
    p->thread[p->count++] = (struct plan_thread){.begin = UINT64_MAX, .next = MID_PLAN_NONE};
    *place = p->count;
  }
  return &p->thread[*place - 1];
}

static void count_events(struct planner *p) {
  size_t count;
  mid_trace_rewind(p->trace, 0);
  while (mid_trace_next(p->trace)) {
    const struct mid_trace_event *const *event = mid_trace_in_order(p->trace, &count);
    p->out->all_events += count;
    p->out->lost += mid_trace_lost(p->trace);
    for (size_t i = 0; i < count; i++) {
      if (!is_planned(p, event[i])) continue;
      struct plan_thread *t = thread_of(p, event[i]->thread);
      if (t->events++ == 0) t->begin = event[i]->tick;
      t->end = event[i]->tick;
    }
  }
}

// Threads stand in the order in which they began: each goes behind the first lane's last that had
// ended by then, else into a lane of its own.
static void share_lanes(struct planner *p) {
  uint32_t *last = NULL;
  for (uint32_t i = 0; i < p->count; i++) {
    uint32_t lane = 0;
    while (lane < p->lanes && p->thread[last[lane]].end >= p->thread[i].begin) lane++;
    if (lane == p->lanes) {
      p->lane = mid_grown(p->lane, p->lanes, sizeof *p->lane);
      last = mid_grown(last, p->lanes, sizeof *last);
      p->lane[p->lanes++] = i;
    } else {
      p->thread[last[lane]].next = i;
    }
    last[lane] = i;
    p->thread[i].lane = lane;
  }
  free(last);
}

// ---- the file ----

static const char *lay_out(struct planner *p) {
  uint64_t events = 0;
  for (uint32_t i = 0; i < p->count; i++) {
    p->thread[i].first = events;
    events += p->thread[i].events;
  }
  struct mid_plan head = {.threads = p->count, .lanes = p->lanes, .threads_at = sizeof head};
  head.lanes_at = head.threads_at + p->count * sizeof(struct mid_plan_thread);
  head.ops_at = mid_round_up(head.lanes_at + p->lanes * sizeof(uint32_t), 16);
  head.order_at = head.ops_at + (p->count > 1 ? events * sizeof(struct mid_plan_op) : 0);
  head.bytes = head.order_at + events * sizeof(struct mid_plan_op);
  p->out->fd = memfd_create("midden plan", MFD_CLOEXEC);
  if (p->out->fd < 0 || ftruncate(p->out->fd, (off_t)head.bytes) != 0)
    return "no memory for what is to be replayed";
  char *at = mmap(NULL, head.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->out->fd, 0);
  if (at == MAP_FAILED) return "no memory for what is to be replayed";
  p->out->plan = p->plan = (struct mid_plan *)(void *)at;
  p->op = (struct mid_plan_op *)(void *)(at + head.ops_at);
  p->order = (struct mid_plan_op *)(void *)(at + head.order_at);
  *p->plan = head;
  memcpy(at + head.lanes_at, p->lane, p->lanes * sizeof *p->lane);
  return NULL;
}

static void write_threads(struct planner *p) {
  char *at = (char *)p->plan + p->plan->threads_at;
  for (uint32_t i = 0; i < p->count; i++, at += sizeof(struct mid_plan_thread)) {
    const struct plan_thread *t = &p->thread[i];
    struct mid_plan_thread thread = {t->first, t->planned, t->next, t->lane};
    memcpy(at, &thread, sizeof thread);
  }
}

// ---- the second time ----

static uint64_t plan_key_of(struct planner *p, const struct mid_trace_block *block) {
  uint32_t *place = mid_table_add(&p->threads, block->thread);
  uint64_t thread = *place;
  if (thread == 0) {  // of a thread that itself has no event here
    *place = (uint32_t)p->threads.count | 1u << 23;
    thread = *place;
  }
  return thread << PLAN_NUMBER_BITS | (block->number & (((uint64_t)1 << PLAN_NUMBER_BITS) - 1));
}

static uint32_t slot_take(struct planner *p, struct plan_thread *t) {
  if (t->left.count > 0) return t->left.slot[--t->left.count];
  p->version = mid_grown(p->version, p->slots, sizeof *p->version);
  p->version[p->slots] = 0;
  return p->slots++;
}

static void slot_leave(struct plan_thread *t, uint32_t slot) {
  t->left.slot = mid_grown(t->left.slot, t->left.count, sizeof *t->left.slot);
  t->left.slot[t->left.count++] = slot;
}

static void put_op(struct planner *p, uint32_t thread, struct mid_plan_op op) {
  struct plan_thread *t = &p->thread[thread];
  p->order[p->done++] = op;
  if (p->count > 1) p->op[t->first + t->planned] = op;
  t->planned++;
}

static void live_change(struct planner *p, uint64_t more, uint64_t less) {
  p->live = p->live + more - less;
  p->out->live_peak = mid_max(p->out->live_peak, p->live);
}

static void plan_birth(struct planner *p, const struct mid_trace_event *e, uint32_t thread) {
  struct plan_block *block = mid_table_add(&p->blocks, plan_key_of(p, &e->block));
  uint64_t bytes = mid_min(e->bytes, MID_PLAN_BYTES_MOST);
  uint32_t slot = slot_take(p, &p->thread[thread]);
  *block = (struct plan_block){bytes, slot, thread, true, 0};
  p->version[slot]++;
  p->out->births++;
  p->out->no_death++;
  live_change(p, bytes, 0);
  put_op(
      p, thread,
      (struct mid_plan_op){
          .slot = slot, .bytes = bytes & MID_PLAN_BYTES_MOST, .kind = e->kind, .align = e->align});
}

static void plan_other(struct planner *p, const struct mid_trace_event *e, uint32_t thread) {
  struct plan_block *block = mid_table_find(&p->blocks, plan_key_of(p, &e->block));
  if (block == NULL) {
    p->out->no_birth++;
    return;
  }
  uint64_t bytes = e->kind == MID_TRACE_RESIZE ? mid_min(e->bytes, MID_PLAN_BYTES_MOST) : 0;
  uint32_t slot = block->slot;
  bool passed = block->last != thread;
  struct mid_plan_op op = {.slot = slot,
                           .need = passed ? p->version[slot] : 0,
                           .bytes = bytes & MID_PLAN_BYTES_MOST,
                           .kind = e->kind};
  put_op(p, thread, op);
  live_change(p, bytes, block->bytes);
  block->bytes = bytes;
  if (e->kind == MID_TRACE_RESIZE) {
    p->version[slot]++;
    block->last = thread;
    if (passed) block->own = false;
    return;
  }
  p->out->no_death--;
  if (!passed && block->own) slot_leave(&p->thread[thread], slot);
  mid_table_drop(&p->blocks, block);
}

static void fill(struct planner *p) {
  size_t count;
  mid_trace_rewind(p->trace, 0);
  while (mid_trace_next(p->trace)) {
    const struct mid_trace_event *const *event = mid_trace_in_order(p->trace, &count);
    for (size_t i = 0; i < count; i++) {
      const struct mid_trace_event *e = event[i];
      if (e->process == p->process && e->kind == MID_TRACE_LOST_FREE) p->out->no_birth++;
      if (!is_planned(p, e)) continue;
      uint32_t thread = (uint32_t)(thread_of(p, e->thread) - p->thread);
      if (mid_trace_is_birth(e->kind))
        plan_birth(p, e, thread);
      else
        plan_other(p, e, thread);
    }
  }
}

// ---- the whole ----

static const char *plan_all(struct planner *p) {
  count_events(p);
  if (p->count == 0) return "it has no allocations";
  share_lanes(p);
  if (p->lanes > MID_REPLAY_LANES_MOST)
    return "more than 1024 of its threads ran at once, which no replay can";
  const char *why = lay_out(p);
  if (why != NULL) return why;
  fill(p);
  write_threads(p);
  p->plan->ops = p->done;
  p->plan->slots = p->slots;
  return NULL;
}

const char *mid_plan_make(struct mid_trace *t, uint32_t process, struct mid_planned *out) {
  struct planner p = {.trace = t,
                      .process = process,
                      .threads = mid_table_open(sizeof(uint64_t)),
                      .blocks = mid_table_open(sizeof(struct plan_block)),
                      .out = out};
  *out = (struct mid_planned){.fd = -1, .process = process};
  const char *why = plan_all(&p);
  for (uint32_t i = 0; i < p.count; i++) free(p.thread[i].left.slot);
  free(p.thread);
  free(p.version);
  free(p.lane);
  mid_table_close(&p.threads);
  mid_table_close(&p.blocks);
  if (why != NULL) mid_plan_close(out);
  return why;
}

void mid_plan_close(struct mid_planned *planned) {
  if (planned->plan != NULL) munmap((void *)(uintptr_t)planned->plan, planned->plan->bytes);
  if (planned->fd >= 0) close(planned->fd);
  planned->plan = NULL;
  planned->fd = -1;
}

uint32_t mid_plan_busiest(struct mid_trace *t) {
  uint64_t *events = NULL;
  uint32_t count = 0, best = 0;
  mid_trace_rewind(t, 0);
  while (mid_trace_next(t))
    for (size_t i = 0; i < mid_trace_threads(t); i++) {
      const struct mid_trace_thread *thread = mid_trace_thread_at(t, i);
      for (; count < thread->process; count++) {
        events = mid_grown(events, count, sizeof *events);
        events[count] = 0;
      }
      events[thread->process - 1] += thread->events;
    }
  for (uint32_t i = 0; i < count; i++)
    if (events[i] > 0 && (best == 0 || events[i] > events[best - 1])) best = i + 1;
  free(events);
  return best;
}
