// heap/record_stack.c -- see record_stack.h.
// SPDX-License-Identifier: MIT
#include "heap/record_stack.h"

#include "base/bits.h"
#include "base/check.h"
#include "heap/heap.h"
#include "os/os.h"

enum {
  STACK_TABLE_BITS = 15,   // 256 KiB, touched as far as it is used
  STACK_NUMBER_BITS = 28,  // a row: a number, and above it as much of the hash as there is room for
  STACK_MODULES_MOST = 1024,
};

// x: rows, written by the one thread with release after the ring has the stack; NULL: none yet.
static _Atomic(_Atomic uint64_t *) stack_table;
// x: numbers under this one are of stacks that were forgotten; relaxed.
static _Atomic uint64_t stack_first = 1;
static uint64_t stack_next = 1;

static uintptr_t
    stack_modules[STACK_MODULES_MOST];  // where those begin that were asked about; 0: none
static size_t stack_module_count;

uint64_t mid_record_stack_hash(const struct mid_unwind_trace *trace) {
  uint64_t hash = trace->frames + trace->cut * 64u;
  for (uint32_t i = 0; i < trace->frames; i++) {
    hash = (hash ^ trace->frame[i]) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  return hash;
}

static _Atomic uint64_t *stack_row(uint64_t hash) {
  _Atomic uint64_t *rows = atomic_load_explicit(&stack_table, memory_order_acquire);
  return rows == NULL ? NULL : &rows[hash % (1 << STACK_TABLE_BITS)];
}

uint64_t mid_record_stack_find(uint64_t hash) {
  _Atomic uint64_t *row = stack_row(hash);
  uint64_t word = row == NULL ? 0 : atomic_load_explicit(row, memory_order_acquire);
  uint64_t number = word & (((uint64_t)1 << STACK_NUMBER_BITS) - 1);
  bool holds = word >> STACK_NUMBER_BITS == hash >> STACK_NUMBER_BITS &&
               number >= atomic_load_explicit(&stack_first, memory_order_relaxed);
  return holds ? number : 0;
}

uint64_t mid_record_stack_next(void) { return stack_next; }

void mid_record_stack_keep(uint64_t hash, uint64_t number) {
  _Atomic uint64_t *rows = atomic_load_explicit(&stack_table, memory_order_relaxed);
  stack_next = number + 1;
  if (rows == NULL) {
    rows = mid_meta_take(sizeof *rows << STACK_TABLE_BITS);
    atomic_store_explicit(&stack_table, rows, memory_order_release);
  }
  if (rows == NULL || number >> STACK_NUMBER_BITS != 0) return;
  atomic_store_explicit(&rows[hash % (1 << STACK_TABLE_BITS)],
                        hash >> STACK_NUMBER_BITS << STACK_NUMBER_BITS | number,
                        memory_order_release);
}

// Open addressing; when it is full, all modules are known.
static bool stack_module_is_new(uintptr_t start) {
  size_t i = (start * 0x9e3779b97f4a7c15u) >> 54;
  _Static_assert(STACK_MODULES_MOST == 1 << (64 - 54), "the shift says so");
  if (stack_module_count >= STACK_MODULES_MOST / 2) return false;
  for (; stack_modules[i] != 0; i = (i + 1) % STACK_MODULES_MOST)
    if (stack_modules[i] == start) return false;
  stack_modules[i] = start;
  stack_module_count++;
  return true;
}

bool mid_record_stack_is_elsewhere(const struct mid_unwind_trace *trace) {
  struct mid_os_module module = {0};
  bool any = false;
  for (uint32_t i = 0; i < trace->frames; i++) {
    uintptr_t code = trace->frame[i] - 1;
    if (code - module.start < module.end - module.start) continue;
    if (mid_os_module_find(code, &module) && stack_module_is_new(module.start)) any = true;
  }
  return any;
}

MID_RARELY void mid_record_stack_forget(void) {
  atomic_store_explicit(&stack_first, stack_next, memory_order_relaxed);
  for (size_t i = 0; i < STACK_MODULES_MOST; i++) stack_modules[i] = 0;
  stack_module_count = 0;
  mid_unwind_forget();
}
