// walk/calls.c -- see calls.h.
// SPDX-License-Identifier: MIT
#include "walk/calls.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COUNTED = 1000000, WINDOW = 65536 };

struct calls {
  const struct mid_target *target;
  const struct mid_target_thread *thread;
  uint64_t *place;
  size_t most, count;
  uint64_t window_at, window_bytes;  // what of the target is in `window`
  char window[WINDOW];
};

// Words of the stack are asked for in the order of their addresses.
static bool read_word(Dwfl *dwfl, Dwarf_Addr at, Dwarf_Word *out, void *self) {
  (void)dwfl;
  struct calls *c = self;
  if (at < c->window_at || at + sizeof *out > c->window_at + c->window_bytes) {
    const struct mid_target_mapping *m = mid_target_mapping_at(c->target, at);
    if (m == NULL || m->end - at < sizeof *out) return false;
    c->window_at = at;
    c->window_bytes = m->end - at < WINDOW ? m->end - at : WINDOW;
    if (!mid_target_read(c->target, at, c->window, c->window_bytes)) {
      c->window_bytes = 0;
      return mid_target_read(c->target, at, out, sizeof *out);
    }
  }
  memcpy(out, c->window + (at - c->window_at), sizeof *out);
  return true;
}

static pid_t next_thread(Dwfl *dwfl, void *self, void **thread) {
  (void)dwfl;
  struct calls *c = self;
  if (*thread != NULL) return 0;
  *thread = c;
  return c->thread->tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *self, void **thread) {
  (void)dwfl;
  *thread = self;
  return tid == ((struct calls *)self)->thread->tid;
}

// In the order that DWARF gives them on this machine.
static bool set_registers(Dwfl_Thread *thread, void *self) {
  const struct mid_target_thread *t = ((struct calls *)self)->thread;
  const uint64_t *r = t->reg;
#if defined(__x86_64__)
  enum { AX, BX, CX, DX, SI, DI, BP, R8, R9, R10, R11, R12, R13, R14, R15 };
  const Dwarf_Word words[] = {r[AX], r[DX],  r[CX],  r[BX],  r[SI],  r[DI],  r[BP],  t->sp, r[R8],
                              r[R9], r[R10], r[R11], r[R12], r[R13], r[R14], r[R15], t->pc};
#else
  Dwarf_Word words[32];
  memcpy(words, r, 31 * sizeof *words);
  words[31] = t->sp;
#endif
  dwfl_thread_state_register_pc(thread, t->pc);
  return dwfl_thread_state_registers(thread, 0, sizeof words / sizeof *words, words);
}

// The call stands before the address that it returns to.
static int add_call(Dwfl_Frame *frame, void *self) {
  struct calls *c = self;
  Dwarf_Addr pc;
  bool active;
  if (!dwfl_frame_pc(frame, &pc, &active)) return DWARF_CB_ABORT;
  if (c->count < c->most) c->place[c->count] = active ? pc : pc - 1;
  return ++c->count < MOST_COUNTED ? DWARF_CB_OK : DWARF_CB_ABORT;
}

size_t mid_calls_read(const struct mid_target *t, const struct mid_target_thread *thread,
                      uint64_t *place, size_t most) {
  static char *debug_path;
  static const Dwfl_Callbacks files = {.find_elf = dwfl_linux_proc_find_elf,
                                       .find_debuginfo = dwfl_standard_find_debuginfo,
                                       .debuginfo_path = &debug_path};
  static const Dwfl_Thread_Callbacks threads = {.next_thread = next_thread,
                                                .get_thread = get_thread,
                                                .memory_read = read_word,
                                                .set_initial_registers = set_registers};
  struct calls *c = calloc(1, sizeof *c);
  Dwfl *dwfl = dwfl_begin(&files);
  if (c == NULL || dwfl == NULL) abort();
  c->target = t;
  c->thread = thread;
  c->place = place;
  c->most = most;
  if (dwfl_linux_proc_report(dwfl, t->pid) == 0 && dwfl_report_end(dwfl, NULL, NULL) == 0 &&
      dwfl_attach_state(dwfl, NULL, t->pid, &threads, c))
    dwfl_getthread_frames(dwfl, thread->tid, add_call, c);
  size_t count = c->count;
  dwfl_end(dwfl);
  free(c);
  return count;
}
