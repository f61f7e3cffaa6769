// gc/node_test.h -- the object that tests of counted objects make, and its types; after test.h.
// SPDX-License-Identifier: MIT
#ifndef MID_GC_NODE_TEST_H
#define MID_GC_NODE_TEST_H

#include "gc/rc.h"
#include "gc/source_test.h"

struct node {
  struct node *next, *prev, *side;
  uint64_t id;
};

static const size_t node_references[] = {offsetof(struct node, next), offsetof(struct node, prev),
                                         offsetof(struct node, side)};
static const midden_rc_description plain = {.name = "node",
                                            .bytes = sizeof(struct node),
                                            .references = node_references,
                                            .reference_count = 3};

static inline midden_rc_description finalized_by(void (*finalize)(void *)) {
  midden_rc_description what = plain;
  what.finalize = finalize;
  return what;
}
static inline midden_rc_description acyclic(midden_rc_description what) {
  what.acyclic = true;
  return what;
}
static inline midden_rc_description atomic_too(midden_rc_description what) {
  what.atomic = true;
  return what;
}

static inline midden_rc *open_heap(midden_allocator *from) {
  midden_rc *rc = NULL;
  CHECK_EQ(midden_rc_open(from, MIDDEN_RC_CYCLES, &rc), MIDDEN_OK);
  CHECK_WHOLE(mid_rc_broken(rc));
  return rc;
}

static inline midden_rc_type *open_type(midden_rc *rc, midden_rc_description what) {
  midden_rc_type *type = NULL;
  CHECK_EQ(midden_rc_type_open(rc, &what, &type), MIDDEN_OK);
  return type;
}

// Of each kind of type there is, in one heap: plain, acyclic, atomic, both.
enum { KINDS = 4 };
static inline void open_kinds(midden_rc *rc, midden_rc_description what,
                              midden_rc_type *kind[KINDS]) {
  kind[0] = open_type(rc, what);
  kind[1] = open_type(rc, acyclic(what));
  kind[2] = open_type(rc, atomic_too(what));
  kind[3] = open_type(rc, atomic_too(acyclic(what)));
}

// Of the heap whose memory is the test's source: it goes, and nothing is left.
static inline void close_empty(midden_rc *rc) {
  CHECK_WHOLE(mid_rc_broken(rc));
  CHECK_EQ(midden_rc_stats(rc).live_objects, 0);
  midden_rc_close(rc);
  CHECK_EQ(source.blocks, 0);
}

static inline struct node *make(midden_rc_type *type, uint64_t id) {
  struct node *node = midden_rc_new(type, 0);
  CHECK(node != NULL);
  node->id = id;
  return node;
}

#endif
