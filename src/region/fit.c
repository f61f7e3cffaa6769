// region/fit.c -- a heap with boundary tags over a caller's region: see fit.h for its shape.
// SPDX-License-Identifier: MIT
#include "region/fit.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "heap/ledger.h"
#include "region/chunk.h"

// ---- blocks and holes ----

static char *fit_payload(const midden_fit *fit, uint32_t block) {
  return fit->base + mid_fit_bytes(block + fit->header);
}

// What the tag of a block in use holds and no program writes by chance.
static uint64_t fit_mark(const midden_fit *fit, const struct mid_tag *tag) {
  return ((uintptr_t)tag ^ (uintptr_t)fit << 20) * 0x9e3779b97f4a7c15u;
}

static bool fit_is_indexed(const midden_fit *fit, const struct mid_tag *tag) {
  return tag->size >= fit->least;
}

static struct mid_tag *fit_put(midden_fit *fit, uint32_t at, uint32_t size, uint32_t before) {
  struct mid_tag *tag = mid_fit_tag(fit, at);
  tag->size = size & INT32_MAX;
  tag->before = before;
  mid_fit_tag(fit, at + size)->before = size;
  return tag;
}

static void fit_put_hole(midden_fit *fit, uint32_t at, uint32_t size, uint32_t before) {
  struct mid_tag *tag = fit_put(fit, at, size, before);
  tag->used = false;
  tag->mark = 0;
  if (fit_is_indexed(fit, tag)) fit->policy->insert(fit, at);
}

static void fit_put_block(midden_fit *fit, uint32_t at, uint32_t size, uint32_t before) {
  struct mid_tag *tag = fit_put(fit, at, size, before);
  tag->used = true;
  tag->mark = fit_mark(fit, tag);
  if (at + size > fit->peak) fit->peak = at + size;
  fit->live_blocks++;
  fit->live_granules += size - fit->header;
}

// What was a block is about to become something else.
static void fit_drop_block(midden_fit *fit, struct mid_tag *tag) {
  fit->live_blocks--;
  fit->live_granules -= tag->size - fit->header;
  tag->mark = 0;  // inside a larger hole it would still look like a block
}

static void fit_drop_hole(midden_fit *fit, uint32_t at) {
  if (fit_is_indexed(fit, mid_fit_tag(fit, at))) fit->policy->remove(fit, at);
}

// ---- misuse ----

MID_RARELY static _Noreturn void fit_crime(const midden_fit *fit, uint32_t at, const void *p) {
  uint32_t g = 0;
  const struct mid_tag *tag = mid_fit_tag(fit, 0);
  while (tag->size != 0 && tag->size <= fit->granules - g && g + tag->size <= at)
    g += tag->size, tag = mid_fit_tag(fit, g);
  if (tag->size == 0 || tag->size > fit->granules - g)
    mid_crime("overwritten tag", tag, "look for a write past the end of the block before it");
  if (!tag->used)
    mid_crime("double free", p, "this block is free already; look for its second owner");
  if (g == at)
    mid_crime("overwritten tag", tag, "look for a write past the end of the block before it");
  mid_crime("not a block's start", p,
            "this address lies inside a block; give the pointer that was taken");
}

// The granule that a payload's address names; no block needs to be there.
static bool fit_find(const midden_fit *fit, const void *p, uint32_t *out) {
  uintptr_t off = (uintptr_t)p - (uintptr_t)fit_payload(fit, 0);
  if (off % MID_FIT_GRANULE != 0 || off / MID_FIT_GRANULE >= fit->granules) return false;
  *out = (uint32_t)(off / MID_FIT_GRANULE);
  return true;
}

static bool fit_is_block(const midden_fit *fit, uint32_t at) {
  const struct mid_tag *tag = mid_fit_tag(fit, at);
  return tag->mark == fit_mark(fit, tag) && tag->used;
}

static uint32_t fit_block(const midden_fit *fit, const void *p) {
  uint32_t at = 0;
  MID_REQUIRE(fit_find(fit, p, &at), "foreign pointer", p,
              "no block of this heap can begin there; give it to the allocator it came from");
  if (mid_unlikely(!fit_is_block(fit, at))) fit_crime(fit, at, p);
  return at;
}

// ---- take, give, resize ----

// Granules of a block for `bytes`; MID_FIT_NONE when no region is so large.
static uint32_t fit_need(const midden_fit *fit, size_t bytes) {
  if (bytes > mid_fit_bytes(fit->granules)) return MID_FIT_NONE;
  size_t payload = mid_round_up(bytes, MID_FIT_GRANULE) / MID_FIT_GRANULE;
  return (uint32_t)mid_max(payload + fit->header, fit->least);
}

// Where in `hole` a block begins whose payload is aligned; what is left before it can be a hole.
static uint32_t fit_place(const midden_fit *fit, uint32_t hole, size_t align) {
  uintptr_t payload = (uintptr_t)fit_payload(fit, hole);
  return hole + (uint32_t)((mid_round_up(payload, align) - payload) / MID_FIT_GRANULE);
}

static void *fit_alloc_aligned(midden_fit *fit, size_t bytes, size_t align) {
  uint32_t need = fit_need(fit, bytes);
  size_t slack = align / MID_FIT_GRANULE - 1;
  if (need == MID_FIT_NONE || slack > fit->granules) return errno = ENOMEM, NULL;
  if (need + slack > fit->granules) return errno = ENOMEM, NULL;
  uint32_t hole = fit->policy->find(fit, need + (uint32_t)slack);
  if (hole == MID_FIT_NONE) return errno = ENOMEM, NULL;
  fit_drop_hole(fit, hole);
  struct mid_tag was = *mid_fit_tag(fit, hole);
  uint32_t at = fit_place(fit, hole, align), lead = at - hole;
  uint32_t rest = was.size - lead - need;
  if (lead > 0) fit_put_hole(fit, hole, lead, was.before);
  fit_put_block(fit, at, need, lead > 0 ? lead : was.before);
  if (rest > 0) fit_put_hole(fit, at + need, rest, need);
  return fit_payload(fit, at);
}

void *midden_fit_alloc(midden_fit *fit, size_t bytes) {
  return fit_alloc_aligned(fit, bytes, MID_FIT_GRANULE);
}

// Put a hole, which the hole before it joins if there is one.
static void fit_put_hole_behind(midden_fit *fit, uint32_t at, uint32_t size, uint32_t before) {
  if (before > 0 && !mid_fit_tag(fit, at - before)->used) {
    at -= before;
    fit_drop_hole(fit, at);
    size += before;
    before = mid_fit_tag(fit, at)->before;
  }
  fit_put_hole(fit, at, size, before);
}

void midden_fit_free(midden_fit *fit, void *p) {
  if (p == NULL) return;
  uint32_t at = fit_block(fit, p);
  struct mid_tag *tag = mid_fit_tag(fit, at);
  fit_drop_block(fit, tag);
  uint32_t size = tag->size, before = tag->before;
  const struct mid_tag *behind = mid_fit_tag(fit, at + size);
  if (!behind->used) {
    fit_drop_hole(fit, at + size);
    size += behind->size;
  }
  fit_put_hole_behind(fit, at, size, before);
}

// Make the block at `at` `need` granules long where it stands; false when it has not the room.
static bool fit_stretch(midden_fit *fit, uint32_t at, uint32_t need) {
  struct mid_tag *tag = mid_fit_tag(fit, at);
  uint32_t room = tag->size, before = tag->before;
  const struct mid_tag *behind = mid_fit_tag(fit, at + room);
  if (need == room) return true;
  if (!behind->used) room += behind->size;
  if (need > room) return false;
  if (!behind->used) fit_drop_hole(fit, at + tag->size);
  fit_drop_block(fit, tag);
  fit_put_block(fit, at, need, before);
  if (room > need) fit_put_hole(fit, at + need, room - need, need);
  return true;
}

// ---- as an allocator ----

static midden_fit *fit_of(midden_allocator *self) {
  return (midden_fit *)((char *)self - offsetof(midden_fit, allocator));
}

static void *fit_alloc_as(midden_allocator *self, size_t bytes, size_t align) {
  align = mid_region_align(align);
  return align == 0 ? NULL : fit_alloc_aligned(fit_of(self), bytes, align);
}

static void *fit_resize_as(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                           size_t align) {
  (void)old_bytes;
  if (p == NULL) return fit_alloc_as(self, bytes, align);
  midden_fit *fit = fit_of(self);
  uint32_t at = fit_block(fit, p), need = fit_need(fit, bytes);
  align = mid_region_align(align);
  if (align == 0) return NULL;
  if (need != MID_FIT_NONE && (uintptr_t)p % align == 0 && fit_stretch(fit, at, need)) return p;
  return mid_region_move(self, p, mid_fit_bytes(mid_fit_tag(fit, at)->size - fit->header), bytes,
                         align);
}

static void fit_free_as(midden_allocator *self, void *p, size_t bytes) {
  (void)bytes;
  midden_fit_free(fit_of(self), p);
}

static bool fit_owns_as(midden_allocator *self, const void *p) {
  uint32_t at;
  return fit_find(fit_of(self), p, &at) && fit_is_block(fit_of(self), at);
}

static midden_stats fit_stats_as(midden_allocator *self) { return midden_fit_stats(fit_of(self)); }

midden_allocator *midden_fit_allocator(midden_fit *fit) { return &fit->allocator; }

// ---- what it holds ----

static size_t fit_extent(const midden_fit *fit, uint32_t end) {
  return (size_t)(fit->base - fit->region) + mid_fit_bytes(end);
}

midden_stats midden_fit_stats(const midden_fit *fit) {
  uint32_t last = mid_fit_tag(fit, fit->granules)->before;
  bool ends_free = !mid_fit_tag(fit, fit->granules - last)->used;
  return (midden_stats){
      .live_blocks = fit->live_blocks,
      .live_bytes = fit->live_granules * MID_FIT_GRANULE,
      .committed_bytes = fit_extent(fit, fit->granules - (ends_free ? last : 0)),
      .peak_bytes = fit_extent(fit, fit->peak),
  };
}

bool midden_fit_holes(const midden_fit *fit,
                      bool (*visit)(size_t offset, size_t bytes, void *context), void *context) {
  for (uint32_t g = 0; g < fit->granules; g += mid_fit_tag(fit, g)->size) {
    const struct mid_tag *tag = mid_fit_tag(fit, g);
    if (!tag->used && !visit(fit_extent(fit, g), mid_fit_bytes(tag->size), context)) return false;
  }
  return true;
}

static const char *fit_block_broken(const midden_fit *fit, uint32_t at, uint32_t before) {
  const struct mid_tag *tag = mid_fit_tag(fit, at);
  if (tag->size == 0 || tag->size > fit->granules - at) return "a tag's size leads out of the heap";
  if (tag->before != before) return "a tag does not know the size of the one before";
  if (tag->used && tag->mark != fit_mark(fit, tag)) return "the tag of a block was overwritten";
  if (tag->used && !fit_is_indexed(fit, tag)) return "a block is smaller than any may be";
  if (!tag->used && before > 0 && !mid_fit_tag(fit, at - before)->used)
    return "two holes are neighbours";
  return NULL;
}

const char *mid_fit_broken(const midden_fit *fit) {
  size_t blocks = 0, granules = 0, holes = 0;
  uint32_t before = 0;
  for (uint32_t g = 0; g < fit->granules; g += before) {
    const char *broken = fit_block_broken(fit, g, before);
    if (broken != NULL) return broken;
    const struct mid_tag *tag = mid_fit_tag(fit, g);
    before = tag->size;
    if (tag->used)
      blocks++, granules += tag->size - fit->header;
    else
      holes += fit_is_indexed(fit, tag);
    if (tag->used && g + before > fit->peak) return "a block ends above the highest end of all";
  }
  if (mid_fit_tag(fit, fit->granules)->before != before) return "the end tag was overwritten";
  if (blocks != fit->live_blocks || granules != fit->live_granules) return "the counts are wrong";
  return fit->policy->broken(fit, holes);
}

// ---- open and close ----

const char *midden_fit_policy(size_t i) {
  size_t known = 0;
  while (known < i && mid_fit_policies[known] != NULL) known++;
  return mid_fit_policies[known] == NULL ? NULL : mid_fit_policies[known]->name;
}

const struct mid_fit_policy *mid_fit_policy_named(const char *name) {
  for (size_t i = 0; mid_fit_policies[i] != NULL; i++)
    if (strcmp(mid_fit_policies[i]->name, name) == 0) return mid_fit_policies[i];
  return NULL;
}

static void fit_put_end(midden_fit *fit, uint32_t at) {
  struct mid_tag *end = mid_fit_tag(fit, fit->granules = at);
  end->size = 0;
  end->used = true;
}

void mid_fit_prepare(midden_fit *fit) {
  fit->least = fit->header + 1;
  fit->allocator = (midden_allocator){fit->policy->name, fit_alloc_as, fit_resize_as,
                                      fit_free_as,       fit_owns_as,  fit_stats_as};
  memset(fit->state, 0, fit->policy->state_bytes);
  fit->policy->open(fit);
  fit_put_end(fit, fit->granules);
  fit_put_hole(fit, 0, fit->granules, 0);
}

void mid_fit_grow(midden_fit *fit, uint32_t granules) {
  uint32_t at = fit->granules, before = mid_fit_tag(fit, at)->before;
  fit_put_end(fit, at + granules);
  fit_put_hole_behind(fit, at, granules, before);
}

midden_status midden_fit_open(void *region, size_t bytes, const char *name, midden_fit **out) {
  const struct mid_fit_policy *policy = mid_fit_policy_named(name);
  if (policy == NULL || region == NULL || (uintptr_t)region % MID_FIT_GRANULE != 0)
    return MIDDEN_INVALID;
  size_t control = mid_round_up(sizeof(midden_fit) + policy->state_bytes, MID_FIT_GRANULE);
  const size_t least = control + 3 * MID_FIT_GRANULE;  // a block of 16 bytes, and the end tag
  if (bytes < least || bytes / MID_FIT_GRANULE > MID_FIT_MOST) return MIDDEN_INVALID;
  midden_fit *fit = region;
  char *base = (char *)region + control;
  *fit = (midden_fit){.region = region,
                      .state = fit + 1,
                      .policy = policy,
                      .base = base,
                      .tags = base,
                      .stride = MID_FIT_GRANULE,
                      .header = 1,
                      .granules = (uint32_t)((bytes - control) / MID_FIT_GRANULE) - 1};
  mid_fit_prepare(fit);
  *out = fit;
  return MIDDEN_OK;
}

void midden_fit_close(midden_fit *fit) {
  if (fit == NULL) return;
  mid_ledger_close(fit);
  memset(fit, 0, sizeof *fit);  // a late call finds no heap
}
