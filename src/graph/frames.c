// graph/frames.c -- the frames of a thread of a target, by libdwfl: see take.h.
// SPDX-License-Identifier: MIT
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "graph/take.h"

#if defined(__x86_64__)
enum { STACK_POINTER = 7 };
// The numbers that DWARF has for registers, in the order of walk/target.h.
static const unsigned char NUMBER[] = {0, 3, 2, 1, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15};
#elif defined(__aarch64__)
enum { STACK_POINTER = 31 };
static const unsigned char NUMBER[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                       11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                       22, 23, 24, 25, 26, 27, 28, 29, 30};
#else
enum { STACK_POINTER = 0 };
static const unsigned char NUMBER[1];
#endif

struct mid_graph_unwinder {
  Dwfl *session;
  const struct mid_target *target;
  const struct mid_target_thread *thread;  // whose frames are wanted
  struct mid_graph_frame *out;
  size_t count, most;
};

static pid_t next_thread(__attribute__((unused)) Dwfl *session, void *self, void **thread) {
  struct mid_graph_unwinder *u = self;
  if (*thread != NULL) return 0;
  *thread = self;
  return u->thread->tid;
}

static bool get_thread(__attribute__((unused)) Dwfl *session, __attribute__((unused)) pid_t tid,
                       void *self, void **thread) {
  *thread = self;
  return true;
}

static bool read_word(__attribute__((unused)) Dwfl *session, Dwarf_Addr address, Dwarf_Word *word,
                      void *self) {
  struct mid_graph_unwinder *u = self;
  return mid_target_read(u->target, address, word, sizeof *word);
}

static bool set_registers(Dwfl_Thread *thread, void *self) {
  const struct mid_target_thread *from = ((struct mid_graph_unwinder *)self)->thread;
  for (size_t i = 0; i < sizeof NUMBER; i++) {
    Dwarf_Word word = from->reg[i];
    if (!dwfl_thread_state_registers(thread, NUMBER[i], 1, &word)) return false;
  }
  Dwarf_Word sp = from->sp;
  if (!dwfl_thread_state_registers(thread, STACK_POINTER, 1, &sp)) return false;
  dwfl_thread_state_register_pc(thread, from->pc);
  return true;
}

// A stack that does not rise is damaged.
static int take_frame(Dwfl_Frame *frame, void *self) {
  struct mid_graph_unwinder *u = self;
  Dwarf_Addr pc;
  Dwarf_Word sp;
  bool running;
  if (!dwfl_frame_pc(frame, &pc, &running) || dwfl_frame_reg(frame, STACK_POINTER, &sp) != 0)
    return DWARF_CB_ABORT;
  if (u->count > 0 && sp <= u->out[u->count - 1].sp) return DWARF_CB_ABORT;
  u->out[u->count++] = (struct mid_graph_frame){sp, pc - !running};
  return u->count == u->most ? DWARF_CB_ABORT : DWARF_CB_OK;
}

static Dwfl *session_open(const struct mid_graph_taking *t) {
  static const Dwfl_Callbacks calls = {.find_elf = dwfl_build_id_find_elf,
                                       .find_debuginfo = dwfl_standard_find_debuginfo};
  Dwfl *session = dwfl_begin(&calls);
  if (session == NULL) return NULL;
  dwfl_report_begin(session);
  for (size_t i = 0; i < t->roots.modules.count; i++) {
    const struct mid_walk_module *m = &t->roots.modules.at[i];
    int fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) continue;
    if (dwfl_report_elf(session, m->path, m->path, fd, m->base, false) == NULL) close(fd);
  }
  dwfl_report_end(session, NULL, NULL);
  return session;
}

struct mid_graph_unwinder *mid_graph_unwinder_open(const struct mid_graph_taking *t) {
  static const Dwfl_Thread_Callbacks calls = {.next_thread = next_thread,
                                              .get_thread = get_thread,
                                              .memory_read = read_word,
                                              .set_initial_registers = set_registers};
  struct mid_graph_unwinder *u = mid_graph_kept(calloc(1, sizeof *u));
  u->target = t->target;
  if (sizeof NUMBER == 1 || t->target->threads == 0) return u;
  u->thread = t->target->thread;
  u->session = session_open(t);
  if (u->session != NULL && !dwfl_attach_state(u->session, NULL, u->thread->tid, &calls, u)) {
    dwfl_end(u->session);
    u->session = NULL;
  }
  return u;
}

size_t mid_graph_frames(struct mid_graph_unwinder *u, size_t thread, struct mid_graph_frame *out,
                        size_t most) {
  u->thread = &u->target->thread[thread];
  u->out = out;
  u->count = 0;
  u->most = most;
  if (u->session != NULL) (void)dwfl_getthread_frames(u->session, u->thread->tid, take_frame, u);
  return u->count;
}

void mid_graph_unwinder_close(struct mid_graph_unwinder *u) {
  if (u->session != NULL) dwfl_end(u->session);
  free(u);
}
