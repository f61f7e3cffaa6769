// observe/owners.c -- see owners.h.
// SPDX-License-Identifier: MIT
#include "observe/owners.h"

#include <stdlib.h>

#include "observe/must.h"

struct owners_look {
  struct mid_owners *owners;
  double now;
};

static void owner_look(void *self, size_t slot, const struct mid_feed_heap *heap) {
  struct owners_look *look = self;
  struct mid_owners *o = look->owners;
  if (slot >= o->count) {
    o->owner = mid_must(reallocarray(o->owner, slot + 1, sizeof *o->owner));
    for (; o->count <= slot; o->count++) o->owner[o->count] = (struct mid_owner){0};
  }
  struct mid_owner *owner = &o->owner[slot];
  if (owner->thread == heap->thread && owner->refills == heap->refills) return;
  *owner = (struct mid_owner){heap->thread, heap->refills, look->now};
}

void mid_owners_look(struct mid_owners *owners, const struct mid_feed_room *room, double now) {
  struct owners_look look = {owners, now};
  mid_feed_heaps(room, owner_look, &look);
}

double mid_owners_since(const struct mid_owners *o, uint64_t thread) {
  for (size_t i = 0; i < o->count; i++)
    if (o->owner[i].thread == thread && thread != 0) return o->owner[i].since;
  return -1;
}

void mid_owners_close(struct mid_owners *owners) {
  free(owners->owner);
  *owners = (struct mid_owners){0};
}
