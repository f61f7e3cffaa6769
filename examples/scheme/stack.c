// examples/scheme/stack.c -- call/cc: the C stack is copied into an object, and back.
// SPDX-License-Identifier: MIT
//
//   stack    base | frames of eval ... | capture | stack_copy        grows to lower addresses
//                 |<------------- copied ------------->|
//   object   low, bytes, frames, at | copy: the same words, lowest address first
//
// Everything that the interpreter does runs below scheme.base, so what lies between it and the
// present end of the stack is the rest of the computation.  Registers that a caller may keep values
// in are saved on the stack first.  To go on there, the words are laid back where they were, to the
// same addresses, for pointers into the stack lead there; and longjmp does what remains.  It may be
// done any number of times.
//
// What the copied words refer to has to live on.  Where stacks are scanned, they are scanned just
// like one: the type is conservative, so that such an object never moves, nor does what it refers
// to; the words are right for ever.
//
// With frames, objects move, and only slots may refer to them.  The copied stack has the chain of
// frames in it, and the slots, but with the addresses of the stack: `address - low` is where the
// copy has it.  So trace_continuation follows the chain within the copy, and shows the collector
// the slots there; they are brought up to date like any field, as often as it likes, and the object
// itself may move, since nothing points into it.  Other words that look like references are what
// the compiler happened to keep: nobody reads them again, by the promise.  The slots are stored and
// loaded as fields are, so that a collector with a load barrier finds its own words in the copy,
// and the stack never has them.
#include <alloca.h>

#include "scheme.h"

#if SCHEME_PRECISE
// The copy of what is at `address` on the stack; NULL: outside of what was copied.
static void *stack_copy_of(struct continuation *k, const void *address) {
  size_t offset = (size_t)((const char *)address - k->low);
  return offset < k->bytes ? (char *)k->copy + offset : NULL;
}

// The slots that were copied are visited where they are in the copy.
void trace_continuation(void *object, size_t bytes, midden_visit *visit, void *context) {
  struct continuation *k = object;
  (void)bytes;
  for (midden_frame *f = stack_copy_of(k, k->frames); f != NULL; f = stack_copy_of(k, f->up)) {
    midden_ref *slot = stack_copy_of(k, f->slot);
    for (size_t i = 0; i < f->count; i++) visit(context, &slot[i]);
  }
}

// Where the stack has a slot of the copy.
static midden_ref *stack_home(struct continuation *k, midden_ref *slot) {
  return (midden_ref *)(void *)(k->low + ((char *)slot - (char *)k->copy));
}

static void stack_store_slot(void *k, midden_ref *slot) {
  midden_gc_store_init(scheme.m, k, slot, stack_home(k, slot)->word);
}

static void stack_load_slot(void *k, midden_ref *slot) {
  stack_home(k, slot)->word = midden_gc_load(scheme.m, slot);
}
#endif

// The stack from the caller's frame on.
__attribute__((noinline)) static value stack_copy(jmp_buf *at) {
  char *low = __builtin_frame_address(0);
  size_t bytes = (size_t)(scheme.base - low);
  struct continuation *k = AS(continuation, make_array(CONTINUATION, (bytes + 7) / 8));
  k->low = low;
  k->at = at;
  k->bytes = bytes;
  memcpy(k->copy, low, bytes);
  k->frames = scheme.m->frames;
#if SCHEME_PRECISE
  trace_continuation(k, 0, stack_store_slot, k);
#endif
  return &k->is;
}

__attribute__((noinline)) value capture(void) {
  __builtin_unwind_init();
  jmp_buf at;
  return setjmp(at) == 0 ? stack_copy(&at) : NULL;
}

// Runs below what it writes, for `deeper` keeps the room in between.
__attribute__((noinline, noreturn)) static void stack_lay_back(struct continuation *k,
                                                               volatile char *deeper) {
  if (deeper != NULL) *deeper = 0;
  memcpy(k->low, k->copy, k->bytes);
#if SCHEME_PRECISE
  trace_continuation(k, 0, stack_load_slot, k);
#endif
  scheme.m->frames = k->frames;
  longjmp(*k->at, 1);
}

void resume(value continuation, value thrown) {
  struct continuation *k = AS(continuation, continuation);
  scheme.root.thrown = thrown;
  scheme.deepest = scheme.most_deep;
  char *here = __builtin_frame_address(0);
  stack_lay_back(k, here > k->low ? alloca((size_t)(here - k->low)) : NULL);
}
