// gc/step_test.c -- a collection at each instruction of the inline paths.
// SPDX-License-Identifier: MIT
//
// The processor's trap flag lets SIGTRAP come after each instruction of one thread.  Its handler
// waits until another thread has collected, which stops this one by a signal, in the handler: all
// registers of the code that is stepped through lie in the trap's frame, as after a stop there.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#include "gc/list_test.h"
#include "support.h"
#include "test.h"

#if defined(__x86_64__) && !SANITIZED

enum { LENGTH = 40 };

#define STEPPED __attribute__((noinline, section("gc_stepped")))
extern const char __start_gc_stepped[], __stop_gc_stepped[];

static struct heap heap;
static _Atomic uint32_t asked, answered;
static _Atomic bool quit;
static uint64_t instructions;

// ---- who collects ----

static void *waits_until_asked(void *with) {
  const uint32_t *done = with;
  while (atomic_load(&asked) == *done && !atomic_load(&quit))
    mid_os_thread_wait(&asked, *done, MID_OS_FOR_EVER);
  return NULL;
}

static void *collects_when_asked(void *with) {
  midden_mutator *m;
  if (midden_gc_attach(heap.gc, &m) != MIDDEN_OK) abort();
  for (uint32_t done = 0;; done++) {
    midden_gc_call_blocking(m, waits_until_asked, &done);
    if (atomic_load(&quit)) break;
    midden_gc_collect(m, done % 8 == 7 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
    atomic_store(&answered, done + 1);
    mid_os_thread_wake(&answered);
  }
  midden_gc_detach(m);
  return with;
}

// ---- who is stepped through ----

static void stepped(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  uintptr_t at = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  if (at < (uintptr_t)__start_gc_stepped || at >= (uintptr_t)__stop_gc_stepped) return;
  instructions++;
  uint32_t now = atomic_fetch_add(&asked, 1) + 1;
  mid_os_thread_wake(&asked);
  for (uint32_t seen; (seen = atomic_load(&answered)) != now;)
    mid_os_thread_wait(&answered, seen, MID_OS_FOR_EVER);
}

// Over the red zone of who is stepped through, should this be inlined.
static void step(void) {
  __asm__ volatile("sub $128, %%rsp; pushf; orq $256, (%%rsp); popf; add $128, %%rsp" ::
                       : "cc", "memory");
}
static void step_no_more(void) {
  __asm__ volatile("sub $128, %%rsp; pushf; andq $~256, (%%rsp); popf; add $128, %%rsp" ::
                       : "cc", "memory");
}

// New objects before older ones, in a list that an old object leads.
STEPPED static void adds_to(midden_mutator *m, struct node *head) {
  for (uint64_t n = 1; n <= LENGTH; n++) {
    struct node *node = midden_gc_new(m, heap.node);
    node->n = n;
    node->square = n * n;
    midden_gc_store_init(m, node, (midden_ref *)(void *)&node->next, MIDDEN_LOAD(m, head, next));
    MIDDEN_STORE(m, head, next, node);
    midden_gc_poll(m);
  }
}

// The same with all that it has in a frame.
STEPPED static void adds_precisely_to(midden_mutator *m, midden_ref *head) {
  MIDDEN_FRAME(m, local, 2);
  local[0].word = head->word;
  for (uint64_t n = 1; n <= LENGTH; n++) {
    local[1].word = midden_gc_new(m, heap.node);
    struct node *node = local[1].word, *first = local[0].word;
    node->n = n;
    node->square = n * n;
    midden_gc_store_init(m, node, (midden_ref *)(void *)&node->next, MIDDEN_LOAD(m, first, next));
    MIDDEN_STORE(m, first, next, node);
    midden_gc_poll(m);
  }
  MIDDEN_FRAME_END(m, local);
}

static void step_through(const char *collector, unsigned keeps) {
  pthread_t thread;
  struct sigaction action = {.sa_sigaction = stepped, .sa_flags = SA_SIGINFO}, before;
  midden_mutator *m = heap_open(&heap, collector, keeps);
  MIDDEN_FRAME(m, head, 1);
  head[0].word = node_new(&heap, m, NULL, 0);
  midden_gc_collect(m, MIDDEN_GC_MAJOR);  // to the old space
  atomic_store(&asked, 0);
  atomic_store(&answered, 0);
  atomic_store(&quit, false);
  instructions = 0;
  CHECK_EQ(sigaction(SIGTRAP, &action, &before), 0);
  CHECK_EQ(pthread_create(&thread, NULL, collects_when_asked, NULL), 0);
  step();
  if ((keeps & MIDDEN_GC_PRECISE) != 0)
    adds_precisely_to(m, head);
  else
    adds_to(m, head[0].word);
  step_no_more();
  atomic_store(&quit, true);
  mid_os_thread_wake(&asked);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(sigaction(SIGTRAP, &before, NULL), 0);
  CHECK(instructions > 20 * LENGTH);
  CHECK(list_is_whole(((struct node *)head[0].word)->next, LENGTH));
  CHECK_WHOLE(midden_gc_verify(m));
  MIDDEN_FRAME_END(m, head);
  heap_close(&heap, m);
}

TEST(a_collection_may_come_at_each_instruction)
{
  for (int i = 0; i < COLLECTORS; i++) step_through(collectors[i], 0);
}

TEST(also_where_all_is_in_frames)
{
  for (int i = 0; i < COLLECTORS; i++)
    step_through(collectors[i], MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE);
}

#else

TEST(this_processor_or_sanitizer_cannot_step)
{}

#endif
