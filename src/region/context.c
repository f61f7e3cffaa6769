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

struct context_node {
  uintptr_t check;  // node_check(this) while it lives
  struct context_tree *tree;
  struct context_node *owner, *children, *next, *prev;
  const char *name;  // NULL: a block
  void (*run)(void *block);
  size_t bytes;
  uint32_t offset;
  bool dying;  // its destructor runs or has run
};
_Static_assert(sizeof(struct context_node) % 16 == 0, "a block must be aligned to 16");

struct context_tree {
  midden_allocator *from;
  struct context_node *root;
  size_t blocks, bytes;  // without contexts
  size_t held, peak;     // taken from the source
  midden_allocator allocator;
};

#define CONTEXT_CHECK_WORD ((uintptr_t)0x6d6964646e637478)

static uintptr_t context_node_check(const struct context_node *n) {
  return (uintptr_t)n ^ CONTEXT_CHECK_WORD;
}
static char *context_block_of(const struct context_node *n) { return (char *)(uintptr_t)(n + 1); }
static size_t context_whole(const struct context_node *n) { return n->offset + n->bytes; }

static struct context_node *context_node_of(const void *block) {
  struct context_node *n = (struct context_node *)(uintptr_t)block - 1;
  MID_REQUIRE(((uintptr_t)block & 15) == 0 && n->check == context_node_check(n),
              "a pointer that is no block of a context", block,
              "hand over what midden_context_alloc or midden_context_child returned, before it is "
              "freed");
  return n;
}

// Not dying: neither freed nor moved under the hands of whoever frees it.
static struct context_node *context_living_node_of(const void *block) {
  struct context_node *n = context_node_of(block);
  MID_REQUIRE(!n->dying, "a block of a context used by its own destructor", block,
              "it is being freed: a destructor may not free, resize or hand on its block, nor any "
              "above it that goes too");
  return n;
}

// ---- links ----

static void context_link_under(struct context_node *n, struct context_node *owner) {
  n->owner = owner;
  n->prev = NULL;
  n->next = owner->children;
  if (n->next != NULL) n->next->prev = n;
  owner->children = n;
}

static void context_unlink_node(struct context_node *n) {
  if (n->next != NULL) n->next->prev = n->prev;
  if (n->prev != NULL)
    n->prev->next = n->next;
  else if (n->owner != NULL)
    n->owner->children = n->next;
}

// `n` has moved: tell its neighbours.
static void context_relink(struct context_node *n) {
  n->check = context_node_check(n);
  if (n->next != NULL) n->next->prev = n;
  if (n->prev != NULL)
    n->prev->next = n;
  else if (n->owner != NULL)
    n->owner->children = n;
  for (struct context_node *child = n->children; child != NULL; child = child->next)
    child->owner = n;
}

// The node after `n` in the tree under `top`, an owner before what it owns; NULL at the end.
static struct context_node *context_next_in(const struct context_node *top,
                                            const struct context_node *n) {
  if (n->children != NULL) return n->children;
  while (n != top && n->next == NULL) n = n->owner;
  return n == top ? NULL : n->next;
}

// ---- taking ----

// `more` bytes are taken from the source; 0 - bytes: given back.
static void context_count_held(struct context_tree *tree, size_t more) {
  tree->held += more;
  tree->peak = mid_max(tree->peak, tree->held);
}

static void context_count_block(const struct context_node *n, struct context_tree *tree,
                                size_t one) {
  if (n->name != NULL) return;
  tree->blocks += one;
  tree->bytes += one * n->bytes;
}

static struct context_node *context_node_new(midden_allocator *from, size_t bytes, size_t align) {
  if (!mid_region_size_is_sane(bytes) || !mid_region_size_is_sane(align)) return NULL;
  size_t offset = mid_round_up(sizeof(struct context_node), align);
  if (offset > UINT32_MAX) return errno = ENOMEM, NULL;
  char *block = from->alloc(from, offset + bytes, align);
  if (block == NULL) return NULL;
  struct context_node *n = (struct context_node *)(void *)(block + offset) - 1;
  *n = (struct context_node){
      .check = context_node_check(n), .bytes = bytes, .offset = (uint32_t)offset};
  return n;
}

static struct context_node *context_node_under(struct context_node *owner, size_t bytes,
                                               size_t align) {
  struct context_node *n = context_node_new(owner->tree->from, bytes, align);
  if (n == NULL) return NULL;
  n->tree = owner->tree;
  context_link_under(n, owner);
  context_count_held(n->tree, context_whole(n));
  return n;
}

static void *context_block_under(struct context_node *owner, size_t bytes, size_t align) {
  struct context_node *n = context_node_under(owner, bytes, align);
  if (n == NULL) return NULL;
  context_count_block(n, n->tree, 1);
  return context_block_of(n);
}

void *midden_context_alloc(midden_context *owner, size_t bytes) {
  return context_block_under(context_node_of(owner), bytes, 16);
}

midden_context *midden_context_child(midden_context *owner, const char *name) {
  size_t bytes = strlen(name) + 1;
  struct context_node *n = context_node_under(context_node_of(owner), bytes, 16);
  if (n == NULL) return NULL;
  n->name = memcpy(context_block_of(n), name, bytes);
  return (midden_context *)context_block_of(n);
}

// ---- freeing ----

static void context_node_release(struct context_node *n) {
  context_unlink_node(n);
  n->check = 0;
  if (n->owner == NULL) mid_ledger_close(context_block_of(n));
  midden_allocator *from = n->tree->from;
  context_count_block(n, n->tree, (size_t)-1);
  context_count_held(n->tree, 0 - context_whole(n));
  from->free(from, context_block_of(n) - n->offset, context_whole(n));
}

// Down to a node that owns nothing, and up again: a tree may be deep.
static void context_free_under(struct context_node *top) {
  for (struct context_node *n = top, *owner;; n = owner) {
    if (!n->dying) {
      n->dying = true;
      if (n->run != NULL) n->run(context_block_of(n));
    }
    if ((owner = n->children) != NULL) {
      context_living_node_of(context_block_of(owner));  // else its destructor is what called us
      continue;
    }
    owner = n->owner;
    context_node_release(n);
    if (n == top) return;
  }
}

void midden_context_free(void *block) {
  if (block != NULL) context_free_under(context_living_node_of(block));
}

void midden_context_close(midden_context *context) { midden_context_free(context); }

void midden_context_on_free(void *block, void (*run)(void *block)) {
  context_node_of(block)->run = run;
}

// ---- resizing ----

// By a new block, where the source cannot resize with this alignment.
static struct context_node *context_node_move(struct context_node *n, size_t bytes, size_t align) {
  struct context_node *moved = context_node_new(n->tree->from, bytes, align);
  if (moved == NULL) return NULL;
  uint32_t offset = moved->offset;
  memcpy(moved, n, sizeof *n + mid_min(n->bytes, bytes));
  midden_allocator *from = n->tree->from;
  n->check = 0;
  from->free(from, context_block_of(n) - n->offset, context_whole(n));
  moved->offset = offset;
  return moved;
}

static struct context_node *context_node_resize(struct context_node *n, size_t bytes) {
  midden_allocator *from = n->tree->from;
  size_t offset = n->offset, align = offset == sizeof *n ? 16 : offset & (0 - offset);
  if (!mid_region_size_is_sane(bytes)) return NULL;
  char *at =
      from->resize(from, context_block_of(n) - offset, context_whole(n), offset + bytes, align);
  return at == NULL ? NULL : (struct context_node *)(void *)(at + offset) - 1;
}

static void *context_resize(struct context_node *n, size_t bytes, size_t align) {
  size_t was_bytes = n->bytes, was_whole = context_whole(n);
  MID_REQUIRE(n->name == NULL, "resize of a context", context_block_of(n),
              "only blocks can be resized");
  n = (uintptr_t)context_block_of(n) % align == 0 ? context_node_resize(n, bytes)
                                                  : context_node_move(n, bytes, align);
  if (n == NULL) return NULL;
  n->bytes = bytes;
  context_relink(n);
  n->tree->bytes += bytes - was_bytes;
  context_count_held(n->tree, context_whole(n) - was_whole);
  return context_block_of(n);
}

void *midden_context_resize(void *block, size_t bytes) {
  return context_resize(context_living_node_of(block), bytes, 16);
}

// ---- owners ----

midden_context *midden_context_of(void *block) {
  return (midden_context *)context_block_of(context_node_of(block));
}

midden_context *midden_context_owner(const void *block) {
  const struct context_node *n = context_node_of(block);
  return n->owner == NULL ? NULL : (midden_context *)context_block_of(n->owner);
}

// All of `top` is of `tree` from now on.
static void context_rehome(struct context_node *top, struct context_tree *tree) {
  MID_REQUIRE(top->tree->from == tree->from, "a steal between trees of different sources", top + 1,
              "open both from the same allocator, or copy");
  for (struct context_node *n = top; n != NULL; n = context_next_in(top, n)) {
    context_count_block(n, n->tree, (size_t)-1), context_count_held(n->tree, 0 - context_whole(n));
    n->tree = tree;
    context_count_block(n, tree, 1), context_count_held(tree, context_whole(n));
  }
}

void midden_context_steal(void *block, midden_context *owner) {
  struct context_node *n = context_living_node_of(block), *to = context_node_of(owner);
  MID_REQUIRE(n->owner != NULL, "a steal of a context that was opened", block,
              "it holds what its tree needs: give it an owner by midden_context_child");
  for (const struct context_node *above = to; above != NULL; above = above->owner)
    MID_REQUIRE(above != n, "a steal that makes a block own itself", block,
                "the new owner may not be the block or below it");
  context_unlink_node(n);
  if (n->tree != to->tree) context_rehome(n, to->tree);
  context_link_under(n, to);
}

// ---- reports ----

static unsigned context_depth_under(const struct context_node *top, const struct context_node *n) {
  unsigned depth = 0;
  for (; n != top; n = n->owner) depth += n->owner->name != NULL;
  return depth;
}

static const struct context_node *context_above(const struct context_node *n) {
  while (n->name == NULL) n = n->owner;
  return n;
}

static midden_context_sizes context_sizes_of(const struct context_node *context) {
  midden_context_sizes sizes = {0, 0, 0, 0};
  for (const struct context_node *n = context; n != NULL; n = context_next_in(context, n)) {
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
  const struct context_node *top = context_node_of(context);
  for (const struct context_node *n = top; n != NULL; n = context_next_in(top, n)) {
    if (n->name == NULL && n != top) continue;
    midden_context_sizes sizes = context_sizes_of(n);
    const char *name = n->name != NULL ? n->name : "(block)";
    if (!visit((const midden_context *)context_block_of(n), name, context_depth_under(top, n),
               &sizes, with))
      return false;
  }
  return true;
}

static void context_print_sizes(FILE *to, size_t blocks, size_t bytes) {
  char room[32];
  struct mid_text text = mid_text_open(room, sizeof room);
  mid_text_size(&text, bytes);
  fprintf(to, " %9zu %11s", blocks, room);
}

static bool context_print_line(const midden_context *context, const char *name, unsigned depth,
                               const midden_context_sizes *sizes, void *with) {
  (void)context;
  FILE *to = with;
  int indent = (int)mid_min(2 * depth, 40), width = 44 - indent;
  fprintf(to, "%*s%-*.*s", indent, "", width, width, name);
  context_print_sizes(to, sizes->blocks, sizes->bytes);
  context_print_sizes(to, sizes->all_blocks, sizes->all_bytes);
  return fputc('\n', to) != EOF;
}

void midden_context_print(const midden_context *context, FILE *to) {
  fprintf(to, "%-44s %9s %11s %9s %11s\n", "context", "blocks", "bytes", "with all", "below");
  midden_context_walk(context, context_print_line, to);
}

// ---- as an allocator ----

static struct context_tree *context_tree_of(midden_allocator *self) {
  return (struct context_tree *)(void *)((char *)self - offsetof(struct context_tree, allocator));
}

static void *context_as_alloc(midden_allocator *self, size_t bytes, size_t align) {
  align = mid_region_align(align);
  return align == 0 ? NULL : context_block_under(context_tree_of(self)->root, bytes, align);
}

static void *context_as_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                               size_t align) {
  (void)old_bytes;
  if (p == NULL) return context_as_alloc(self, bytes, align);
  align = mid_region_align(align);
  return align == 0 ? NULL : context_resize(context_living_node_of(p), bytes, align);
}

static void context_as_free(midden_allocator *self, void *p, size_t bytes) {
  (void)self, (void)bytes;
  midden_context_free(p);
}

// Whether `p`, a block whose node lies `offset` bytes from the start of a block of the source, is
// of `tree`.  The node is looked at when the source says that this memory is there.
static bool context_is_of(const struct context_tree *tree, const void *p, size_t offset) {
  midden_allocator *from = tree->from;
  const struct context_node *n = (const struct context_node *)p - 1;
  if (!from->owns(from, (const char *)p - offset)) return false;
  return n->check == context_node_check(n) && n->offset == offset && n->tree == tree &&
         n->name == NULL;
}

static bool context_as_owns(midden_allocator *self, const void *p) {
  const struct context_tree *tree = context_tree_of(self);
  if ((uintptr_t)p % 16 != 0 || (uintptr_t)p < sizeof(struct context_node)) return false;
  if (context_is_of(tree, p, sizeof(struct context_node))) return true;
  for (size_t align = 32; (uintptr_t)p % align == 0 && align <= (uintptr_t)p / 2; align *= 2)
    if (context_is_of(tree, p, mid_round_up(sizeof(struct context_node), align))) return true;
  return false;
}

midden_stats midden_context_stats(const midden_context *context) {
  const struct context_tree *tree = context_node_of(context)->tree;
  return (midden_stats){.live_blocks = tree->blocks,
                        .live_bytes = tree->bytes,
                        .committed_bytes = tree->held,
                        .peak_bytes = tree->peak};
}

static midden_stats context_as_stats(midden_allocator *self) {
  return midden_context_stats(
      (const midden_context *)context_block_of(context_tree_of(self)->root));
}

midden_allocator *midden_context_allocator(midden_context *context) {
  struct context_node *n = context_node_of(context);
  MID_REQUIRE(n->owner == NULL, "a context below another as an allocator", context,
              "only one that was opened can be an allocator");
  return &n->tree->allocator;
}

// ---- opening ----

midden_status midden_context_open(midden_allocator *from, const char *name, midden_context **out) {
  if (from == NULL) from = midden_allocator_malloc();
  size_t name_bytes = strlen(name) + 1;
  struct context_node *root = context_node_new(from, sizeof(struct context_tree) + name_bytes, 16);
  if (root == NULL) return MIDDEN_NOMEM;
  struct context_tree *tree = (struct context_tree *)(void *)context_block_of(root);
  *tree = (struct context_tree){
      .from = from,
      .root = root,
      .held = context_whole(root),
      .peak = context_whole(root),
      .allocator = {"context", context_as_alloc, context_as_resize, context_as_free,
                    context_as_owns, context_as_stats},
  };
  root->tree = tree;
  root->name = memcpy(tree + 1, name, name_bytes);
  *out = (midden_context *)context_block_of(root);
  return MIDDEN_OK;
}

const char *mid_context_broken(const midden_context *context) {
  const struct context_tree *tree = context_node_of(context)->tree;
  size_t blocks = 0, bytes = 0, held = 0;
  for (const struct context_node *n = tree->root; n != NULL; n = context_next_in(tree->root, n)) {
    if (n->check != context_node_check(n)) return "a node was overwritten";
    if (n->tree != tree) return "a node is of another tree";
    if (n->next != NULL && n->next->prev != n) return "a node's neighbour does not know it";
    if (n->next != NULL && n->next->owner != n->owner)
      return "a node's neighbour has another owner";
    if (n->children != NULL && n->children->owner != n) return "a child has another owner";
    blocks += n->name == NULL, bytes += n->name == NULL ? n->bytes : 0;
    held += context_whole(n);
  }
  if (blocks != tree->blocks || bytes != tree->bytes) return "the counts are not the tree's";
  return held == tree->held ? NULL : "what is held is not the sum of the nodes";
}
