// tests/gc/model.h -- random work on objects, and beside it a model of what must then be there.
// SPDX-License-Identifier: MIT
//
// The model lies in memory that no collector looks at, and knows objects by number only: an object
// is found, and so is alive, by way of the roots alone.  A link is a node and how far into its
// object the reference points.
//
//   roots    frame | exact memory | ambiguous memory | handles | pinned objects
//
// Where the heap is precise, what the model cannot reach must be gone after a major collection:
// short weak references are cleared, and finalisers have run, once.
#ifndef MID_GC_MODEL_H
#define MID_GC_MODEL_H

#include "shapes.h"

enum {
  MODEL_EACH = 6,                // roots of each kind
  MODEL_ROOTS = 4 * MODEL_EACH,  // of all kinds
  MODEL_NODES = 1500,            // node 0 is none
  MODEL_DEATHS = 1 << 18,        // objects with finalisers in a model's life
  MODEL_WEAKS = 256,
  MODEL_FRAME = 2 + MODEL_EACH,  // an object in the making, the array of weak references, roots
};

struct link {
  uint32_t node, offset;
};

struct node {
  enum shape shape;  // of a node that is used: count and id, too
  bool used, hashed;
  size_t count;
  uint64_t id, hash;
  struct link *link;  // by word
  uint32_t weak;      // 0: none
  uint32_t death;     // DYING: which of the counters
  unsigned pins;
  char *pinned_at;
  uint64_t seen;  // the last check that found it
};

struct model {
  midden_gc *gc;
  midden_mutator *m;
  unsigned keeps;
  midden_type *const *types;
  uint64_t random, ids, checks, refused;
  midden_ref *frame;
  midden_ref exact[MODEL_EACH];
  void *ambiguous[MODEL_EACH];
  midden_handle *handle[MODEL_EACH];
  struct link root[MODEL_ROOTS];
  uint32_t weak_of[MODEL_WEAKS];
  struct node node[MODEL_NODES];
  char *at[MODEL_NODES];        // in a check: where it is, which an ambiguous root keeps so
  uint32_t order[MODEL_NODES];  // of a check: nodes that were found
  uint32_t deaths;
  _Atomic unsigned char ran[MODEL_DEATHS];
};

static inline bool model_keeps(const struct model *k, unsigned what) {
  return (k->keeps & what) == what;
}
static inline uint64_t model_random(struct model *k, uint64_t below) {
  return test_random(&k->random) % below;
}

// ---- roots ----

static void *model_root_get(struct model *k, unsigned i) {
  unsigned n = i / 4;
  switch (i % 4) {
    case 0:
      return k->frame[2 + n].word;
    case 1:
      return k->exact[n].word;
    case 2:
      return k->ambiguous[n];
    default:
      return k->handle[n] != NULL ? midden_gc_handle_get(k->m, k->handle[n]) : NULL;
  }
}

static void model_handle_set(struct model *k, unsigned n, struct link to, char *object) {
  if (k->handle[n] != NULL && model_random(k, 2) == 0) {
    midden_gc_handle_drop(k->m, k->handle[n]);
    k->handle[n] = NULL;
  }
  if (k->handle[n] == NULL) {
    k->handle[n] = midden_gc_handle(k->m, object);
    if (k->handle[n] == NULL) k->root[4 * n + 3] = (struct link){0}, k->refused++;
    (void)to;
  } else {
    midden_gc_handle_set(k->m, k->handle[n], object);
  }
}

// Interior references are what fields may have; exact roots here have none.
static void model_root_set(struct model *k, unsigned i, struct link to, char *object) {
  unsigned n = i / 4;
  if (i % 4 != 2) to.offset = 0;
  k->root[i] = to;
  switch (i % 4) {
    case 0:
      k->frame[2 + n].word = object;
      break;
    case 1:
      k->exact[n].word = object;
      break;
    case 2:
      k->ambiguous[n] = object != NULL ? object + to.offset : NULL;
      break;
    default:
      model_handle_set(k, n, to, object);
      break;
  }
}

// ---- finding an object ----

static midden_ref *model_slot(char *object, size_t word) {
  return (midden_ref *)(void *)object + word;
}

static size_t model_words(const struct node *n) {
  return shape_has_refs(n->shape) ? shape_bytes(n->shape, n->count) / 8 : 0;
}

static bool model_some_ref(struct model *k, const struct node *n, size_t *word) {
  size_t words = model_words(n);
  for (int i = 0; words != 0 && i < 4; i++)
    if (shape_is_ref(n->shape, *word = model_random(k, words))) return true;
  return false;
}

// From a root some steps into the graph.  returns its node, 0: none
static uint32_t model_pick(struct model *k, char **object) {
  unsigned i = (unsigned)model_random(k, MODEL_ROOTS);
  struct link at = k->root[i];
  char *p = model_root_get(k, i);
  for (uint64_t steps = model_random(k, 6); at.node != 0; steps--) {
    *object = p - at.offset;
    size_t word;
    if (steps == 0 || !model_some_ref(k, &k->node[at.node], &word)) break;
    struct link next = k->node[at.node].link[word];
    if (next.node == 0) break;
    p = midden_gc_load(k->m, model_slot(*object, word));
    at = next;
  }
  if (at.node == 0) *object = NULL;
  return at.node;
}

static struct link model_link_to(struct model *k, uint32_t node) {
  struct link to = {.node = node};
  const struct node *n = &k->node[node];
  if (node == 0 || !model_keeps(k, MIDDEN_GC_INTERIOR) || model_random(k, 3) != 0) return to;
  size_t bytes = shape_bytes(n->shape, n->count);
  to.offset = (uint32_t)(model_random(k, 3) == 0 ? bytes : model_random(k, bytes + 1));
  return to;
}

// ---- storing ----

static void model_store(struct model *k, char *object, midden_ref *slot, char *value) {
  midden_mutator *m = k->m;
  void *before = slot->word;
  if (!model_keeps(k, MIDDEN_GC_STORES)) {
    slot->word = value;
    return;
  }
  switch (model_random(k, 8)) {
    case 0:
      MUST(midden_gc_cas(m, object, slot, before, value));
      break;
    case 1:
      MUST(midden_gc_exchange(m, object, slot, value) == before);
      break;
    case 2:
      midden_gc_fill_refs(m, object, slot, value, 1);
      break;
    case 3:
      k->frame[0].word = value;
      midden_gc_copy_refs(m, object, slot, &k->frame[0], 1);
      k->frame[0].word = NULL;
      break;
    default:
      midden_gc_store(m, object, slot, value);
      break;
  }
  MUST(slot->word == value);
}

static void model_link(struct model *k) {
  char *from, *to;
  size_t word;
  uint32_t a = model_pick(k, &from), b = model_pick(k, &to);
  if (model_random(k, 5) == 0) b = 0;
  if (a == 0 || !model_some_ref(k, &k->node[a], &word)) return;
  struct link link = model_link_to(k, b);
  k->node[a].link[word] = link;
  model_store(k, from, model_slot(from, word), b != 0 ? to + link.offset : NULL);
}

// A row of references at once: filled, or copied from the same array or another.
static void model_row(struct model *k) {
  char *from, *to;
  uint32_t a = model_pick(k, &from), b = model_pick(k, &to);
  struct node *x = &k->node[a], *y = &k->node[b];
  if (a == 0 || b == 0 || x->shape != REFS || x->count == 0) return;
  size_t n = test_random_size(&k->random, x->count), at = model_random(k, x->count - n + 1);
  bool copy = y->shape == REFS && y->count >= n, plain = !model_keeps(k, MIDDEN_GC_STORES);
  struct link *out = x->link + at, all = {.node = b};
  midden_ref *slot = model_slot(from, at);
  if (copy) {
    size_t source = model_random(k, y->count - n + 1);
    if (n > 0) memmove(out, y->link + source, n * sizeof *out);
    if (plain)
      memmove(slot, model_slot(to, source), n * sizeof *slot);
    else
      midden_gc_copy_refs(k->m, from, slot, model_slot(to, source), n);
    return;
  }
  for (size_t i = 0; i < n; i++) out[i] = all;
  for (size_t i = 0; plain && i < n; i++) slot[i].word = to;
  if (!plain) midden_gc_fill_refs(k->m, from, slot, to, n);
}

// ---- making ----

static uint32_t model_unused(struct model *k) {
  for (int i = 0; i < 64; i++) {
    uint32_t n = 1 + (uint32_t)model_random(k, MODEL_NODES - 1);
    if (!k->node[n].used) return n;
  }
  return 0;
}

// First stores need no barrier, until the next allocation.
static void model_new_links(struct model *k, uint32_t node, char *object) {
  struct node *n = &k->node[node];
  size_t words = model_words(n);
  if (words == 0) return;
  n->link = calloc(words, sizeof *n->link);
  MUST(n->link != NULL);
  for (size_t i = 0, tries = words < 64 ? words : 64; i < tries; i++) {
    size_t word;
    char *to;
    if (!model_some_ref(k, n, &word)) continue;
    struct link link = model_link_to(k, model_pick(k, &to));
    n->link[word] = link;
    midden_gc_store_init(k->m, object, model_slot(object, word),
                         link.node != 0 ? to + link.offset : NULL);
  }
}

static void model_weak_to(struct model *k, uint32_t node) {
  uint32_t w = (uint32_t)model_random(k, MODEL_WEAKS);
  if (w == 0 || k->frame[1].word == NULL || k->node[node].weak != 0) return;
  void *weak = midden_gc_weak(k->m, k->frame[0].word, MIDDEN_GC_WEAK_SHORT, NULL);
  if (weak == NULL) {
    k->refused++;
    return;
  }
  if (k->weak_of[w] != 0) k->node[k->weak_of[w]].weak = 0;
  k->weak_of[w] = node;
  k->node[node].weak = w;
  midden_ref *slot = model_slot(k->frame[1].word, w);
  if (model_keeps(k, MIDDEN_GC_STORES))
    midden_gc_store(k->m, k->frame[1].word, slot, weak);
  else
    slot->word = weak;
}

static void model_new(struct model *k) {
  uint32_t node = model_unused(k);
  enum shape s = (enum shape)model_random(k, SHAPES);
  if (node == 0 || (s == DYING && k->deaths + 1 == MODEL_DEATHS)) return;
  size_t count = shape_random_count(s, &k->random);
  char *object = shape_new(k->m, k->types, s, count);
  if (object == NULL) {
    k->refused++;
    return;
  }
  MUST(shape_is_new(object, k->types[s], s, count));
  uint64_t id = ++k->ids;
  k->node[node] = (struct node){.shape = s, .used = true, .count = count, .id = id};
  k->node[node].pinned_at = s == STUCK || s == WORDS ? object : NULL;
  shape_fill(object, s, count, id);
  if (s == DYING) {
    k->node[node].death = ++k->deaths;
    ((uintptr_t *)(void *)object)[3] = (uintptr_t)&k->ran[k->deaths];
  }
  model_new_links(k, node, object);
  k->frame[0].word = object;
  if (model_random(k, 3) == 0) model_weak_to(k, node);
  // Weak references are objects: it may have moved.
  object = k->frame[0].word;
  k->frame[0].word = NULL;
  model_root_set(k, (unsigned)model_random(k, MODEL_ROOTS), (struct link){.node = node}, object);
}

// ---- what else can be done to an object ----

static void model_rename(struct model *k) {
  char *object;
  uint32_t node = model_pick(k, &object);
  if (node == 0) return;
  struct node *n = &k->node[node];
  uint64_t hash = midden_gc_hash(k->m, object);
  MUST(!n->hashed || n->hash == hash);
  n->hashed = true;
  n->hash = hash;
}

static void model_pin(struct model *k) {
  char *object;
  uint32_t node = model_pick(k, &object);
  struct node *n = &k->node[node];
  if (node == 0) return;
  if (n->pins > 0 && model_random(k, 3) != 0) {
    MUST(object == n->pinned_at);
    midden_gc_unpin(k->m, object);
    n->pins--;
  } else if (midden_gc_pin(k->m, object) == MIDDEN_OK) {
    n->pins++;
    n->pinned_at = object;
  }
}

static void model_unpin_all(struct model *k) {
  for (uint32_t i = 1; i < MODEL_NODES; i++)
    for (struct node *n = &k->node[i]; n->used && n->pins > 0; n->pins--)
      midden_gc_unpin(k->m, n->pinned_at);
}

static void model_turn_root(struct model *k) {
  char *object = NULL;
  uint32_t node = model_random(k, 2) == 0 ? model_pick(k, &object) : 0;
  struct link to = model_link_to(k, node);
  model_root_set(k, (unsigned)model_random(k, MODEL_ROOTS), to, object);
}

static void model_garbage(struct model *k) {
  for (uint64_t i = model_random(k, 20); i > 0; i--) {
    enum shape s = (enum shape)model_random(k, SHAPES);
    if (s == DYING) continue;  // word 3 would lead nowhere
    void *object = shape_new(k->m, k->types, s, model_random(k, 100) * (s < EMPTY));
    if (object != NULL) memset(object, 0xee, shape_has_refs(s) ? 0 : midden_gc_bytes(object));
  }
}

static void model_step(struct model *k) {
  uint64_t r = model_random(k, 64);
  if (r < 24)
    model_new(k);
  else if (r < 44)
    model_link(k);
  else if (r < 47)
    model_row(k);
  else if (r < 50)
    model_rename(k);
  else if (r < 53)
    model_pin(k);
  else if (r < 60)
    model_turn_root(k);
  else
    model_garbage(k);
  midden_gc_poll(k->m);
}

// ---- checking ----

static void model_found(struct model *k, size_t *count, struct link to, char *word) {
  if (to.node == 0) {
    MUST(word == NULL);
    return;
  }
  struct node *n = &k->node[to.node];
  char *object = word - to.offset;
  MUST(word != NULL);
  if (n->seen == k->checks) {
    MUST(k->at[to.node] == object);
    return;
  }
  n->seen = k->checks;
  k->at[to.node] = object;
  k->order[(*count)++] = to.node;
}

static void model_check_words(struct model *k, size_t *count, uint32_t node) {
  const struct node *n = &k->node[node];
  char *at = k->at[node];
  size_t words = model_words(n);
  for (size_t i = 0; i < words; i++) {
    uint64_t word = ((uint64_t *)(void *)at)[i];
    if (shape_is_ref(n->shape, i))
      model_found(k, count, n->link[i], midden_gc_load(k->m, model_slot(at, i)));
    else if (n->shape == DYING && i == 3)
      MUST(word == (uintptr_t)&k->ran[n->death] && k->ran[n->death] == 0);
    else
      MUST(word == shape_datum(n->id, i));
  }
}

static void model_check_object(struct model *k, size_t *count, uint32_t node) {
  const struct node *n = &k->node[node];
  char *at = k->at[node];
  size_t bytes = shape_bytes(n->shape, n->count);
  MUST(midden_gc_type_of(at) == k->types[n->shape]);
  MUST(midden_gc_bytes(at) == bytes);
  MUST(n->shape != ALIGNED || (uintptr_t)at % 16 == 0);
  MUST(n->pins == 0 || at == n->pinned_at);
  if (n->shape == STUCK || n->shape == WORDS) MUST(n->pinned_at == NULL || at == n->pinned_at);
  if (n->hashed) MUST(midden_gc_hash(k->m, at) == n->hash);
  if (!shape_has_refs(n->shape)) MUST(test_filled(at, bytes, n->id));
  model_check_words(k, count, node);
}

static void model_check_weak(struct model *k, uint32_t node, bool live, bool dead) {
  void *weak = model_slot(k->frame[1].word, k->node[node].weak)->word;
  char *to = midden_gc_weak_get(k->m, weak);
  if (live) MUST(to == k->at[node]);
  if (dead) MUST(to == NULL);
}

static void model_forget(struct model *k, struct node *n) {
  if (n->weak != 0) k->weak_of[n->weak] = 0;
  free(n->link);
  *n = (struct node){0};
}

// Compare all that is reachable.
// all   a major collection was just made: what is not reachable is gone where the heap is precise
static size_t model_check(struct model *k, bool all) {
  size_t count = 0;
  bool gone = all && model_keeps(k, MIDDEN_GC_PRECISE);
  k->checks++;
  for (unsigned i = 0; i < MODEL_ROOTS; i++)
    model_found(k, &count, k->root[i], model_root_get(k, i));
  for (uint32_t i = 1; i < MODEL_NODES; i++)
    if (k->node[i].used && k->node[i].pins > 0)
      model_found(k, &count, (struct link){.node = i}, k->node[i].pinned_at);
  for (size_t i = 0; i < count; i++) model_check_object(k, &count, k->order[i]);
  for (uint32_t i = 1; i < MODEL_NODES; i++) {
    struct node *n = &k->node[i];
    bool live = n->used && n->seen == k->checks;
    if (n->weak != 0) model_check_weak(k, i, live, gone && !live);
    if (n->used && n->death != 0 && gone && !live) MUST(k->ran[n->death] == 1);
    if (n->used && !live) model_forget(k, n);
  }
  memset(k->at, 0, sizeof k->at);
  return count;
}

static inline void model_finalise(struct model *k) {
  while (midden_gc_finalise(k->m, 100) > 0) continue;
}

// A collection of either kind, and what it must have done.  What waits for its finaliser holds what
// it refers to: that is gone after one collection more.
static inline void model_collect(struct model *k, enum midden_gc_scope scope) {
  for (int i = 0; i <= (scope == MIDDEN_GC_MAJOR); i++) {
    model_finalise(k);
    midden_gc_collect(k->m, scope);
  }
  model_finalise(k);
  must_be_whole(k->m);
  (void)model_check(k, scope == MIDDEN_GC_MAJOR);
}

// ---- opening and closing ----

// A heap that the program so promises for; NULL: MIDDEN_OPTIONS names a collector that needs more.
static midden_gc *model_heap(const midden_gc_config *config, midden_type **types) {
  midden_gc *gc;
  midden_status status = midden_gc_open(config, &gc);
  if (status == MIDDEN_INVALID && (config->keeps & MIDDEN_GC_STORES) == 0 &&
      strstr(midden_gc_why(), "MIDDEN_GC_STORES") != NULL)
    return NULL;
  if (status != MIDDEN_OK) fail_msg("%s", midden_gc_why());
  shape_types_make(gc, types);
  return gc;
}

static struct model *model_open(midden_gc *gc, midden_mutator *m, unsigned keeps,
                                midden_type *const *types, midden_ref *frame, uint64_t seed) {
  struct model *k = calloc(1, sizeof *k);
  MUST(k != NULL);
  k->gc = gc, k->m = m, k->keeps = keeps, k->types = types, k->frame = frame;
  const char *other = getenv("SEED");  // for more graphs than the tests' own
  k->random = test_mix(seed + (other != NULL ? strtoull(other, NULL, 10) * 1000 : 0));
  MUST(midden_gc_root_add(gc, k->exact, sizeof k->exact, MIDDEN_GC_EXACT) == MIDDEN_OK);
  MUST(midden_gc_root_add(gc, k->ambiguous, sizeof k->ambiguous, MIDDEN_GC_AMBIGUOUS) == MIDDEN_OK);
  MUST(midden_gc_root_add(gc, k->at, sizeof k->at, MIDDEN_GC_AMBIGUOUS) == MIDDEN_OK);
  frame[1].word = midden_gc_new_array(m, types[REFS], MODEL_WEAKS);
  return k;
}

static void model_drop_roots(struct model *k) {
  for (unsigned i = 0; i < MODEL_ROOTS; i++) model_root_set(k, i, (struct link){0}, NULL);
  model_unpin_all(k);
}

static void model_close(struct model *k) {
  model_drop_roots(k);
  for (unsigned i = 0; i < MODEL_EACH; i++)
    if (k->handle[i] != NULL) midden_gc_handle_drop(k->m, k->handle[i]);
  midden_gc_root_remove(k->gc, k->exact);
  midden_gc_root_remove(k->gc, k->ambiguous);
  midden_gc_root_remove(k->gc, k->at);
  for (uint32_t i = 1; i < MODEL_NODES; i++) model_forget(k, &k->node[i]);
}

#endif
