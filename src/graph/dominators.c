// graph/dominators.c -- see dominators.h.
// SPDX-License-Identifier: MIT
//
// Nodes get numbers in the order of a depth-first search, the root 1; 0 is none.  Inside, nodes are
// known by these, since what is near each other in the search is then near each other in memory.
#include "graph/dominators.h"

#include <stdbool.h>
#include <string.h>

struct place {
  // `up` is the parent in the tree of the search, and in the first phase compressed to an ancestor;
  // `low` the least semidominator on the way to there.  In the second phase they are a jump in the
  // tree of dominators, and the depth in it.
  uint32_t up, low;
  uint32_t semi;   // the semidominator; until it is found, the place in `before`
  uint32_t above;  // the parent in the search, then the dominator
};

struct search {
  struct mid_edges *e;
  uint32_t *number;     // by node
  uint32_t *node;       // by number
  struct place *place;  // by number
  uint32_t count;
  struct mid_array number_, place_, stack;  // the stack: a node, and the parent's number above it
  size_t height;
  // Who points at a node, beside its parent: those of number n from before[place[n].semi] up to
  // where those of n + 1 begin.
  uint32_t *before;
  struct mid_array before_;
};

static const uint32_t DROPPED = UINT32_MAX;  // as an edge

enum { AHEAD = 32 };  // entries that are fetched before they are needed

// ---- the search ---------------------------------------------------------------------------------

static void push(struct search *s, uint32_t node, uint32_t parent) {
  mid_array_grow(&s->stack, (s->height + 1) * sizeof(uint64_t));
  ((uint64_t *)s->stack.at)[s->height++] = (uint64_t)parent << 32 | node;
  __builtin_prefetch(&s->number[node]);
  __builtin_prefetch(&s->e->offset[node]);
}

static uint32_t take_number(struct search *s, uint32_t node, uint32_t parent) {
  uint32_t n = ++s->count;
  s->number[node] = n;
  s->node[n] = node;
  s->place[n] = (struct place){.up = parent, .low = n, .above = parent};
  return n;
}

// What has waited on the stack is in no cache any more: its number is fetched four steps before it
// is needed, its row two.
static void fetch_below(const struct search *s, const uint64_t *top) {
  if (s->height < 4) return;
  __builtin_prefetch(&s->number[(uint32_t)top[-4]]);
  __builtin_prefetch(&s->e->offset[(uint32_t)top[-4]]);
  __builtin_prefetch(&s->e->target[s->e->offset[(uint32_t)top[-2]]]);
}

// Everything that is reached from `node` and has no number yet.
static void search_from(struct search *s, uint32_t node, uint32_t parent) {
  const struct mid_edges *e = s->e;
  push(s, node, parent);
  while (s->height > 0) {
    const uint64_t *top = (uint64_t *)s->stack.at + --s->height;
    uint32_t at = (uint32_t)*top, number;
    fetch_below(s, top);
    if (s->number[at] != 0) continue;
    number = take_number(s, at, (uint32_t)(*top >> 32));
    for (size_t i = e->offset[at]; i < e->offset[at + 1]; i++)
      if (e->target[i] != DROPPED) push(s, mid_edge_to(e->target[i]), number);
  }
}

static bool test_bit(const uint64_t *bits, uint32_t i) { return bits[i / 64] >> i % 64 & 1; }

static void hang(struct search *s, uint32_t block, uint32_t parent) {
  mid_edges_add(s->e, mid_edge(block, false));
  search_from(s, block, parent);
}

// What has no number yet hangs from the last owner: first the blocks that nothing points at, then
// one of each ring that is left.
static uint32_t search_unheld(struct search *s) {
  struct mid_edges *e = s->e;
  uint32_t before = s->count, owner = take_number(s, mid_edges_unheld(e), 1);
  struct mid_array pointed = mid_array_open((size_t)e->blocks / 8 + 8);
  uint64_t *bits = pointed.at;
  for (uint32_t b = 0; b < e->blocks; b++)
    for (size_t i = e->offset[b]; s->number[b] == 0 && i < e->offset[b + 1]; i++)
      bits[mid_edge_to(e->target[i]) / 64] |= (uint64_t)1 << mid_edge_to(e->target[i]) % 64;
  for (uint32_t b = 0; b < e->blocks; b++)
    if (s->number[b] == 0 && !test_bit(bits, b)) hang(s, b, owner);
  for (uint32_t b = 0; b < e->blocks; b++)
    if (s->number[b] == 0) hang(s, b, owner);
  e->offset[e->rows] = (uint32_t)e->count;
  mid_array_close(&pointed);
  return s->count - before - 1;
}

// ---- owners -------------------------------------------------------------------------------------

// Edges of an owner to what those of lower ranks reach, the first `held` numbers, hold nothing.
static void drop_held(struct search *s, uint32_t owner, uint32_t held) {
  struct mid_edges *e = s->e;
  for (size_t i = e->offset[owner]; i < e->offset[owner + 1]; i++) {
    uint32_t number = s->number[mid_edge_to(e->target[i])];
    if (number != 0 && number <= held) e->target[i] = DROPPED;
  }
}

// The owners' rows are the last ones.
static void close_gaps(struct mid_edges *e) {
  size_t kept = e->offset[e->blocks], at = kept;
  for (uint32_t owner = e->blocks; owner < e->rows; owner++) {
    for (; at < e->offset[owner + 1]; at++)
      if (e->target[at] != DROPPED) e->target[kept++] = e->target[at];
    e->offset[owner + 1] = (uint32_t)kept;
  }
  e->count = kept;
}

static void search_owners(struct search *s, const uint8_t *rank, uint32_t root) {
  struct mid_edges *e = s->e;
  for (int r = 0; r < MID_RANKS; r++) {
    uint32_t held = s->count;
    for (uint32_t owner = e->blocks; owner < mid_edges_unheld(e); owner++) {
      if ((rank == NULL ? 0 : rank[owner - e->blocks]) != r) continue;
      if (r > 0) drop_held(s, owner, held);
      search_from(s, owner, root);
    }
  }
  close_gaps(e);
}

static uint32_t search(struct search *s, const uint8_t *rank) {
  uint32_t root = take_number(s, mid_edges_root(s->e), 0);
  search_owners(s, rank, root);
  uint32_t unheld = search_unheld(s);
  mid_array_close(&s->stack);
  return unheld;
}

// ---- who points at whom, by number --------------------------------------------------------------

// Edge `i`'s end, or the last one's.
static uint32_t number_to(const struct search *s, size_t i) {
  if (i >= s->e->count) i = s->e->count - 1;
  return s->number[mid_edge_to(s->e->target[i])];
}

static void fetch_ahead(const struct search *s, size_t i, bool fill) {
  const struct mid_edges *e = s->e;
  if (i + 3 * AHEAD < e->count)
    __builtin_prefetch(&s->number[mid_edge_to(e->target[i + 3 * AHEAD])]);
  __builtin_prefetch(&s->place[number_to(s, i + 2 * AHEAD)], 1);
  if (fill) __builtin_prefetch(&s->before[s->place[number_to(s, i + AHEAD)].semi - 1], 1);
}

// Count the edges by where they lead, or fill in where they come from, each row from its end.  The
// edges of the search's own tree are known.
static void turn(struct search *s, bool fill) {
  const struct mid_edges *e = s->e;
  for (uint32_t row = 0; row < e->rows; row++) {
    uint32_t from = s->number[row];
    for (size_t i = e->offset[row]; i < e->offset[row + 1]; i++) {
      fetch_ahead(s, i, fill);
      struct place *to = &s->place[number_to(s, i)];
      if (to->above == from) continue;
      if (fill)
        s->before[--to->semi] = from;
      else
        to->semi++;
    }
  }
}

// returns  how many edges there are beside the tree
static size_t turn_edges(struct search *s) {
  size_t sum = 0;
  turn(s, false);
  for (uint32_t n = 1; n <= s->count; n++) s->place[n].semi = (uint32_t)(sum += s->place[n].semi);
  s->before_ = mid_array_open((sum + 1) * sizeof *s->before);
  s->before = s->before_.at;
  turn(s, true);
  return sum;
}

// ---- semidominators -----------------------------------------------------------------------------

// The least semidominator from `n` up to where numbers are not above `done`.  The way is kept on
// the stack and then compressed, from its upper end down.
static uint32_t least_above(struct search *s, uint32_t n, uint32_t done) {
  struct place *place = s->place;
  size_t height = 0;
  for (; place[n].up > done; n = place[n].up) {
    mid_array_grow(&s->stack, (height + 1) * sizeof(uint32_t));
    ((uint32_t *)s->stack.at)[height++] = n;
  }
  while (height > 0) {
    uint32_t below = ((uint32_t *)s->stack.at)[--height];
    if (place[n].low < place[below].low) place[below].low = place[n].low;
    place[below].up = place[n].up;
    n = below;
  }
  return place[n].low;
}

static void find_semidominators(struct search *s, size_t edges) {
  struct place *place = s->place;
  for (uint32_t n = s->count; n > 1; n--) {
    uint32_t least = place[n].above, first = place[n].semi;
    for (size_t i = edges; i-- > first;) {
      if (i >= AHEAD) __builtin_prefetch(&place[s->before[i - AHEAD]], 1);
      uint32_t from = s->before[i], low = from <= n ? from : least_above(s, from, n);
      if (low < least) least = low;
    }
    place[n].semi = place[n].low = least;
    edges = first;
  }
  mid_array_close(&s->stack);
}

// ---- dominators ---------------------------------------------------------------------------------

// A jump leads to as many above as the two jumps before it together, where these are equal.
static void find_dominators(struct search *s) {
  struct place *place = s->place;
  place[1] = (struct place){.up = 1, .semi = 1, .above = 1};
  for (uint32_t n = 2; n <= s->count; n++) {
    uint32_t at = place[n].above, semi = place[n].semi;
    while (at > semi) at = place[at].up > semi ? place[at].up : place[at].above;
    const struct place *jump = &place[place[at].up];
    bool equal = place[at].low - jump->low == jump->low - place[jump->up].low;
    place[n].above = at;
    place[n].low = place[at].low + 1;
    place[n].up = equal ? jump->up : at;
  }
}

static void add_up(const struct search *s, const uint64_t *size, struct mid_dominators *d) {
  uint32_t blocks = s->e->blocks;
  for (uint32_t n = s->count; n > 1; n--) {
    uint32_t node = s->node[n], above = s->node[s->place[n].above];
    if (n > AHEAD) __builtin_prefetch(&d->retained[s->node[n - AHEAD]], 1);
    if (n > AHEAD) __builtin_prefetch(&d->above[s->node[n - AHEAD]], 1);
    if (n > AHEAD && s->node[n - AHEAD] < blocks) __builtin_prefetch(&size[s->node[n - AHEAD]]);
    if (node < blocks) d->retained[node] += size[node], d->count[node]++;
    d->above[node] = above;
    d->retained[above] += d->retained[node];
    d->count[above] += d->count[node];
  }
  d->above[s->node[1]] = s->node[1];
}

static void open_result(struct mid_dominators *d, size_t nodes) {
  d->above_ = mid_array_open(nodes * sizeof *d->above);
  d->retained_ = mid_array_open(nodes * sizeof *d->retained);
  d->count_ = mid_array_open(nodes * sizeof *d->count);
  d->above = d->above_.at;
  d->retained = d->retained_.at;
  d->count = d->count_.at;
}

void mid_dominators_make(struct mid_edges *e, const uint64_t *size, const uint8_t *rank,
                         struct mid_dominators *out) {
  size_t nodes = mid_edges_nodes(e);
  struct search s = {.e = e};
  *out = (struct mid_dominators){0};
  s.number_ = mid_array_open(nodes * sizeof *s.number);
  s.place_ = mid_array_open((nodes + 1) * sizeof *s.place);
  out->order_ = mid_array_open((nodes + 1) * sizeof *s.node);
  s.number = s.number_.at;
  s.place = s.place_.at;
  s.node = out->order_.at;
  out->unheld = search(&s, rank);
  size_t edges = turn_edges(&s);
  mid_array_close(&s.number_);
  find_semidominators(&s, edges);
  mid_array_close(&s.before_);
  find_dominators(&s);
  open_result(out, nodes);
  add_up(&s, size, out);
  mid_array_close(&s.place_);
  out->order = s.node + 1;
}

void mid_dominators_close(struct mid_dominators *d) {
  mid_array_close(&d->above_);
  mid_array_close(&d->order_);
  mid_array_close(&d->retained_);
  mid_array_close(&d->count_);
  *d = (struct mid_dominators){0};
}
