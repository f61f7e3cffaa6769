// walk/last_look.c -- see last_look.h.
// SPDX-License-Identifier: MIT
#include "walk/last_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "walk/leaks.h"
#include "walk/samples.h"
#include "walk/stacks.h"

// ---- what is lost -------------------------------------------------------------------------------

static struct mid_lost lost_of(const struct mid_leak_group *g) {
  struct mid_lost lost = {.stack = g->site != NULL ? g->site->stack : 0, .sure = g->confidence};
  snprintf(lost.name, sizeof lost.name, "%s", g->name);
  bool direct = g->blocks[MID_LEAK_DIRECT] + g->blocks[MID_LEAK_INDIRECT] > 0;
  lost.blocks = (double)g->blocks[direct ? MID_LEAK_DIRECT : MID_LEAK_POSSIBLE];
  lost.bytes = (double)g->bytes[direct ? MID_LEAK_DIRECT : MID_LEAK_POSSIBLE];
  lost.held = (double)g->blocks[MID_LEAK_INDIRECT];
  lost.held_bytes = (double)g->bytes[MID_LEAK_INDIRECT];
  if (!direct) lost.sure = MID_POSSIBLE;
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
    if (late && lost.sure == MID_CERTAIN) lost.sure = MID_LIKELY;
    look->lost[look->facts.losts++] = lost;
  }
  look->facts.lost = look->lost;
}

static const char *find_lost(struct mid_last_look *look, const struct mid_target *target,
                             struct mid_symbols *symbols, bool forked, bool late) {
  struct mid_blocks blocks;
  struct mid_leaks leaks;
  struct mid_profile profile;
  const char *wrong = mid_blocks_read(target, &blocks);
  if (wrong != NULL) return wrong;
  bool known = mid_target_profile(target, &profile) == NULL;
  if ((wrong = mid_leaks_find(target, &blocks, known ? &profile : NULL, symbols, &leaks)) == NULL) {
    keep_lost(look, &leaks, forked, late);
    mid_leaks_close(&leaks);
  }
  if (known) mid_profile_close(&profile);
  mid_blocks_close(&blocks);
  return wrong;
}

// ---- stacks -------------------------------------------------------------------------------------

static void keep_stacks(struct mid_last_look *look, const struct mid_target *target) {
  look->deep = calloc(target->threads + 1, sizeof *look->deep);
  if (look->deep == NULL) abort();
  for (size_t i = 0; i < target->threads; i++) {
    struct mid_stack stack;
    if (!mid_stack_of(target, &target->thread[i], &stack)) continue;
    struct mid_deep_stack *deep = &look->deep[look->facts.deeps++];
    *deep = (struct mid_deep_stack){
        .tid = target->thread[i].tid, .used = stack.high - stack.touched, .limit = stack.limit};
    mid_stack_thread_name(target->pid, deep->tid, deep->name, sizeof deep->name);
  }
  look->facts.deep = look->deep;
}

// ---- the whole ----------------------------------------------------------------------------------

void mid_last_look_take(struct mid_process *p, const struct mid_tracer_end *end,
                        struct mid_symbols *symbols) {
  struct mid_target target;
  if (p->last_look != NULL) return;  // a signal killed it, and now it exits
  struct mid_last_look *look = p->last_look = calloc(1, sizeof *look);
  if (look == NULL) abort();
  const char *wrong = end == NULL ? mid_target_stop(p->pid, &target)
                                  : mid_target_adopt(p->pid, end->held, end->helds, &target);
  if (wrong == NULL) {
    bool late = end != NULL && end->late && p->image.process.heaps_peak > 1;
    wrong = find_lost(look, &target, symbols, p->image.forked_ticks != 0, late);
    keep_stacks(look, &target);
    mid_target_close(&target);
    p->facts = &look->facts;
  }
  if (wrong != NULL) snprintf(look->missed, sizeof look->missed, "%s", wrong);
  p->seen_last = wrong == NULL;
}

void mid_last_look_close(struct mid_process *p) {
  if (p->last_look == NULL) return;
  free(p->last_look->lost);
  free(p->last_look->deep);
  free(p->last_look);
  p->last_look = NULL;
  p->facts = NULL;
}
