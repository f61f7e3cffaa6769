// bench/gc/mutate.c -- old objects that are written to all the time: mutate OBJECTS STEPS
//
// A table of old objects that refer to each other.  A step changes one of them, anywhere: to refer
// to another old object, or, one time in four, to a new small one of its own, whose predecessor is
// garbage.  What a store barrier costs, and a remembered set.
// SPDX-License-Identifier: MIT
#include "memory.h"

struct leaf {
  uint32_t value, more;
};

struct object {
  REF(struct object) others[2];
  REF(struct leaf) own[2];
  uint32_t value, changes;
};

struct objects {
  REF(struct object) slot[0];
};

static memory_type leaf_type = MEMORY_TYPE(struct leaf, 0);
static memory_type object_type = MEMORY_TYPE(struct object, 4);

#define TABLE ((struct objects *)ROOT(r, 0))

static uint32_t object_give_leaf(memory *m, ROOTS_OF(r), uint32_t at, uint32_t which) {
  struct leaf *leaf = memory_new(m, &leaf_type);
  struct object *object = GET(m, TABLE, slot[at]);
  struct leaf *before = GET(m, object, own[which]);
  uint32_t value = before == NULL ? 0 : before->value;
  leaf->value = value + at;
  leaf->more = 0;
  SET(m, object, own[which], leaf);
  memory_free(m, before);
  return value;
}

static uint32_t objects_change(memory *m, ROOTS_OF(r), uint32_t objects, uint32_t *seed) {
  uint32_t at = memory_random(seed) % objects, to = memory_random(seed) % objects;
  uint32_t choice = memory_random(seed) >> 16;
  if (choice % 4 == 0) return object_give_leaf(m, r, at, choice / 4 % 2);
  struct object *object = GET(m, TABLE, slot[at]);
  struct object *before = GET(m, object, others[choice / 4 % 2]);
  SET(m, object, others[choice / 4 % 2], GET(m, TABLE, slot[to]));
  object->changes++;
  return before->value + object->changes;
}

int main(int argc, char **argv) {
  uint32_t objects = memory_argument(argc, argv, 1), steps = memory_argument(argc, argv, 2);
  uint32_t seed = 1, sum = 0;
  memory *m = memory_open();
  memory_define(m, &leaf_type);
  memory_define(m, &object_type);
  ROOTS(m, r, 1);
  ROOT_SET(r, 0, memory_refs(m, objects));
  for (uint32_t i = 0; i < objects; i++) {
    struct object *object = memory_new(m, &object_type);
    object->value = i;
    object->changes = 0;
    for (int k = 0; k < 2; k++) {
      INIT(m, object, others[k], object);
      INIT(m, object, own[k], NULL);
    }
    SET(m, TABLE, slot[i], object);
  }
  for (uint32_t step = 0; step < steps; step++)
    sum = memory_mix(sum, objects_change(m, r, objects, &seed));
  memory_checkpoint(m);
  for (uint32_t i = 0; MEMORY_FREES && i < objects; i++) {
    struct object *object = GET(m, TABLE, slot[i]);
    for (int k = 0; k < 2; k++) memory_free(m, GET(m, object, own[k]));
    memory_free(m, object);
  }
  memory_free(m, TABLE);
  ROOTS_END(m, r);
  memory_close(m, sum);
  return 0;
}
