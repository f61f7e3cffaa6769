// walk/last_look.c -- see last_look.h.
// SPDX-License-Identifier: MIT
#include "walk/last_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/stacks.h"
#include "walk/contents.h"
#include "walk/lost.h"
#include "walk/mapped.h"
#include "walk/stacks.h"
#include "walk/waiting.h"

// More would hold the process up for seconds.
enum { HELD_BLOCKS = 2000000 };

// ---- what is lost -------------------------------------------------------------------------------

static struct mid_lost lost_of(const struct mid_leak_group *g) {
  struct mid_lost lost = {.stack = g->site != NULL ? g->site->stack : 0,
                          .sampled = g->naming == MID_LEAK_BY_STACK,
                          .sure = g->confidence,
                          .why = g->why};
  snprintf(lost.name, sizeof lost.name, "%s", g->name);
  bool direct = g->blocks[MID_LEAK_DIRECT] + g->blocks[MID_LEAK_INDIRECT] > 0;
  lost.blocks = (double)g->blocks[direct ? MID_LEAK_DIRECT : MID_LEAK_POSSIBLE];
  lost.bytes = (double)g->bytes[direct ? MID_LEAK_DIRECT : MID_LEAK_POSSIBLE];
  lost.held = (double)g->blocks[MID_LEAK_INDIRECT];
  lost.held_bytes = (double)g->bytes[MID_LEAK_INDIRECT];
  return lost;
}

// Of a process that was forked only the blocks that it sampled itself are surely its own: what has
// no sample may have been lost by its parent, and is so there.
static struct mid_lost lost_since_fork(const struct mid_leaks *leaks, uint32_t group) {
  const struct mid_leak_group *g = &leaks->group[group];
  struct mid_lost lost = lost_of(g);
  lost.blocks = lost.bytes = lost.held = lost.held_bytes = 0;
  for (size_t i = 0; i < leaks->count; i++) {
    const struct mid_leak_block *b = &leaks->block[i];
    if (b->group != group || !b->sampled || b->kind == MID_LEAK_POSSIBLE) continue;
    bool held = b->kind == MID_LEAK_INDIRECT;
    *(held ? &lost.held : &lost.blocks) += 1;
    *(held ? &lost.held_bytes : &lost.bytes) += (double)b->bytes;
  }
  return lost;
}

// late  other threads are gone, and with them pointers that only their registers held
static void keep_lost(struct mid_last_look *look, const struct mid_leaks *leaks, bool forked,
                      bool late) {
  look->lost = calloc(leaks->groups + 1, sizeof *look->lost);
  if (look->lost == NULL) abort();
  for (size_t i = 0; i < leaks->groups; i++) {
    struct mid_lost lost = forked ? lost_since_fork(leaks, (uint32_t)i) : lost_of(&leaks->group[i]);
    if (lost.blocks + lost.held == 0) continue;
    if (late && lost.sure == MID_CERTAIN) {
      lost.sure = MID_LIKELY;
      lost.why =
          "nothing points to them, but other threads had ended, and with them what only "
          "their registers held";
    }
    look->lost[look->facts.losts++] = lost;
  }
  look->facts.lost = look->lost;
}

// ---- spans --------------------------------------------------------------------------------------

static uint64_t live_in(const struct mid_blocks *blocks, const struct mid_blocks_span *span) {
  uint64_t live = 0;
  for (uint32_t i = 0; i < span->count; i++) live += mid_blocks_is_live(blocks, span->first + i);
  return live;
}

static void keep_spans(struct mid_last_look *look, const struct mid_blocks *blocks) {
  look->span = calloc(blocks->spans + 1, sizeof *look->span);
  if (look->span == NULL) abort();
  for (size_t i = 0; i < blocks->spans; i++) {
    const struct mid_blocks_span *span = &blocks->span[i];
    if (span->large || span->cells != 0) continue;
    look->span[look->facts.spans++] =
        (struct mid_filled_span){.block_bytes = span->block_bytes, .live = live_in(blocks, span)};
  }
  look->facts.span = look->span;
}

// What only the heap tells; in *lost what is lost, for mid_lost_close.
static const char *walk_heap(struct mid_last_look *look, const struct mid_target *target,
                             const struct mid_process *p, struct mid_symbols *symbols,
                             mid_last_look_holders *holders, struct mid_lost_look *lost) {
  struct mid_blocks blocks;
  const char *wrong = mid_blocks_read(target, &blocks);
  // Of a process that never came to the heap all that it maps is its own.
  if ((wrong == NULL || !p->has_feed) && mid_mapped_find(p, &blocks, &look->mapped))
    look->facts.mapped = &look->mapped;
  if (wrong != NULL) return wrong;
  wrong = mid_lost_take(target, &blocks, symbols, lost);
  if (wrong == NULL && lost->no_profile == NULL)
    look->facts.contents = mid_contents_find(target, &lost->profile, &look->content);
  look->facts.content = look->content;
  keep_spans(look, &blocks);
  look->facts.waitings = mid_waiting_find(target, &blocks, &look->waiting);
  look->facts.waiting = look->waiting;
  bool asked = wrong == NULL && holders != NULL && blocks.live_blocks < HELD_BLOCKS;
  mid_blocks_close(&blocks);
  if (asked) look->facts.holders = holders(target, symbols, &look->holder);
  look->facts.holder = look->holder;
  return wrong;
}

// ---- stacks -------------------------------------------------------------------------------------

static void keep_stacks(struct mid_last_look *look, const struct mid_target *target) {
  look->deep = calloc(target->threads + 2, sizeof *look->deep);
  if (look->deep == NULL) abort();
  if (look->story.deep.overflowed) look->deep[look->facts.deeps++] = look->story.deep;
  for (size_t i = 0; i < target->threads; i++) {
    struct mid_stack stack;
    if (look->story.deep.overflowed && target->thread[i].tid == look->story.deep.tid) continue;
    if (!mid_stack_of(target, &target->thread[i], &stack)) continue;
    struct mid_deep_stack *deep = &look->deep[look->facts.deeps++];
    *deep = (struct mid_deep_stack){.tid = target->thread[i].tid,
                                    .used = stack.high - stack.touched,
                                    .limit = stack.limit,
                                    .first = stack.first};
    mid_stacks_name(target->pid, deep->tid, deep->name, sizeof deep->name);
  }
  look->facts.deep = look->deep;
}

// ---- the whole ----------------------------------------------------------------------------------

// A fault that is handled may be of no account; where the program then ends by itself it was what
// it died of.
static bool is_crash(const struct mid_last_look *look, const struct mid_tracer_end *end) {
  if (end == NULL || !end->all || !mid_crash_is_one(end->info.si_signo)) return false;
  return look->facts.crash == NULL || (!end->handled && end->info.si_code > 0);
}

static void keep_crash(struct mid_last_look *look, const struct mid_target *target,
                       const struct mid_tracer_end *end, const char *said,
                       struct mid_symbols *symbols) {
  mid_crash_close(&look->story);
  mid_crash_read(target, end, said, symbols, &look->story);
  look->facts.crash = &look->story.crash;
}

static const char *take(struct mid_last_look *look, const struct mid_target *target,
                        const struct mid_process *p, const struct mid_tracer_end *end,
                        struct mid_symbols *symbols, mid_last_look_holders *holders) {
  if (is_crash(look, end)) keep_crash(look, target, end, p->image.last_words, symbols);
  if (end != NULL && end->handled) return NULL;
  struct mid_lost_look lost;
  bool late = end != NULL && end->late && p->image.process.heaps_peak > 1;
  keep_stacks(look, target);
  look->taken = true;
  const char *wrong = walk_heap(look, target, p, symbols, holders, &lost);
  if (wrong != NULL) return wrong;
  keep_lost(look, &lost.leaks, p->image.forked_ticks != 0, late);
  mid_lost_close(&lost);
  return NULL;
}

static struct mid_last_look *look_of(struct mid_process *p) {
  if (p->last_look == NULL) p->last_look = calloc(1, sizeof *p->last_look);
  if (p->last_look == NULL) abort();
  return p->last_look;
}

static void miss(struct mid_last_look *look, const char *why) {
  snprintf(look->missed, sizeof look->missed, "%s", why);
}

void mid_last_look_skip(struct mid_process *p, const char *why) {
  if (!look_of(p)->taken) miss(look_of(p), why);
}

void mid_last_look_take(struct mid_process *p, const struct mid_tracer_end *end,
                        struct mid_symbols *symbols, mid_last_look_holders *holders) {
  struct mid_target target;
  struct mid_last_look *look = look_of(p);
  if (look->taken || (end != NULL && end->handled && look->facts.crash != NULL)) return;
  const char *wrong = end == NULL ? mid_target_stop(p->pid, &target)
                                  : mid_target_adopt(p->pid, end->held, end->helds, &target);
  if (wrong == NULL) {
    wrong = take(look, &target, p, end, symbols, holders);
    mid_target_close(&target);
    p->facts = &look->facts;
  }
  if (wrong != NULL) miss(look, wrong);
  p->seen_last = look->taken && wrong == NULL;
}

// NULL, or what went wrong.
static const char *look_while_it_runs(struct mid_last_look *look, const struct mid_process *p,
                                      struct mid_symbols *symbols, mid_last_look_holders *holders) {
  struct mid_target target;
  struct mid_lost_look lost;
  const char *wrong = mid_target_copy(p->pid, &target);
  if (wrong != NULL) return wrong;
  keep_stacks(look, &target);
  wrong = walk_heap(look, &target, p, symbols, holders, &lost);
  mid_target_close(&target);
  if (wrong == NULL) wrong = mid_lost_again(p->pid, symbols, &lost);
  if (wrong != NULL) return wrong;
  keep_lost(look, &lost.leaks, p->image.forked_ticks != 0, false);
  mid_lost_close(&lost);
  return NULL;
}

void mid_last_look_running(struct mid_process *p, struct mid_symbols *symbols,
                           mid_last_look_holders *holders) {
  struct mid_last_look *look = look_of(p);
  const char *wrong = look_while_it_runs(look, p, symbols, holders);
  if (wrong != NULL) miss(look, wrong);
  p->facts = &look->facts;
}

static void holder_close(struct mid_holder *holder) {
  free(holder->function);
  free(holder->file);
  for (size_t i = 0; i < holder->steps; i++) free(holder->step[i]);
}

void mid_last_look_close(struct mid_process *p) {
  if (p->last_look == NULL) return;
  mid_crash_close(&p->last_look->story);
  free(p->last_look->lost);
  free(p->last_look->deep);
  free(p->last_look->span);
  free(p->last_look->waiting);
  free(p->last_look->content);
  for (size_t i = 0; i < p->last_look->facts.holders; i++) holder_close(&p->last_look->holder[i]);
  free(p->last_look->holder);
  free(p->last_look);
  p->last_look = NULL;
  p->facts = NULL;
}
