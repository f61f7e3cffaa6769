// region/stack.c -- frames on one guarded region.
// SPDX-License-Identifier: MIT
//
//   region: guard page | struct stack, blocks and frames up to `top`, free up to `limit` | guard
//   page
//
// A frame is the place to go back to; the frames that are entered form a list, the innermost first.
#include "midden/stack.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "heap/ledger.h"
#include "os/os.h"
#include "region/chunk.h"
#include "region/region.h"

struct midden_stack_frame {
  struct midden_stack_frame *outer;
  uintptr_t unused;  // for blocks to stay aligned to 16
};

struct stack {
  midden_stack hot;
  uintptr_t first;  // where the first block lies
  size_t bytes;     // of the region with its guards
  struct midden_stack_frame *innermost;
  struct stack *next;  // of those that are open; under open_lock
  midden_allocator allocator;
};

static struct stack *stack_inner(const midden_stack *stack) { return (struct stack *)stack; }
static char *stack_region_of(const struct stack *s) { return (char *)s - mid_os_page_bytes(); }

// ---- those that are open, for the handler of faults ----

static struct mid_lock stack_open_lock;
static struct stack *stack_open_first;  // under the lock
static bool stack_watching;             // under the lock

static bool stack_in_guard(const struct stack *s, const void *p) {
  size_t offset = (uintptr_t)p - (uintptr_t)stack_region_of(s), page = mid_os_page_bytes();
  return offset < page || (offset < s->bytes && offset >= s->bytes - page);
}

// In a signal handler.  Whoever holds the lock is opening or closing one, and did not fault.
static void stack_look_at_fault(const void *p) {
  if (!mid_lock_try(&stack_open_lock)) return;
  const struct stack *s = stack_open_first;
  while (s != NULL && !stack_in_guard(s, p)) s = s->next;
  mid_lock_give(&stack_open_lock);
  MID_REQUIRE(s == NULL || (const char *)p < (const char *)s, "overflow of a midden_stack", p,
              "a block's end was passed into the guard page: open it larger, or write less");
  MID_REQUIRE(s == NULL, "underflow of a midden_stack", p,
              "a block's start was passed into the guard page");
}

static void stack_list_open(struct stack *s) {
  mid_lock_take(&stack_open_lock);
  if (!stack_watching) mid_os_fault_watch(stack_look_at_fault);
  stack_watching = true;
  s->next = stack_open_first;
  stack_open_first = s;
  mid_lock_give(&stack_open_lock);
}

static void stack_list_close(struct stack *s) {
  mid_lock_take(&stack_open_lock);
  struct stack **at = &stack_open_first;
  while (*at != s) at = &(*at)->next;
  *at = s->next;
  mid_lock_give(&stack_open_lock);
}

// ---- blocks and frames ----

void *midden_stack_full(void) {
  errno = ENOMEM;
  return NULL;
}

midden_stack_frame *midden_stack_enter(midden_stack *stack) {
  midden_stack_frame *frame = midden_stack_alloc(stack, sizeof *frame);
  if (frame == NULL) return NULL;
  struct stack *s = stack_inner(stack);
  frame->outer = s->innermost;
  s->innermost = frame;
  return frame;
}

void midden_stack_leave(midden_stack *stack, midden_stack_frame *frame) {
  struct stack *s = stack_inner(stack);
  const midden_stack_frame *entered = s->innermost;
  while (entered != NULL && entered != frame) entered = entered->outer;
  MID_REQUIRE(entered != NULL, "leaving a frame that is not entered", frame,
              "it was left before, or ended with the frame around it, or is another stack's");
  s->innermost = frame->outer;
  s->hot.bump.top = (uintptr_t)frame;
}

// ---- as an allocator ----

static struct stack *stack_of(midden_allocator *self) {
  return (struct stack *)(void *)((char *)self - offsetof(struct stack, allocator));
}

static void *stack_as_alloc(midden_allocator *self, size_t bytes, size_t align) {
  midden_bump *bump = &stack_of(self)->hot.bump;
  align = mid_region_align(align);
  if (align == 0) return NULL;
  uintptr_t at = mid_round_up(bump->top, align);
  midden_bump rest = {at, bump->limit};
  void *block;
  if (at < bump->top || at > bump->limit || !midden_bump_take(&rest, bytes, &block))
    return midden_stack_full();
  bump->top = rest.top;
  return block;
}

// Where the blocks begin that may be freed singly.
static uintptr_t stack_innermost_start(const struct stack *s) {
  return s->innermost == NULL ? s->first : (uintptr_t)(s->innermost + 1);
}

static void *stack_as_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                             size_t align) {
  struct stack *s = stack_of(self);
  align = mid_region_align(align);
  if (align == 0) return NULL;
  midden_bump rest = {(uintptr_t)p, s->hot.bump.limit};
  bool newest = p != NULL && (uintptr_t)p + mid_round_up(old_bytes, 16) == s->hot.bump.top;
  void *block;
  if (newest && (uintptr_t)p % align == 0 && midden_bump_take(&rest, bytes, &block)) {
    s->hot.bump.top = rest.top;
    return p;
  }
  size_t most = s->hot.bump.top - (uintptr_t)p;  // when the old size is not known
  void *moved = stack_as_alloc(self, bytes, align);
  if (moved == NULL || p == NULL) return moved;
  return memmove(moved, p, mid_min(old_bytes != 0 ? old_bytes : most, bytes));
}

static void stack_as_free(midden_allocator *self, void *p, size_t bytes) {
  (void)bytes;
  struct stack *s = stack_of(self);
  if (p == NULL) return;
  MID_REQUIRE((uintptr_t)p >= stack_innermost_start(s) && (uintptr_t)p < s->hot.bump.top,
              "free of a block that is not in the innermost frame", p,
              "leave the frames entered since, and free no block twice");
  s->hot.bump.top = (uintptr_t)p;
}

static bool stack_as_owns(midden_allocator *self, const void *p) {
  const struct stack *s = stack_of(self);
  return (uintptr_t)p >= s->first && (uintptr_t)p < s->hot.bump.top;
}

midden_stats midden_stack_stats(const midden_stack *stack) {
  const struct stack *s = stack_inner(stack);
  return (midden_stats){.live_bytes = s->hot.bump.top - s->first,
                        .committed_bytes = s->bytes,
                        .peak_bytes = s->bytes};
}

static midden_stats stack_as_stats(midden_allocator *self) {
  return midden_stack_stats(&stack_of(self)->hot);
}

midden_allocator *midden_stack_allocator(midden_stack *stack) {
  return &stack_inner(stack)->allocator;
}

// ---- opening and closing ----

midden_status midden_stack_open(size_t bytes, midden_stack **out) {
  if (bytes == 0 || bytes > PTRDIFF_MAX / 2) return MIDDEN_INVALID;
  size_t page = mid_os_page_bytes();
  size_t usable = mid_round_up(bytes + mid_round_up(sizeof(struct stack), 16), page);
  char *region = mid_os_map(NULL, usable + 2 * page);
  if (region == NULL) return MIDDEN_NOMEM;
  if (!mid_os_guard(region, page) || !mid_os_guard(region + page + usable, page)) {
    mid_os_unmap(region, usable + 2 * page);
    return MIDDEN_NOMEM;
  }
  struct stack *s = (struct stack *)(void *)(region + page);
  s->first = (uintptr_t)s + mid_round_up(sizeof *s, 16);
  s->bytes = usable + 2 * page;
  s->hot.bump = (midden_bump){s->first, (uintptr_t)s + usable};
  s->allocator = (midden_allocator){"stack",       stack_as_alloc, stack_as_resize,
                                    stack_as_free, stack_as_owns,  stack_as_stats};
  stack_list_open(s);
  *out = &s->hot;
  return MIDDEN_OK;
}

void midden_stack_close(midden_stack *stack) {
  if (stack == NULL) return;
  struct stack *s = stack_inner(stack);
  mid_ledger_close(stack);
  stack_list_close(s);
  mid_os_unmap(stack_region_of(s), s->bytes);
}

const char *mid_stack_broken(const midden_stack *stack) {
  const struct stack *s = stack_inner(stack);
  if (s->hot.bump.top % 16 != 0) return "the top is not aligned to 16";
  if (s->hot.bump.top < s->first || s->hot.bump.top > s->hot.bump.limit)
    return "the top lies outside the region";
  uintptr_t above = s->hot.bump.top;
  for (const midden_stack_frame *f = s->innermost; f != NULL; f = f->outer) {
    if ((uintptr_t)f < s->first || (uintptr_t)f >= above) return "a frame lies above an inner one";
    above = (uintptr_t)f;
  }
  return NULL;
}
