// gc/stacks.c -- the ambiguous words of stacks and registers, and the exact ones of frames.
// SPDX-License-Identifier: MIT
//
// A stopped thread has saved its registers above m->sp, by itself or in the frame that the kernel
// made for a signal handler.  All from there to the end of the stack that sp lies in is scanned:
//
//   its own, or one that was named        [sp, high)
//   the alternate signal stack            [sp, high), and what the signal interrupted: from where
//   it
//                                         was; when that is not known, all that was ever touched
//
// and so are the stacks on which nobody runs, from where they were left.  Which of them a thread
// runs on is told by its sp alone: between midden_gc_stack_switch and the switch it is still on the
// one that it leaves.
//
// Slots of frames lie on stacks too, but are exact: what they refer to may move.
#include "base/bits.h"
#include "gc/gc.h"

// ---- ranges of words ----

// Words of other functions' frames, in which a sanitizer sees neither locals nor locks.
#define STACKS_SCANS __attribute__((noinline, no_sanitize_address, no_sanitize_thread))

STACKS_SCANS static void stacks_words(midden_gc *gc, uintptr_t from, uintptr_t to, bool signalled) {
  for (uintptr_t p = mid_round_up(from, MID_GC_WORD); p + MID_GC_WORD <= to; p += MID_GC_WORD)
    mid_gc_trace_word(gc, *(const uintptr_t *)p, signalled);
}

// The same but for the slots of frames, newer ones being below older ones in each stack.
STACKS_SCANS static void stacks_range(midden_gc *gc, const midden_frame *frames, uintptr_t from,
                                      uintptr_t to, bool signalled) {
  for (const midden_frame *f = frames; f != NULL; f = f->up) {
    uintptr_t slot = (uintptr_t)f->slot;
    if (slot < from || slot >= to) continue;
    stacks_words(gc, from, slot, signalled);
    from = slot + f->count * sizeof *f->slot;
  }
  stacks_words(gc, from, to, signalled);
}

// ---- the stacks of a thread ----

static bool stacks_in(uintptr_t sp, uintptr_t low, uintptr_t high) {
  return sp >= low && sp < high;
}

static midden_gc_stack *stacks_named(const midden_gc *gc, uintptr_t sp) {
  midden_gc_stack *s = gc->stacks;
  while (s != NULL && !stacks_in(sp, (uintptr_t)s->low, (uintptr_t)s->high)) s = s->next;
  return s;
}

// From the first page that was ever touched.
static void stacks_touched(midden_gc *gc, struct mid_mutator *m, uintptr_t low, uintptr_t high,
                           bool signalled) {
  const void *from = (const void *)low;
  size_t page = mid_os_page_bytes();
  uintptr_t start = mid_round_up(low, page);
  if (mid_os_first_touched((const void *)start, mid_round_up(high, page) - start, &from))
    low = mid_min((uintptr_t)from, high);
  stacks_range(gc, m->seen.frames, low, high, signalled);
}

// The stack that `sp` lies in, but for the alternate one.
static bool stacks_from(midden_gc *gc, struct mid_mutator *m, uintptr_t sp, bool signalled) {
  uintptr_t high = m->stack_high;
  if (!stacks_in(sp, m->stack_low, high)) {
    const midden_gc_stack *s = stacks_named(gc, sp);
    if (s == NULL) return false;
    high = (uintptr_t)s->high;
  }
  stacks_range(gc, m->seen.frames, sp, high, signalled);
  return true;
}

static void stacks_interrupted(midden_gc *gc, struct mid_mutator *m, bool signalled) {
  uintptr_t sp = m->context != NULL ? mid_os_context_sp(m->context) : m->alt_low;
  if (!stacks_in(sp, m->alt_low, m->alt_high) && stacks_from(gc, m, sp, signalled)) return;
  // A handler of the program's was interrupted on the alternate stack.
  stacks_touched(gc, m, m->stack_low, m->stack_high, signalled);
  if (m->on != NULL)
    stacks_touched(gc, m, (uintptr_t)m->on->low, (uintptr_t)m->on->high, signalled);
}

static void stacks_thread(midden_gc *gc, struct mid_mutator *m, bool signalled) {
  bool alternate = stacks_in(m->sp, m->alt_low, m->alt_high);
  if (alternate) {
    stacks_range(gc, m->seen.frames, m->sp, m->alt_high, signalled);
    stacks_interrupted(gc, m, signalled);
  } else {
    MID_REQUIRE(stacks_from(gc, m, m->sp, signalled),
                "a thread of a collected heap runs on a stack that the heap does not know",
                (void *)m->sp, "name it with midden_gc_stack_add");
  }
  if (m->own.sp != NULL && !stacks_in(m->sp, m->stack_low, m->stack_high))
    stacks_range(gc, m->own.frames, (uintptr_t)m->own.sp, m->stack_high, false);
}

static bool stacks_looked_at(const midden_gc *gc, const struct mid_mutator *m) {
  if (m->gone) return false;
  if ((gc->keeps & MIDDEN_GC_PRECISE) == 0) return true;
  uint32_t state = atomic_load_explicit(&m->xstate, memory_order_acquire);
  return m != mid_gc_stopper && state != MID_GC_STOPPED;
}

static bool stacks_is_run_on(const midden_gc *gc, const midden_gc_stack *s) {
  for (const struct mid_mutator *m = gc->mutators; m != NULL; m = m->next)
    if (!m->gone && stacks_in(m->sp, (uintptr_t)s->low, (uintptr_t)s->high)) return true;
  return false;
}

void mid_gc_scan_stacks(midden_gc *gc) {
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
    if (!stacks_looked_at(gc, m)) continue;
    uint32_t state = atomic_load_explicit(&m->xstate, memory_order_acquire);
    stacks_thread(gc, m, state == MID_GC_SIGNALLED);
    if (m != mid_gc_stopper) continue;
    for (size_t i = 0; i < MID_GC_REGISTERS; i++) mid_gc_trace_word(gc, m->registers[i], false);
  }
  if ((gc->keeps & MIDDEN_GC_PRECISE) != 0) return;
  for (midden_gc_stack *s = gc->stacks; s != NULL; s = s->next)
    if (s->sp != NULL && !stacks_is_run_on(gc, s))
      stacks_range(gc, s->frames, (uintptr_t)s->sp, (uintptr_t)s->high, false);
}

// ---- frames ----

static void stacks_frames(midden_gc *gc, const midden_frame *frames) {
  for (const midden_frame *f = frames; f != NULL; f = f->up)
    for (size_t i = 0; i < f->count; i++) mid_gc_trace_slot(gc, &f->slot[i]);
}

void mid_gc_scan_frames(midden_gc *gc) {
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
    stacks_frames(gc, m->seen.frames);
    stacks_frames(gc, m->own.frames);
  }
  for (midden_gc_stack *s = gc->stacks; s != NULL; s = s->next) stacks_frames(gc, s->frames);
}

// ---- stacks that the program names ----

void midden_gc_stack_add(midden_gc *gc, midden_gc_stack *stack) {
  mid_gc_lock_quietly(gc);
  stack->frames = NULL;
  stack->next = gc->stacks;
  gc->stacks = stack;
  mid_gc_unlock_quietly(gc);
}

void midden_gc_stack_remove(midden_gc *gc, midden_gc_stack *stack) {
  mid_gc_lock_quietly(gc);
  midden_gc_stack **at = &gc->stacks;
  while (*at != NULL && *at != stack) at = &(*at)->next;
  if (*at != NULL) *at = stack->next;
  mid_gc_unlock_quietly(gc);
}

__attribute__((noinline)) void midden_gc_stack_switch(midden_mutator *seen, midden_gc_stack *from,
                                                      midden_gc_stack *to) {
  struct mid_mutator *m = mid_mutator_of(seen);
  if (from == NULL) from = &m->own;
  from->sp = __builtin_dwarf_cfa();
  from->frames = seen->frames;
  m->on = to;
  if (to == NULL) to = &m->own;
  seen->frames = to->frames;
  to->frames = NULL;
}
