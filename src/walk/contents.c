// walk/contents.c -- see contents.h.
// SPDX-License-Identifier: MIT
#include "walk/contents.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "observe/finding_limits.h"
#include "observe/must.h"

// The process may stand still meanwhile: it takes some 30 ms.
enum { CONTENTS_BYTES = 64 << 20 };

struct contents {
  const struct mid_target *target;
  char *room;
  size_t room_bytes;
  struct mid_content *out;
  size_t count;
  uint64_t left;  // bytes that may be read yet
};

static int by_size(const void *a, const void *b) {
  const struct mid_profile_sample *x = *(const struct mid_profile_sample *const *)a;
  const struct mid_profile_sample *y = *(const struct mid_profile_sample *const *)b;
  return x->asked < y->asked ? -1 : x->asked > y->asked;
}

static int by_block(const void *a, const void *b) {
  const struct mid_content *x = a, *y = b;
  return x->block < y->block ? -1 : x->block > y->block;
}

static uint64_t hash_more(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 29;
}

// bytes  of the last word: 8 is one more whole word, and none are left
static uint64_t hash_rest(uint64_t hash, const char *at, size_t bytes) {
  uint64_t word = 0;
  memcpy(&word, at, bytes);
  if (bytes == sizeof word) return hash_rest(hash_more(hash, word), at, 0);
  return hash_more(hash_more(hash, word), bytes);
}

// 64 bits of all of it, and of all but its last byte.  false: one word over and over.
static bool content_hash(const char *at, size_t bytes, struct mid_content *out) {
  uint64_t hash = 0, first, word;
  size_t words = (bytes - 1) / sizeof word, rest = bytes - words * sizeof word;
  bool varied = false;
  memcpy(&first, at, sizeof first);
  for (size_t i = 0; i < words; i++) {
    memcpy(&word, at + i * sizeof word, sizeof word);
    varied = varied || word != first;
    hash = hash_more(hash, word);
  }
  out->hash = hash_rest(hash, at + bytes - rest, rest);
  out->but_last = hash_rest(hash, at + bytes - rest, rest - 1);
  return varied;
}

static void content_take(struct contents *c, const struct mid_profile_sample *s) {
  struct mid_content content = {.block = s->block};
  if (s->asked > c->left) return;
  c->left -= s->asked;
  if (s->asked > c->room_bytes) {
    c->room = mid_must(realloc(c->room, s->asked));
    c->room_bytes = s->asked;
  }
  if (mid_target_read(c->target, s->block, c->room, s->asked) &&
      content_hash(c->room, s->asked, &content))
    c->out[c->count++] = content;
}

size_t mid_contents_find(const struct mid_target *target, const struct mid_profile *p,
                         struct mid_content **out) {
  const struct mid_profile_sample **sample = mid_must(calloc(p->samples + 1, sizeof *sample));
  struct contents c = {.target = target, .left = CONTENTS_BYTES};
  size_t count = 0;
  for (size_t i = 0; i < p->samples; i++)
    if (p->sample[i].asked >= MID_DOUBLE_BLOCK) sample[count++] = &p->sample[i];
  if (count > 0) qsort(sample, count, sizeof *sample, by_size);
  c.out = mid_must(calloc(count + 1, sizeof *c.out));
  for (size_t i = 0, end; i < count; i = end) {
    bool two = false;
    for (end = i + 1; end < count && sample[end]->asked - sample[end - 1]->asked <= 1; end++)
      two = two || sample[end]->site != sample[i]->site;
    for (size_t k = i; k < end && two; k++) content_take(&c, sample[k]);
  }
  if (c.count > 0) qsort(c.out, c.count, sizeof *c.out, by_block);
  free(sample);
  free(c.room);
  *out = c.out;
  return c.count;
}
