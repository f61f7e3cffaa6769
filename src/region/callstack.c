// region/callstack.c -- how much of a thread's own call stack is used, and was.
// SPDX-License-Identifier: MIT
#include "midden/callstack.h"

#include "base/bits.h"
#include "os/os.h"

// Frames of ours, of the calls below and of a signal handler: not to be pulled away under them.
#define CALLSTACK_MARGIN_BYTES ((size_t)16 * 1024)

// The first byte from `from` on that is not 0.  It looks at what other frames left behind.
__attribute__((no_sanitize("address", "thread"))) static uintptr_t callstack_first_written(
    uintptr_t from, uintptr_t end) {
  const volatile uint64_t *word = (const volatile uint64_t *)mid_round_down(from, sizeof *word);
  while ((uintptr_t)word < end && *word == 0) word++;
  return mid_min((uintptr_t)word, end);
}

midden_status midden_stack_used(midden_stack_use *out) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  struct mid_os_stack stack;
  const void *touched;
  if (!mid_os_stack_read(&stack)) return MIDDEN_OS;
  size_t below = mid_round_down(here, mid_os_page_bytes()) - stack.low;
  if (!mid_os_first_touched((void *)stack.low, below, &touched)) return MIDDEN_OS;
  *out = (midden_stack_use){
      .used_bytes = stack.high - here,
      .peak_bytes = stack.high - callstack_first_written((uintptr_t)touched, here),
      .whole_bytes = stack.high - stack.low,
      .guard_bytes = stack.guard};
  return MIDDEN_OK;
}

midden_status midden_stack_forget_peak(void) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  struct mid_os_stack stack;
  const void *touched;
  if (!mid_os_stack_read(&stack)) return MIDDEN_OS;
  uintptr_t end = mid_round_down(here - CALLSTACK_MARGIN_BYTES, mid_os_page_bytes());
  if (end <= stack.low) return MIDDEN_OK;
  if (!mid_os_first_touched((void *)stack.low, end - stack.low, &touched)) return MIDDEN_OS;
  if ((uintptr_t)touched < end) mid_os_purge((void *)(uintptr_t)touched, end - (uintptr_t)touched);
  return MIDDEN_OK;
}
