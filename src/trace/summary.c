// trace/summary.c -- see summary.h.
// SPDX-License-Identifier: MIT
#include "trace/summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

struct summary_live {
  uint64_t bytes, tick;
  uint32_t stack;
};

enum { NUMBER_BITS = 40 };  // of a block's key; the rest is its thread's number here

void mid_summary_open(struct mid_summary *s) { *s = (struct mid_summary){.point_ticks = 1}; }

void mid_summary_close(struct mid_summary *s) {
  for (uint32_t i = 0; i < s->processes; i++) {
    mid_table_close(&s->process[i].blocks);
    mid_table_close(&s->process[i].threads);
  }
  free(s->process);
  free(s->site);
}

static struct mid_summary_process *process_at(struct mid_summary *s, uint32_t number) {
  for (; s->processes < number; s->processes++) {
    s->process = realloc(s->process, (s->processes + 1) * sizeof *s->process);
    if (s->process == NULL) abort();
    s->process[s->processes] =
        (struct mid_summary_process){.blocks = mid_table_open(sizeof(struct summary_live)),
                                     .threads = mid_table_open(sizeof(uint32_t))};
  }
  return &s->process[number - 1];
}

static uint64_t summary_thread(struct mid_summary_process *p, uint32_t thread) {
  uint32_t *number = mid_table_add(&p->threads, thread);
  if (*number == 0) *number = (uint32_t)p->threads.count;
  return *number;
}

static uint64_t key_of(struct mid_summary_process *p, const struct mid_trace_block *block) {
  uint64_t number = block->number & (((uint64_t)1 << NUMBER_BITS) - 1);
  return (summary_thread(p, block->thread) << NUMBER_BITS | number) & (UINT64_MAX >> 1);
}

// ---- over time ----

static void points_halve(struct mid_summary *s) {
  for (size_t i = 0; i < MID_SUMMARY_POINTS / 2; i++)
    s->point[i] = mid_max(s->point[2 * i], s->point[2 * i + 1]);
  memset(s->point + MID_SUMMARY_POINTS / 2, 0, sizeof s->point / 2);
  s->points = (s->points + 1) / 2;
  s->point_ticks *= 2;
}

// Until `tick` as much was live as is now.
static void points_reach(struct mid_summary *s, uint64_t tick) {
  while (tick / s->point_ticks >= MID_SUMMARY_POINTS) points_halve(s);
  size_t last = (size_t)(tick / s->point_ticks);
  for (size_t i = s->points == 0 ? 0 : s->points - 1; i <= last; i++)
    s->point[i] = mid_max(s->point[i], s->live_bytes);
  s->points = mid_max(s->points, last + 1);
}

// ---- blocks ----

static struct mid_summary_site *site_at(struct mid_summary *s, uint32_t stack) {
  if (stack >= s->sites) {
    uint32_t count = (uint32_t)mid_max(stack + 1, 2 * (size_t)s->sites);
    s->site = realloc(s->site, count * sizeof *s->site);
    if (s->site == NULL) abort();
    memset(s->site + s->sites, 0, (count - s->sites) * sizeof *s->site);
    s->sites = count;
  }
  return &s->site[stack];
}

static void add_to(struct mid_summary_bin *bin, uint64_t bytes) {
  bin->blocks++;
  bin->bytes += bytes;
}

static void live_add(struct mid_summary *s, const struct summary_live *live) {
  struct mid_summary_site *site = site_at(s, live->stack);
  s->live_blocks++;
  s->live_bytes += live->bytes;
  site->live_blocks++;
  site->live_bytes += live->bytes;
}

static void live_drop(struct mid_summary *s, const struct summary_live *live) {
  struct mid_summary_site *site = site_at(s, live->stack);
  s->live_blocks--;
  s->live_bytes -= live->bytes;
  site->live_blocks--;
  site->live_bytes -= live->bytes;
}

static void note_peak(struct mid_summary *s, uint64_t tick) {
  if (s->live_bytes > s->peak_bytes) s->peak_bytes = s->live_bytes, s->peak_tick = tick;
  s->peak_blocks = mid_max(s->peak_blocks, s->live_blocks);
}

static void add_birth(struct mid_summary *s, const struct mid_trace_event *e) {
  struct mid_summary_process *p = process_at(s, e->process);
  struct summary_live *live = mid_table_add(&p->blocks, key_of(p, &e->block));
  if (live->tick != 0) s->broken++, live_drop(s, live);
  // Ticks are kept one too large, so that 0 is none.
  *live = (struct summary_live){e->bytes, e->tick + 1, e->stack};
  struct mid_summary_site *site = site_at(s, e->stack);
  site->births++;
  site->bytes += e->bytes;
  s->births++;
  s->bytes += e->bytes;
  add_to(&s->sizes[e->bytes == 0 ? 0 : mid_min(mid_log2(e->bytes) + 1, MID_SUMMARY_SIZES - 1)],
         e->bytes);
  live_add(s, live);
}

static size_t life_bin(uint64_t ticks) {
  uint64_t most = 10;  // a microsecond
  size_t bin = 0;
  for (; bin < MID_SUMMARY_LIVES - 2 && ticks >= most; bin++) most *= 10;
  return bin;
}

static void add_free(struct mid_summary *s, const struct mid_trace_event *e) {
  struct mid_summary_process *p = process_at(s, e->process);
  struct summary_live *live = mid_table_find(&p->blocks, key_of(p, &e->block));
  s->frees++;
  s->unseen += e->unseen;
  if (live == NULL) {
    s->broken++;
    return;
  }
  live_drop(s, live);
  add_to(&s->lives[life_bin(e->tick + 1 - live->tick)], live->bytes);
  mid_table_drop(&p->blocks, live);
}

static void add_resize(struct mid_summary *s, const struct mid_trace_event *e) {
  struct mid_summary_process *p = process_at(s, e->process);
  struct summary_live *live = mid_table_find(&p->blocks, key_of(p, &e->block));
  s->resizes++;
  if (live == NULL) {
    s->broken++;
    return;
  }
  live_drop(s, live);
  live->bytes = e->bytes;
  live_add(s, live);
}

static void add_exit(struct mid_summary *s, struct mid_summary_process *p) {
  for (size_t i = 0; i < p->blocks.places; i++) {
    const struct summary_live *live =
        (const struct summary_live *)(const void *)p->blocks.record + i;
    if (p->blocks.key[i] == 0) continue;
    add_to(&s->lives[MID_SUMMARY_LIVES - 1], live->bytes);
    live_drop(s, live);
  }
  mid_table_close(&p->blocks);
}

static void summary_event(struct mid_summary *s, const struct mid_trace_event *e) {
  points_reach(s, e->tick);
  s->events++;
  s->passed += e->passed;
  if (mid_trace_is_birth(e->kind))
    add_birth(s, e);
  else if (e->kind == MID_TRACE_FREE)
    add_free(s, e);
  else if (e->kind == MID_TRACE_RESIZE)
    add_resize(s, e);
  else if (e->kind == MID_TRACE_LOST_FREE)
    s->unborn++;
  else
    add_exit(s, process_at(s, e->process));
  note_peak(s, e->tick);
  points_reach(s, e->tick);
  s->ticks = e->tick;
}

void mid_summary_add(struct mid_summary *s, struct mid_trace *t) {
  size_t count;
  const struct mid_trace_event *const *event = mid_trace_in_order(t, &count);
  for (size_t i = 0; i < mid_trace_threads(t); i++) {
    const struct mid_trace_thread *thread = mid_trace_thread_at(t, i);
    if (thread->thread != 0) summary_thread(process_at(s, thread->process), thread->thread);
  }
  s->lost += mid_trace_lost(t);
  for (size_t i = 0; i < count; i++) summary_event(s, event[i]);
}

void mid_summary_end(struct mid_summary *s) {
  uint64_t blocks = s->live_blocks, bytes = s->live_bytes;
  for (uint32_t i = 0; i < s->processes; i++) {
    s->threads += s->process[i].threads.count;
    add_exit(s, &s->process[i]);
  }
  s->live_blocks = blocks;
  s->live_bytes = bytes;
}

size_t mid_summary_top(const struct mid_summary *s, uint32_t *row, size_t most) {
  size_t count = 0;
  for (uint32_t i = 0; i < s->sites; i++) {
    size_t at = count;
    while (at > 0 && s->site[row[at - 1]].bytes < s->site[i].bytes) at--;
    if (s->site[i].births == 0 || at == most) continue;
    if (count < most) count++;
    memmove(&row[at + 1], &row[at], (count - at - 1) * sizeof *row);
    row[at] = i;
  }
  return count;
}
