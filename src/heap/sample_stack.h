// heap/sample_stack.h -- the stacks of samples, each told once, by module and place in its file.
// SPDX-License-Identifier: MIT
#ifndef MID_HEAP_SAMPLE_STACK_H
#define MID_HEAP_SAMPLE_STACK_H

#include "feed/samples.h"
#include "unwind/unwind.h"

// The number of `trace`, made known if it is new; 0: there is no room.
// threads  the caller holds the lock of the samples, in all calls
uint32_t mid_sample_stack(const struct mid_unwind_trace *trace);

static inline struct mid_sample_stack *mid_sample_stack_at(uint64_t number) {
  return mid_samples_at(MID_SAMPLES_STACK, number);
}

void mid_sample_stack_open(void);  // before the first
// Modules are looked up again: some may be gone.
void mid_sample_stack_unloaded(void);
void mid_sample_stack_forget(void);  // all of them

#endif
