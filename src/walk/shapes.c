// walk/shapes.c -- see shapes.h.
// SPDX-License-Identifier: MIT
#include "walk/shapes.h"

#include <stdlib.h>
#include <string.h>

struct mid_shape_site {
  size_t site;
  double others;   // blocks that it stands for
  uint64_t share;  // that it gets
};

void mid_shapes_close(struct mid_shapes *s) {
  for (size_t i = 0; i < s->count; i++) free(s->shape[i].site);
  free(s->shape);
  free(s->table);
  *s = (struct mid_shapes){0};
}

static uint32_t *shapes_place(const struct mid_shapes *s, uint64_t bytes, uint64_t word) {
  size_t at = (size_t)((bytes * 0x9e3779b97f4a7c15u ^ word) * 0xff51afd7ed558ccdu >> 20);
  for (;; at++) {
    uint32_t *place = &s->table[at & (s->places - 1)];
    if (*place == 0) return place;
    const struct mid_shape *shape = &s->shape[*place - 1];
    if (shape->bytes == bytes && shape->word == word) return place;
  }
}

static void shapes_grow(struct mid_shapes *s) {
  s->places = s->places == 0 ? 256 : 2 * s->places;
  free(s->table);
  s->table = calloc(s->places, sizeof *s->table);
  s->shape = reallocarray(s->shape, s->room = s->places / 2, sizeof *s->shape);
  if (s->table == NULL || s->shape == NULL) abort();
  for (size_t i = 0; i < s->count; i++)
    *shapes_place(s, s->shape[i].bytes, s->shape[i].word) = (uint32_t)i + 1;
}

uint32_t mid_shapes_find(struct mid_shapes *s, uint64_t bytes, uint64_t word) {
  if (s->count == s->room) shapes_grow(s);
  uint32_t *place = shapes_place(s, bytes, word);
  if (*place == 0) {
    s->shape[s->count] = (struct mid_shape){.bytes = bytes, .word = word, .group = UINT32_MAX};
    *place = (uint32_t)++s->count;
  }
  return *place - 1;
}

const struct mid_shape *mid_shapes_known(const struct mid_shapes *s, uint64_t bytes,
                                         uint64_t word) {
  uint32_t number = s->places == 0 ? 0 : *shapes_place(s, bytes, word);
  return number == 0 || s->shape[number - 1].sites == 0 ? NULL : &s->shape[number - 1];
}

void mid_shape_known(struct mid_shape *shape, size_t site, double others) {
  size_t i = 0;
  while (i < shape->sites && shape->site[i].site != site) i++;
  if (i == shape->room) {
    shape->room = shape->room == 0 ? 4 : 2 * shape->room;
    shape->site = reallocarray(shape->site, shape->room, sizeof *shape->site);
    if (shape->site == NULL) abort();
  }
  if (i == shape->sites) shape->site[shape->sites++] = (struct mid_shape_site){.site = site};
  // Where each block was sampled, those that were not are of before: any site may have them.
  shape->site[i].others += others + 1e-6;
}

void mid_shape_borrow(struct mid_shape *shape, const struct mid_shape *other) {
  for (size_t i = 0; i < other->sites; i++)
    mid_shape_known(shape, other->site[i].site, other->site[i].others);
}

void mid_shape_share(struct mid_shape *shape) {
  double all = 0, so_far = 0;
  uint64_t given = 0;
  for (size_t i = 0; i < shape->sites; i++) all += shape->site[i].others;
  for (size_t i = 0; i < shape->sites; i++) {
    so_far += shape->site[i].others;
    uint64_t upto = i + 1 == shape->sites
                        ? shape->unknown
                        : (uint64_t)((double)shape->unknown * (so_far / all) + 0.5);
    shape->site[i].share = upto - given;
    given = upto;
  }
}

size_t mid_shape_give(struct mid_shape *shape) {
  for (; shape->giving < shape->sites; shape->giving++)
    if (shape->site[shape->giving].share > 0) {
      shape->site[shape->giving].share--;
      return shape->site[shape->giving].site;
    }
  return MID_SHAPE_NO_SITE;
}
