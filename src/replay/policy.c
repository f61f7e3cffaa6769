// replay/policy.c -- the allocators of region/ with the whole trace as their one client.
// SPDX-License-Identifier: MIT
//
// Textbook policies place blocks in a region.  Theirs grows at its end when no hole is large
// enough, as a heap of sbrk does: a fit heap by what is missing, a buddy by a region twice as large
// behind the last one, since buddies come in powers of two:
//
//   | part 0: S | part 1: S | part 2: 2 S | part 3: 4 S            | ...
//
// With a region of a fixed size nothing grows, and the policy's own records lie elsewhere, so that
// offsets are those of the textbook.
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "midden/buddy.h"
#include "midden/classic.h"
#include "region/fit.h"
#include "region/region.h"
#include "replay/calls.h"

#define POLICY_ALIGN ((size_t)1 << 30)  // of the region, for blocks whose alignment is large
#define POLICY_STEP ((size_t)64 << 10)  // a fit heap grows by so much or a multiple
#define POLICY_PART ((size_t)1 << 20)   // the first part of a buddy that grows
enum { POLICY_PARTS = 40, POLICY_LEAST = 16, POLICY_STATE_BYTES = 8192 };

struct policy {
  char *region;
  size_t bytes, most;  // now; at most
  midden_allocator *part[POLICY_PARTS];
  size_t parts;
  bool keeps_all;                                // an arena: what is live in it is not known
  bool (*grow)(struct policy *p, size_t bytes);  // make room for a block of so many; NULL: never
  midden_fit fit;
  _Alignas(16) char state[POLICY_STATE_BYTES];
};

static struct policy policy;

static void *policy_reserve(size_t bytes) {
  void *p =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static char *policy_region(size_t bytes) {
  char *p = policy_reserve(bytes + POLICY_ALIGN);
  return p == NULL ? NULL : (char *)mid_round_up((uintptr_t)p, POLICY_ALIGN);
}

// ---- calls ----

// Of a buddy that grew: part k > 0 is as large as all before it.
static midden_allocator *part_of(struct policy *p, const void *block) {
  if (p->parts == 1) return p->part[0];
  size_t offset = (size_t)((const char *)block - p->region);
  return p->part[offset < POLICY_PART ? 0 : mid_log2(offset / POLICY_PART) + 1];
}

static void *policy_try(struct policy *p, size_t bytes, size_t align) {
  void *block = NULL;
  for (size_t i = 0; i < p->parts && block == NULL; i++)
    block = p->part[i]->alloc(p->part[i], bytes, align);
  return block;
}

static void *policy_aligned(void *self, size_t bytes, size_t align) {
  struct policy *p = self;
  void *block = policy_try(p, bytes, align);
  while (block == NULL && p->grow != NULL && p->grow(p, bytes + align))
    block = policy_try(p, bytes, align);
  return block;
}

static void *policy_alloc(void *self, size_t bytes) { return policy_aligned(self, bytes, 0); }

static void *policy_zeroed(void *self, size_t bytes) {
  void *block = policy_aligned(self, bytes, 0);
  return block == NULL ? NULL : memset(block, 0, bytes);
}

static void policy_free(void *self, void *block, size_t bytes) {
  midden_allocator *part = part_of(self, block);
  part->free(part, block, bytes);
}

static void *policy_resize(void *self, void *block, size_t old_bytes, size_t bytes) {
  if (block == NULL) return policy_alloc(self, bytes);
  midden_allocator *part = part_of(self, block);
  void *to = part->resize(part, block, old_bytes, bytes, 0);
  if (to != NULL) return to;
  if ((to = policy_alloc(self, bytes)) == NULL) return NULL;
  memcpy(to, block, mid_min(old_bytes, bytes));
  part->free(part, block, old_bytes);
  return to;
}

static midden_stats policy_stats(void *self) {
  struct policy *p = self;
  midden_stats all = p->part[0]->stats(p->part[0]);
  if (p->keeps_all) all.live_bytes = 0;
  for (size_t i = 1; i < p->parts; i++) {
    midden_stats part = p->part[i]->stats(p->part[i]);
    size_t before = POLICY_PART << (i - 1);
    all.live_bytes += part.live_bytes;
    if (part.live_bytes > 0) all.committed_bytes = before + part.committed_bytes;
    if (part.peak_bytes > 0) all.peak_bytes = before + part.peak_bytes;
  }
  return all;
}

// ---- opening ----

static bool fit_heap_grow(struct policy *p, size_t bytes) {
  size_t more = mid_round_up(mid_max(bytes + bytes / 16, POLICY_STEP), POLICY_STEP);
  if (more < bytes || more > p->most - p->bytes) return false;
  p->bytes += more;
  mid_fit_grow(&p->fit, (uint32_t)(more / MID_FIT_GRANULE));
  return true;
}

// A bare heap keeps its tags apart; else an end tag lies behind the region's last byte.
static bool fit_heap_open(struct policy *p, const struct mid_fit_policy *kind, bool bare) {
  if (kind->state_bytes > sizeof p->state) return false;
  char *tags = bare ? policy_reserve(2 * p->most + 64) : p->region;
  if (tags == NULL) return false;
  p->fit = (midden_fit){.region = p->region,
                        .base = p->region,
                        .tags = tags,
                        .stride = bare ? 2 * MID_FIT_GRANULE : MID_FIT_GRANULE,
                        .header = !bare,
                        .granules = (uint32_t)(p->bytes / MID_FIT_GRANULE),
                        .policy = kind,
                        .state = p->state};
  mid_fit_prepare(&p->fit);
  p->part[p->parts++] = midden_fit_allocator(&p->fit);
  if (p->grow != NULL) p->grow = fit_heap_grow;
  return true;
}

static bool buddy_part_open(struct policy *p, size_t offset, size_t bytes) {
  midden_buddy *buddy;
  if (midden_buddy_open(NULL, p->region + offset, bytes, POLICY_LEAST, &buddy) != MIDDEN_OK)
    return false;
  p->part[p->parts++] = midden_buddy_allocator(buddy);
  p->bytes = offset + bytes;
  return true;
}

static bool buddy_grow(struct policy *p, size_t bytes) {
  return bytes <= p->most && p->bytes <= p->most - p->bytes && p->parts < POLICY_PARTS &&
         buddy_part_open(p, p->bytes, p->bytes);
}

static bool buddy_open(struct policy *p) {
  if (p->grow == NULL) return buddy_part_open(p, 0, p->bytes);
  p->grow = buddy_grow;
  return buddy_part_open(p, 0, POLICY_PART);
}

// Those that have no region of their own, but take chunks of malloc.
static bool chunked_open(struct policy *p, const char *name) {
  midden_classic *classic;
  midden_arena *arena;
  p->grow = NULL;
  if (strcmp(name, "obmalloc") == 0 && midden_classic_open(NULL, &classic) == MIDDEN_OK)
    p->part[p->parts++] = midden_classic_allocator(classic);
  if (strcmp(name, "arena") == 0 && midden_arena_open(NULL, 0, &arena) == MIDDEN_OK)
    p->part[p->parts++] = midden_arena_allocator(arena), p->keeps_all = true;
  return p->parts > 0;
}

static bool policy_start(struct policy *p, const struct mid_errand *errand) {
  const struct mid_fit_policy *kind = mid_fit_policy_named(errand->allocator);
  bool is_buddy = strcmp(errand->allocator, "buddy") == 0;
  if (kind == NULL && !is_buddy) return chunked_open(p, errand->allocator);
  p->region = policy_region(p->most + MID_FIT_GRANULE);
  if (p->region == NULL) return false;
  return is_buddy ? buddy_open(p) : fit_heap_open(p, kind, errand->flags & MID_REPLAY_BARE);
}

bool mid_policy_open(const struct mid_errand *errand, struct mid_calls *out) {
  struct policy *p = &policy;
  size_t most = mid_min(errand->region != 0 ? errand->region : errand->most,
                        (MID_FIT_MOST - 1) * MID_FIT_GRANULE);
  p->most = mid_round_down(most, MID_FIT_GRANULE);
  p->bytes = errand->region != 0 ? p->most : mid_min(p->most, POLICY_STEP);
  // Which one is for the kind to say.
  p->grow = errand->region != 0 ? NULL : fit_heap_grow;
  if (!policy_start(p, errand)) return false;
  *out = (struct mid_calls){.alloc = policy_alloc,
                            .zeroed = policy_zeroed,
                            .aligned = policy_aligned,
                            .resize = policy_resize,
                            .free = policy_free,
                            .stats = policy_stats,
                            .self = p,
                            .region = p->region,
                            .reach = SIZE_MAX};
  return true;
}
