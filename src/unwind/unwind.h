// unwind/unwind.h -- the calling stack, from inside malloc.
// SPDX-License-Identifier: MIT
//
//   mid_unwind_here --> in the memo?  yes: the mark that was put on this stack
//                            no
//                            v
//                       frame by frame:  rule cache --miss--> module, its tables, CFI program
//                            |                                or, where no module is (compiled at
//                            v                                run time), the frame pointer
//                       trace: return addresses, the innermost first
//
// Nothing here takes a lock, allocates or faults: modules are found by the loader's lock-free
// _dl_find_object, tables are read in their segment alone, and the stack in pages that were proven
// to be readable.  Where a frame makes no sense the stack is cut: it is never guessed.
//
// An address in a trace is a return address: what called stands at the address less one.  Where a
// signal interrupted a frame, one is added to where that stands, so that the same holds.
//
// Why a memo entry that fits is the truth: it has the address and the value of each return address,
// and of each other word that decided where the next one lies, in the order in which they were
// read.  The first lies at a fixed distance from the stack pointer; where all until one are as they
// were, the next is where it was.
#ifndef MID_UNWIND_UNWIND_H
#define MID_UNWIND_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cfi.h"

enum {
  MID_UNWIND_MOST = 63,   // frames that are kept: peers keep 64 to 128; here a number of 6 bits
  MID_UNWIND_PLACES = 8,  // of which each remembers so many stacks of a thread, as those below a
  MID_UNWIND_WAYS = 4,    // wrapper of malloc have its caller and often its depth in common
  MID_UNWIND_WORDS = 80,  // words that decide a stack: its frames, our own, a few frame pointers
};

struct mid_unwind_trace {
  uintptr_t frame[MID_UNWIND_MOST];
  uint32_t frames;
  bool cut;  // more frames follow, which are not known or were not looked at
};

// A frame: where it stands, and the registers there.
struct mid_unwind_frame {
  uintptr_t pc, reg[MID_CFI_REGISTERS];
  bool exact;  // it was interrupted at pc; else it called, and pc is where the call returns to
};

// What a thread knows of its stack; zero at first.  Belongs to one thread at a time.
struct mid_unwind_thread {
  uintptr_t low, high;              // pages of the stack that can be read
  uint64_t epoch;                   // of the memos
  uint32_t turn;                    // whose place the next one takes
  struct mid_unwind_memo *pending;  // of the stack in `trace`, without its mark; NULL: none
  uintptr_t pending_sp;
  struct mid_unwind_trace trace;
  struct mid_unwind_memo {
    uintptr_t sp, caller;  // 0: none
    uint64_t mark;
    uint32_t words;
    uint32_t registers;  // bit r: the stack depends on what register r held
    uintptr_t reg[MID_CFI_SP];
    uint32_t at[MID_UNWIND_WORDS];  // bytes above sp
    uintptr_t word[MID_UNWIND_WORDS];
  } memo[MID_UNWIND_PLACES][MID_UNWIND_WAYS];
};

// Before another thread has it.
static inline void mid_unwind_hand_on(struct mid_unwind_thread *t) { t->low = t->high = 0; }

// The frame that the calling code runs in.
__attribute__((always_inline)) static inline void mid_unwind_here(struct mid_unwind_frame *out) {
#if defined(__x86_64__)
  __asm__ volatile(
      "movq %%rbx, 0(%1)\n\tmovq %%rbp, 8(%1)\n\tmovq %%r12, 16(%1)\n\tmovq %%r13, 24(%1)\n\t"
      "movq %%r14, 32(%1)\n\tmovq %%r15, 40(%1)\n\tmovq $0, 48(%1)\n\tmovq %%rsp, 56(%1)\n\t"
      "leaq 0(%%rip), %0"
      : "=&r"(out->pc)
      : "r"(out->reg)
      : "memory");
#else
  __asm__ volatile(
      "str x29, [%1]\n\tstr x30, [%1, #8]\n\tmov %0, sp\n\tstr %0, [%1, #16]\n\tadr %0, ."
      : "=&r"(out->pc)
      : "r"(out->reg)
      : "memory");
#endif
  out->exact = true;
}

// The stack from the frame on to which `caller` returns, one of those that called `from`.
// returns  the mark of this stack where it is remembered; 0: it is in t->trace now
// cost     remembered: 3 instructions a frame; else about 40 a frame whose rule is in the cache
uint64_t mid_unwind(struct mid_unwind_thread *t, const struct mid_unwind_frame *from,
                    uintptr_t caller);
// Remember the stack that mid_unwind gave last as `mark`, not 0.
void mid_unwind_mark(struct mid_unwind_thread *t, uint64_t mark);

// Marks and rules that are remembered hold no longer: code was unloaded, or marks mean something
// else.  Any thread.
void mid_unwind_forget(void);

#endif
