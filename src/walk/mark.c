// walk/mark.c -- what can be reached, and in what order what cannot: see reach.h.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "walk/reach.h"

static uint64_t *bits_open(uint32_t blocks) {
  uint64_t *bits = calloc((size_t)blocks / 64 + 1, sizeof *bits);
  if (bits == NULL) abort();
  return bits;
}

static inline void bits_set(uint64_t *bits, uint32_t block) {
  bits[block / 64] |= (uint64_t)1 << block % 64;
}

// Blocks to look at, kept on a stack.  Between it and the one that looks stands a short queue:
// while a block waits there the processor fetches where its edges are.
// source  C. Cher, A. Hosking, T. Vijaykumar, "Software Prefetching for Mark-Sweep Garbage
//         Collection", ASPLOS 2004
enum { MARK_AHEAD = 16 };
struct mark {
  const struct mid_reach *reach;
  uint64_t *bits;          // of what is reached
  const uint64_t *except;  // blocks that are another's; NULL: none
  bool weak;               // go along weak edges too
  uint32_t *stack;
  size_t count, room;
};

static inline void mark_push(struct mark *m, uint32_t edge) {
  uint32_t block = edge & ~MID_REACH_WEAK;
  if (mid_reach_bit(m->bits, block)) return;
  if (m->except != NULL && mid_reach_bit(m->except, block)) return;
  bits_set(m->bits, block);
  if (m->count == m->room) {
    m->room = m->room == 0 ? 4096 : 2 * m->room;
    m->stack = reallocarray(m->stack, m->room, sizeof *m->stack);
    if (m->stack == NULL) abort();
  }
  m->stack[m->count++] = block;
}

// `weak`: push what weak edges lead to; `strong`: what others do.
static inline void mark_edges(struct mark *m, uint32_t node, bool strong, bool weak) {
  for (uint64_t e = m->reach->first[node]; e < m->reach->first[node + 1]; e++)
    if ((m->reach->target[e] & MID_REACH_WEAK) != 0 ? weak : strong)
      mark_push(m, m->reach->target[e]);
}

static void mark_run(struct mark *m) {
  uint32_t queue[MARK_AHEAD];
  size_t in = 0, out = 0;
  while (m->count > 0 || in != out) {
    while (m->count > 0 && in - out < MARK_AHEAD) {
      uint32_t block = m->stack[--m->count];
      __builtin_prefetch(&m->reach->first[block]);
      queue[in++ % MARK_AHEAD] = block;
    }
    mark_edges(m, queue[out++ % MARK_AHEAD], true, m->weak);
  }
}

static void mark_roots(struct mark *m, const struct mid_roots *roots, bool weak) {
  for (uint32_t i = 0; i < m->reach->roots; i++)
    if (mid_root_is_weak(roots->root[i].kind) == weak)
      mark_edges(m, m->reach->blocks + i, true, false);
  mark_run(m);
}

// Together with the roots, which follow.
static void mark_kept(struct mark *m) {
  for (uint32_t block = 0; m->reach->kept != NULL && block < m->reach->blocks; block++)
    if (mid_reach_bit(m->reach->kept, block)) mark_push(m, block);
}

// What weak edges lead to, and whatever is behind.
static void mark_possible(struct mark *m, const uint64_t *left) {
  for (uint32_t i = 0; i < m->reach->roots; i++) mark_edges(m, m->reach->blocks + i, false, true);
  for (uint32_t block = 0; block < m->reach->blocks; block++)
    if (mid_reach_bit(m->except, block) || mid_reach_bit(left, block))
      mark_edges(m, block, false, true);
  m->weak = true;
  mark_run(m);
}

struct mid_reach_marks mid_reach_mark(const struct mid_reach *reach,
                                      const struct mid_roots *roots) {
  struct mid_reach_marks out = {bits_open(reach->blocks), bits_open(reach->blocks),
                                bits_open(reach->blocks)};
  struct mark m = {.reach = reach, .bits = out.held};
  mark_kept(&m);
  mark_roots(&m, roots, false);
  m.bits = out.left;
  m.except = out.held;
  mark_roots(&m, roots, true);
  memcpy(out.possible, out.left, ((size_t)reach->blocks / 64 + 1) * sizeof *out.possible);
  m.bits = out.possible;
  mark_possible(&m, out.left);
  free(m.stack);
  return out;
}

void mid_reach_marks_close(struct mid_reach_marks *marks) {
  free(marks->held);
  free(marks->possible);
  free(marks->left);
  *marks = (struct mid_reach_marks){0};
}

// ---- what is lost ----
//
// A depth-first search over the lost blocks leaves the ones it finishes last before those they lead
// to, but for cycles; so going through the order from its end, a block that no leader has yet is
// one itself.  After S. R. Kosaraju, as told by M. Sharir, "A Strong-Connectivity Algorithm and Its
// Applications in Data Flow Analysis", Comput. Math. Appl. 7(1), 1981.

struct lost_place {
  uint32_t block;
  uint64_t edge;  // to go along next
};

struct lost {
  const struct mid_reach *reach;
  uint64_t *left;  // lost blocks that were not come to yet
  struct lost_place *path;
  size_t depth, room;
  uint32_t *order;  // finished first to last
  size_t ordered;
};

// Go to a block that was not come to yet.
static void lost_enter(struct lost *l, uint32_t block) {
  if (l->depth == l->room) {
    l->room = l->room == 0 ? 1024 : 2 * l->room;
    l->path = reallocarray(l->path, l->room, sizeof *l->path);
    if (l->path == NULL) abort();
  }
  l->left[block / 64] &= ~((uint64_t)1 << block % 64);
  l->path[l->depth++] = (struct lost_place){block, l->reach->first[block]};
}

static void lost_search(struct lost *l, uint32_t block) {
  lost_enter(l, block);
  while (l->depth > 0) {
    struct lost_place *here = &l->path[l->depth - 1];
    if (here->edge == l->reach->first[here->block + 1]) {
      l->order[l->ordered++] = here->block;
      l->depth--;
      continue;
    }
    uint32_t target = l->reach->target[here->edge++] & ~MID_REACH_WEAK;
    if (mid_reach_bit(l->left, target)) lost_enter(l, target);
  }
}

// Lost blocks, a bit each; how many there are.
static size_t lost_blocks(const struct mid_blocks *blocks, const struct mid_reach_marks *marks,
                          uint64_t *out) {
  size_t count = 0;
  for (uint32_t i = 0; i < blocks->blocks / 64 + 1; i++) {
    uint64_t live = i * 64 < blocks->blocks ? blocks->live[i] : 0;
    if (blocks->blocks - i * 64 < 64) live &= ((uint64_t)1 << (blocks->blocks - i * 64)) - 1;
    out[i] = live & ~marks->held[i] & ~marks->possible[i];
    count += (size_t)__builtin_popcountll(out[i]);
  }
  return count;
}

static void lost_lead(struct mark *m, uint32_t leader, void (*visit)(void *, uint32_t, uint32_t),
                      void *self) {
  mark_push(m, leader);
  while (m->count > 0) {
    uint32_t block = m->stack[--m->count];
    visit(self, block, leader);
    mark_edges(m, block, true, true);
  }
}

void mid_reach_lost(const struct mid_reach *reach, const struct mid_blocks *blocks,
                    const struct mid_reach_marks *marks,
                    void (*visit)(void *self, uint32_t block, uint32_t leader), void *self) {
  size_t words = (size_t)blocks->blocks / 64 + 1;
  struct lost l = {.reach = reach, .left = bits_open(blocks->blocks)};
  size_t count = lost_blocks(blocks, marks, l.left);
  uint64_t *done = bits_open(blocks->blocks);
  l.order = malloc((count + 1) * sizeof *l.order);
  if (l.order == NULL) abort();
  for (size_t i = 0; i < words; i++) done[i] = ~l.left[i];  // all others are nobody's
  for (size_t i = 0; i < words; i++)
    while (l.left[i] != 0)
      lost_search(&l, (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(l.left[i]));
  struct mark m = {.reach = reach, .bits = done};
  for (size_t i = l.ordered; i-- > 0;)
    if (!mid_reach_bit(done, l.order[i])) lost_lead(&m, l.order[i], visit, self);
  free(m.stack);
  free(done);
  free(l.left);
  free(l.path);
  free(l.order);
}
