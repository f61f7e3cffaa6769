// heap/record_stack.h -- numbers for the stacks of recorded calls.
// SPDX-License-Identifier: MIT
//
// A stack is told once, in the ring of the thread that meets it first, and from then on its number
// stands for it in events of all threads.  The table that finds it again is a cache, direct-mapped:
// a stack that another pushed out is told once more, under another number, and who reads the trace
// sees that it is the same.
//
// A number is put into the table after the ring has the stack.  Who finds it there takes the time
// of his event afterwards; so by the order of times a stack comes before what names it.
#ifndef MID_HEAP_RECORD_STACK_H
#define MID_HEAP_RECORD_STACK_H

#include "unwind/unwind.h"

// What a stack is known by.
uint64_t mid_record_stack_hash(const struct mid_unwind_trace *trace);

// The number of a stack that was told; 0: it was not.  Any thread.
uint64_t mid_record_stack_find(uint64_t hash);

// ---- one thread at a time ----

// A number that no stack has had in this process, which was just told of.
uint64_t mid_record_stack_next(void);
void mid_record_stack_keep(uint64_t hash, uint64_t number);
// Whether part of it lies in a module that was never asked about here.
bool mid_record_stack_is_elsewhere(const struct mid_unwind_trace *trace);
// What was told holds no longer: it was to another reader, or code was unloaded.
void mid_record_stack_forget(void);

#endif
