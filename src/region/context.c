// region/context.c -- blocks that own blocks, in a tree of headers.
// SPDX-License-Identifier: MIT
//
// A node lies right before its block, and a midden_context is the address of a context's block.
// Children are listed newest first.  A context's block holds its name; that of a root the tree
// before it.
//
//   block of the source             what the program holds
//   |<---------- offset ----------->|
//   +--------------+----------------+-----------------+
//   | (alignment)  | node           | bytes           |
//   +--------------+----------------+-----------------+
#include "midden/context.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/text.h"
#include "heap/ledger.h"
#include "region/chunk.h"
#include "region/region.h"

struct node {
  uintptr_t check;  // node_check(this) while it lives
  struct tree *tree;
  struct node *owner, *children, *next, *prev;
  const char *name;  // NULL: a block
  void (*run)(void *block);
  size_t bytes;
  uint32_t offset;
  bool dying;  // its destructor runs or has run
};
_Static_assert(sizeof(struct node) % 16 == 0, "a block must be aligned to 16");

struct tree {
  midden_allocator *from;
  struct node *root;
  size_t blocks, bytes;  // without contexts
  size_t held, peak;     // taken from the source
  midden_allocator allocator;
};

#define CHECK_WORD ((uintptr_t)0x6d6964646e637478)

static uintptr_t node_check(const struct node *n) { return (uintptr_t)n ^ CHECK_WORD; }
static char *block_of(const struct node *n) { return (char *)(uintptr_t)(n + 1); }
static size_t whole(const struct node *n) { return n->offset + n->bytes; }

static struct node *node_of(const void *block) {
  struct node *n = (struct node *)(uintptr_t)block - 1;
  MID_REQUIRE(((uintptr_t)block & 15) == 0 && n->check == node_check(n),
              "a pointer that is no block of a context", block,
              "hand over what midden_context_alloc or midden_context_child returned, before it is "
              "freed");
  return n;
}

// Not dying: neither freed nor moved under the hands of whoever frees it.
static struct node *living_node_of(const void *block) {
  struct node *n = node_of(block);
  MID_REQUIRE(!n->dying, "a block of a context used by its own destructor", block,
              "it is being freed: a destructor may not free, resize or hand on its block, nor any "
              "above it that goes too");
  return n;
}

// ---- links ----

static void link_under(struct node *n, struct node *owner) {
  n->owner = owner;
  n->prev = NULL;
  n->next = owner->children;
  if (n->next != NULL) n->next->prev = n;
  owner->children = n;
}

static void unlink_node(struct node *n) {
  if (n->next != NULL) n->next->prev = n->prev;
  if (n->prev != NULL)
    n->prev->next = n->next;
  else if (n->owner != NULL)
    n->owner->children = n->next;
}

// `n` has moved: tell its neighbours.
static void relink(struct node *n) {
  n->check = node_check(n);
  if (n->next != NULL) n->next->prev = n;
  if (n->prev != NULL)
    n->prev->next = n;
  else if (n->owner != NULL)
    n->owner->children = n;
  for (struct node *child = n->children; child != NULL; child = child->next) child->owner = n;
}

// The node after `n` in the tree under `top`, an owner before what it owns; NULL at the end.
static struct node *next_in(const struct node *top, const struct node *n) {
  if (n->children != NULL) return n->children;
  while (n != top && n->next == NULL) n = n->owner;
  return n == top ? NULL : n->next;
}

// ---- taking ----

// `more` bytes are taken from the source; 0 - bytes: given back.
static void count_held(struct tree *tree, size_t more) {
  tree->held += more;
  tree->peak = mid_max(tree->peak, tree->held);
}

static void count_block(const struct node *n, struct tree *tree, size_t one) {
  if (n->name != NULL) return;
  tree->blocks += one;
  tree->bytes += one * n->bytes;
}

static struct node *node_new(midden_allocator *from, size_t bytes, size_t align) {
  if (!mid_region_size_is_sane(bytes) || !mid_region_size_is_sane(align)) return NULL;
  size_t offset = mid_round_up(sizeof(struct node), align);
  if (offset > UINT32_MAX) return errno = ENOMEM, NULL;
  char *block = from->alloc(from, offset + bytes, align);
  if (block == NULL) return NULL;
  struct node *n = (struct node *)(void *)(block + offset) - 1;
  *n = (struct node){.check = node_check(n), .bytes = bytes, .offset = (uint32_t)offset};
  return n;
}

static struct node *node_under(struct node *owner, size_t bytes, size_t align) {
  struct node *n = node_new(owner->tree->from, bytes, align);
  if (n == NULL) return NULL;
  n->tree = owner->tree;
  link_under(n, owner);
  count_held(n->tree, whole(n));
  return n;
}

static void *block_under(struct node *owner, size_t bytes, size_t align) {
  struct node *n = node_under(owner, bytes, align);
  if (n == NULL) return NULL;
  count_block(n, n->tree, 1);
  return block_of(n);
}

void *midden_context_alloc(midden_context *owner, size_t bytes) {
  return block_under(node_of(owner), bytes, 16);
}

midden_context *midden_context_child(midden_context *owner, const char *name) {
  size_t bytes = strlen(name) + 1;
  struct node *n = node_under(node_of(owner), bytes, 16);
  if (n == NULL) return NULL;
  n->name = memcpy(block_of(n), name, bytes);
  return (midden_context *)block_of(n);
}

// ---- freeing ----

static void node_release(struct node *n) {
  unlink_node(n);
  n->check = 0;
  if (n->owner == NULL) mid_ledger_close(block_of(n));
  midden_allocator *from = n->tree->from;
  count_block(n, n->tree, (size_t)-1);
  count_held(n->tree, 0 - whole(n));
  from->free(from, block_of(n) - n->offset, whole(n));
}

// Down to a node that owns nothing, and up again: a tree may be deep.
static void free_under(struct node *top) {
  for (struct node *n = top, *owner;; n = owner) {
    if (!n->dying) {
      n->dying = true;
      if (n->run != NULL) n->run(block_of(n));
    }
    if ((owner = n->children) != NULL) {
      living_node_of(block_of(owner));  // else its destructor is what called us
      continue;
    }
    owner = n->owner;
    node_release(n);
    if (n == top) return;
  }
}

void midden_context_free(void *block) {
  if (block != NULL) free_under(living_node_of(block));
}

void midden_context_close(midden_context *context) { midden_context_free(context); }

void midden_context_on_free(void *block, void (*run)(void *block)) { node_of(block)->run = run; }

// ---- resizing ----

// By a new block, where the source cannot resize with this alignment.
static struct node *node_move(struct node *n, size_t bytes, size_t align) {
  struct node *moved = node_new(n->tree->from, bytes, align);
  if (moved == NULL) return NULL;
  uint32_t offset = moved->offset;
  memcpy(moved, n, sizeof *n + mid_min(n->bytes, bytes));
  midden_allocator *from = n->tree->from;
  n->check = 0;
  from->free(from, block_of(n) - n->offset, whole(n));
  moved->offset = offset;
  return moved;
}

static struct node *node_resize(struct node *n, size_t bytes) {
  midden_allocator *from = n->tree->from;
  size_t offset = n->offset, align = offset == sizeof *n ? 16 : offset & (0 - offset);
  if (!mid_region_size_is_sane(bytes)) return NULL;
  char *at = from->resize(from, block_of(n) - offset, whole(n), offset + bytes, align);
  return at == NULL ? NULL : (struct node *)(void *)(at + offset) - 1;
}

static void *resize(struct node *n, size_t bytes, size_t align) {
  size_t was_bytes = n->bytes, was_whole = whole(n);
  MID_REQUIRE(n->name == NULL, "resize of a context", block_of(n), "only blocks can be resized");
  n = (uintptr_t)block_of(n) % align == 0 ? node_resize(n, bytes) : node_move(n, bytes, align);
  if (n == NULL) return NULL;
  n->bytes = bytes;
  relink(n);
  n->tree->bytes += bytes - was_bytes;
  count_held(n->tree, whole(n) - was_whole);
  return block_of(n);
}

void *midden_context_resize(void *block, size_t bytes) {
  return resize(living_node_of(block), bytes, 16);
}

// ---- owners ----

midden_context *midden_context_of(void *block) {
  return (midden_context *)block_of(node_of(block));
}

midden_context *midden_context_owner(const void *block) {
  const struct node *n = node_of(block);
  return n->owner == NULL ? NULL : (midden_context *)block_of(n->owner);
}

// All of `top` is of `tree` from now on.
static void rehome(struct node *top, struct tree *tree) {
  MID_REQUIRE(top->tree->from == tree->from, "a steal between trees of different sources", top + 1,
              "open both from the same allocator, or copy");
  for (struct node *n = top; n != NULL; n = next_in(top, n)) {
    count_block(n, n->tree, (size_t)-1), count_held(n->tree, 0 - whole(n));
    n->tree = tree;
    count_block(n, tree, 1), count_held(tree, whole(n));
  }
}

void midden_context_steal(void *block, midden_context *owner) {
  struct node *n = living_node_of(block), *to = node_of(owner);
  MID_REQUIRE(n->owner != NULL, "a steal of a context that was opened", block,
              "it holds what its tree needs: give it an owner by midden_context_child");
  for (const struct node *above = to; above != NULL; above = above->owner)
    MID_REQUIRE(above != n, "a steal that makes a block own itself", block,
                "the new owner may not be the block or below it");
  unlink_node(n);
  if (n->tree != to->tree) rehome(n, to->tree);
  link_under(n, to);
}

// ---- reports ----

static unsigned depth_under(const struct node *top, const struct node *n) {
  unsigned depth = 0;
  for (; n != top; n = n->owner) depth += n->owner->name != NULL;
  return depth;
}

static const struct node *context_above(const struct node *n) {
  while (n->name == NULL) n = n->owner;
  return n;
}

static midden_context_sizes sizes_of(const struct node *context) {
  midden_context_sizes sizes = {0, 0, 0, 0};
  for (const struct node *n = context; n != NULL; n = next_in(context, n)) {
    if (n->name != NULL) continue;
    bool own = context_above(n) == context || context->name == NULL;
    sizes.blocks += own, sizes.bytes += own ? n->bytes : 0;
    sizes.all_blocks++, sizes.all_bytes += n->bytes;
  }
  return sizes;
}

bool midden_context_walk(const midden_context *context,
                         bool (*visit)(const midden_context *, const char *, unsigned,
                                       const midden_context_sizes *, void *),
                         void *with) {
  const struct node *top = node_of(context);
  for (const struct node *n = top; n != NULL; n = next_in(top, n)) {
    if (n->name == NULL && n != top) continue;
    midden_context_sizes sizes = sizes_of(n);
    const char *name = n->name != NULL ? n->name : "(block)";
    if (!visit((const midden_context *)block_of(n), name, depth_under(top, n), &sizes, with))
      return false;
  }
  return true;
}

static void print_sizes(FILE *to, size_t blocks, size_t bytes) {
  char room[32];
  struct mid_text text = mid_text_open(room, sizeof room);
  mid_text_size(&text, bytes);
  fprintf(to, " %9zu %11s", blocks, room);
}

static bool print_line(const midden_context *context, const char *name, unsigned depth,
                       const midden_context_sizes *sizes, void *with) {
  (void)context;
  FILE *to = with;
  int indent = (int)mid_min(2 * depth, 40), width = 44 - indent;
  fprintf(to, "%*s%-*.*s", indent, "", width, width, name);
  print_sizes(to, sizes->blocks, sizes->bytes);
  print_sizes(to, sizes->all_blocks, sizes->all_bytes);
  return fputc('\n', to) != EOF;
}

void midden_context_print(const midden_context *context, FILE *to) {
  fprintf(to, "%-44s %9s %11s %9s %11s\n", "context", "blocks", "bytes", "with all", "below");
  midden_context_walk(context, print_line, to);
}

// ---- as an allocator ----

static struct tree *tree_of(midden_allocator *self) {
  return (struct tree *)(void *)((char *)self - offsetof(struct tree, allocator));
}

static void *as_alloc(midden_allocator *self, size_t bytes, size_t align) {
  align = mid_region_align(align);
  return align == 0 ? NULL : block_under(tree_of(self)->root, bytes, align);
}

static void *as_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                       size_t align) {
  (void)old_bytes;
  if (p == NULL) return as_alloc(self, bytes, align);
  align = mid_region_align(align);
  return align == 0 ? NULL : resize(living_node_of(p), bytes, align);
}

static void as_free(midden_allocator *self, void *p, size_t bytes) {
  (void)self, (void)bytes;
  midden_context_free(p);
}

// Whether `p`, a block whose node lies `offset` bytes from the start of a block of the source, is
// of `tree`.  The node is looked at when the source says that this memory is there.
static bool is_of(const struct tree *tree, const void *p, size_t offset) {
  midden_allocator *from = tree->from;
  const struct node *n = (const struct node *)p - 1;
  if (!from->owns(from, (const char *)p - offset)) return false;
  return n->check == node_check(n) && n->offset == offset && n->tree == tree && n->name == NULL;
}

static bool as_owns(midden_allocator *self, const void *p) {
  const struct tree *tree = tree_of(self);
  if ((uintptr_t)p % 16 != 0 || (uintptr_t)p < sizeof(struct node)) return false;
  if (is_of(tree, p, sizeof(struct node))) return true;
  for (size_t align = 32; (uintptr_t)p % align == 0 && align <= (uintptr_t)p / 2; align *= 2)
    if (is_of(tree, p, mid_round_up(sizeof(struct node), align))) return true;
  return false;
}

midden_stats midden_context_stats(const midden_context *context) {
  const struct tree *tree = node_of(context)->tree;
  return (midden_stats){.live_blocks = tree->blocks,
                        .live_bytes = tree->bytes,
                        .committed_bytes = tree->held,
                        .peak_bytes = tree->peak};
}

static midden_stats as_stats(midden_allocator *self) {
  return midden_context_stats((const midden_context *)block_of(tree_of(self)->root));
}

midden_allocator *midden_context_allocator(midden_context *context) {
  struct node *n = node_of(context);
  MID_REQUIRE(n->owner == NULL, "a context below another as an allocator", context,
              "only one that was opened can be an allocator");
  return &n->tree->allocator;
}

// ---- opening ----

midden_status midden_context_open(midden_allocator *from, const char *name, midden_context **out) {
  if (from == NULL) from = midden_allocator_malloc();
  size_t name_bytes = strlen(name) + 1;
  struct node *root = node_new(from, sizeof(struct tree) + name_bytes, 16);
  if (root == NULL) return MIDDEN_NOMEM;
  struct tree *tree = (struct tree *)(void *)block_of(root);
  *tree = (struct tree){
      .from = from,
      .root = root,
      .held = whole(root),
      .peak = whole(root),
      .allocator = {"context", as_alloc, as_resize, as_free, as_owns, as_stats},
  };
  root->tree = tree;
  root->name = memcpy(tree + 1, name, name_bytes);
  *out = (midden_context *)block_of(root);
  return MIDDEN_OK;
}

const char *mid_context_broken(const midden_context *context) {
  const struct tree *tree = node_of(context)->tree;
  size_t blocks = 0, bytes = 0, held = 0;
  for (const struct node *n = tree->root; n != NULL; n = next_in(tree->root, n)) {
    if (n->check != node_check(n)) return "a node was overwritten";
    if (n->tree != tree) return "a node is of another tree";
    if (n->next != NULL && n->next->prev != n) return "a node's neighbour does not know it";
    if (n->next != NULL && n->next->owner != n->owner)
      return "a node's neighbour has another owner";
    if (n->children != NULL && n->children->owner != n) return "a child has another owner";
    blocks += n->name == NULL, bytes += n->name == NULL ? n->bytes : 0;
    held += whole(n);
  }
  if (blocks != tree->blocks || bytes != tree->bytes) return "the counts are not the tree's";
  return held == tree->held ? NULL : "what is held is not the sum of the nodes";
}
