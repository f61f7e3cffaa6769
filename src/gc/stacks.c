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
#include <string.h>

#include "base/bits.h"
#include "gc/gc.h"

// ---- ranges of words ----

// Words of other functions' frames, in which a sanitizer sees neither locals nor locks.
#define STACKS_SCANS __attribute__((noinline, no_sanitize_address, no_sanitize_thread))

STACKS_SCANS static void stacks_words(midden_gc *gc, uintptr_t from, uintptr_t to) {
  for (uintptr_t p = mid_round_up(from, MID_GC_WORD); p + MID_GC_WORD <= to; p += MID_GC_WORD)
    mid_gc_trace_word(gc, *(const uintptr_t *)p, true);
}

// The same but for the slots of frames, newer ones being below older ones in each stack.
STACKS_SCANS static void stacks_range(midden_gc *gc, const midden_frame *frames, uintptr_t from,
                                      uintptr_t to) {
  for (const midden_frame *f = frames; f != NULL; f = f->up) {
    uintptr_t slot = (uintptr_t)f->slot;
    if (slot < from || slot >= to) continue;
    stacks_words(gc, from, slot);
    from = slot + f->count * sizeof *f->slot;
  }
  stacks_words(gc, from, to);
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
static void stacks_touched(midden_gc *gc, struct mid_mutator *m, uintptr_t low, uintptr_t high) {
  const void *from = (const void *)low;
  size_t page = mid_os_page_bytes();
  uintptr_t start = mid_round_up(low, page);
  if (mid_os_first_touched((const void *)start, mid_round_up(high, page) - start, &from))
    low = mid_min((uintptr_t)from, high);
  stacks_range(gc, m->seen.frames, low, high);
}

// The stack that `sp` lies in, but for the alternate one.
static bool stacks_from(midden_gc *gc, struct mid_mutator *m, uintptr_t sp) {
  uintptr_t high = m->stack_high;
  if (!stacks_in(sp, m->stack_low, high)) {
    const midden_gc_stack *s = stacks_named(gc, sp);
    if (s == NULL) return false;
    high = (uintptr_t)s->high;
  }
  stacks_range(gc, m->seen.frames, sp, high);
  return true;
}

static void stacks_interrupted(midden_gc *gc, struct mid_mutator *m) {
  uintptr_t sp = m->context != NULL ? mid_os_context_sp(m->context) : m->alt_low;
  if (!stacks_in(sp, m->alt_low, m->alt_high) && stacks_from(gc, m, sp)) return;
  // A handler of the program's was interrupted on the alternate stack.
  stacks_touched(gc, m, m->stack_low, m->stack_high);
  if (m->on != NULL) stacks_touched(gc, m, (uintptr_t)m->on->low, (uintptr_t)m->on->high);
}

// One that was left.
static void stacks_at_rest(midden_gc *gc, const midden_gc_stack *s, uintptr_t high) {
  for (size_t i = 0; i < sizeof s->kept / sizeof *s->kept; i++)
    mid_gc_trace_word(gc, s->kept[i], true);
  stacks_range(gc, s->frames, (uintptr_t)s->sp, high);
}

static void stacks_thread(midden_gc *gc, struct mid_mutator *m) {
  bool alternate = stacks_in(m->sp, m->alt_low, m->alt_high);
  if (alternate) {
    stacks_range(gc, m->seen.frames, m->sp, m->alt_high);
    stacks_interrupted(gc, m);
  } else {
    MID_REQUIRE(stacks_from(gc, m, m->sp),
                "a thread of a collected heap runs on a stack that the heap does not know",
                (void *)m->sp, "name it with midden_gc_stack_add");
  }
  if (m->own.sp != NULL && !stacks_in(m->sp, m->stack_low, m->stack_high))
    stacks_at_rest(gc, &m->own, m->stack_high);
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
    stacks_thread(gc, m);
    if (m != mid_gc_stopper) continue;
    for (size_t i = 0; i < m->kept; i++) mid_gc_trace_word(gc, m->registers[i], true);
  }
  if ((gc->keeps & MIDDEN_GC_PRECISE) != 0) return;
  for (midden_gc_stack *s = gc->stacks; s != NULL; s = s->next)
    if (s->sp != NULL && !stacks_is_run_on(gc, s)) stacks_at_rest(gc, s, (uintptr_t)s->high);
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
  memset(stack->kept, 0, sizeof stack->kept);
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

// Callee-saved registers may be kept anywhere by what switches stacks, so they are kept here too.
// They are as they were only before the first instruction of a function; hence its beginning in
// assembly.  `registers` lie where that put them, just below the caller's frame.
__attribute__((used, visibility("hidden"))) void mid_gc_stack_switched(struct mid_mutator *m,
                                                                       midden_gc_stack *from,
                                                                       midden_gc_stack *to,
                                                                       const uintptr_t *registers,
                                                                       uintptr_t sp) {
  if (from == NULL) from = &m->own;
  for (uintptr_t *kept = from->kept; (uintptr_t)registers < sp; kept++) *kept = *registers++;
  from->sp = (void *)sp;
  from->frames = m->seen.frames;
  m->on = to;
  if (to == NULL) to = &m->own;
  MIDDEN_GC_IN_ORDER();  // a chain may be found twice, but not be lost
  m->seen.frames = to->frames;
  MIDDEN_GC_IN_ORDER();
  to->frames = NULL;
}

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".globl midden_gc_stack_switch\n"
    ".type midden_gc_stack_switch, @function\n"
    "midden_gc_stack_switch:\n"
    ".cfi_startproc\n"
    "  endbr64\n"
    "  lea 8(%rsp), %r8\n"
    "  push %rbx\n"
    "  push %rbp\n"
    "  push %r12\n"
    "  push %r13\n"
    "  push %r14\n"
    "  push %r15\n"
    "  mov %rsp, %rcx\n"
    "  sub $8, %rsp\n"
    "  .cfi_adjust_cfa_offset 56\n"
    "  call mid_gc_stack_switched\n"
    "  add $56, %rsp\n"
    "  .cfi_adjust_cfa_offset -56\n"
    "  ret\n"
    ".cfi_endproc\n"
    ".size midden_gc_stack_switch, . - midden_gc_stack_switch\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    ".globl midden_gc_stack_switch\n"
    ".type midden_gc_stack_switch, %function\n"
    "midden_gc_stack_switch:\n"
    ".cfi_startproc\n"
    "  mov x4, sp\n"
    "  sub sp, sp, #160\n"
    "  .cfi_adjust_cfa_offset 160\n"
    "  stp x19, x20, [sp]\n"
    "  stp x21, x22, [sp, #16]\n"
    "  stp x23, x24, [sp, #32]\n"
    "  stp x25, x26, [sp, #48]\n"
    "  stp x27, x28, [sp, #64]\n"
    "  stp x29, x30, [sp, #80]\n"
    "  .cfi_rel_offset x30, 88\n"
    "  stp d8, d9, [sp, #96]\n"
    "  stp d10, d11, [sp, #112]\n"
    "  stp d12, d13, [sp, #128]\n"
    "  stp d14, d15, [sp, #144]\n"
    "  mov x3, sp\n"
    "  bl mid_gc_stack_switched\n"
    "  ldr x30, [sp, #88]\n"
    "  add sp, sp, #160\n"
    "  .cfi_adjust_cfa_offset -160\n"
    "  ret\n"
    ".cfi_endproc\n"
    ".size midden_gc_stack_switch, . - midden_gc_stack_switch\n");
#else
void midden_gc_stack_switch(midden_mutator *m, midden_gc_stack *from, midden_gc_stack *to) {
  uintptr_t sp = (uintptr_t)__builtin_dwarf_cfa();
  mid_gc_stack_switched(mid_mutator_of(m), from, to, (const uintptr_t *)sp, sp);
}
#endif
