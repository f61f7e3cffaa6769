// gc/stop.c -- stopping the world: threads are asked, then called by a signal; and going on.
// SPDX-License-Identifier: MIT
//
// Who wants a thread to stop sets bit 0 of its `stop`, lowers its `limit` to NULL, and waits until
// its xstate says that it has.  A thread that has stopped, or wants to run again, looks at `stop`
// after it has said so, and who stops it looks at xstate after it has asked (both sequentially
// consistent): so one of the two sees the other.  Stopped threads wait for a change of stop_epoch,
// of which there is one at each end: a thread that is late to wake finds the next stop begun and
// stays, or does not (a counting semaphore would let another have its turn).
//
// A signal may find a thread anywhere, but for two places: within our own slow paths, where the
// handler leaves it alone and the thread stops on its way out; and with a lock of the allocator:
// collections take those of span/, and who is let go out of a slow path may take any.  While
// threads are being called, these locks are held by who calls; a thread that comes later is let go,
// and called again.  Other locks of the process may be held by threads that are stopped, and so
// neither collections nor slow paths take any.
//
// Who collects again and again may leave the others no turn: each finds the lock taken again, or
// the next stop begun, when it wakes.  Who has found so for long counts as starved, and who comes
// to a heap's lock lets those go first (as Go's mutexes do since 2017).
//
// Locks, in this order: all_lock (mutator.c), gc->lock, stop_lock, those of heap/, those of span/.
// A thread that waits for one of the first three counts as stopped in all its heaps; nobody holds
// the locks of two heaps, but for fork.
#include "base/text.h"
#include "gc/gc.h"
#include "heap/heap.h"

#define STOP_GRACE_NS 200000     // for threads that poll: ten times what most need
#define STOP_CALLED_NS 50000000  // for the handler; more than a turn of each other thread
#define STOP_BETWEEN_NS 1000000  // for those locks, where a thread did not come
#define STOP_PATIENCE_NS 1000000000
#define STOP_SPINS 40      // about a microsecond
#define STOP_STARVED_MS 1  // of waiting for a lock
#define STOP_POLITE_MS 10  // at most that long others are let go first

enum { STOP_ASKED = 1 };  // of `stop`

__thread struct mid_mutator *mid_mutators_mine;
static __thread bool stop_late;  // called while in the runtime of another heap

static struct mid_lock stop_lock;      // from stopping to going on
static _Atomic uint32_t stop_epoch;    // x: futex; one more at each end
static uint64_t stop_signals;          // held back meanwhile: stop_lock
static _Atomic uint32_t stop_starved;  // x: futex; threads that had no turn for long

static void stop_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// ---- a thread's own side ----

static bool stop_asked(const struct mid_mutator *m) {
  return (__atomic_load_n(&m->seen.stop, __ATOMIC_SEQ_CST) & STOP_ASKED) != 0;
}

static void stop_say(struct mid_mutator *m, enum mid_gc_state state) {
  atomic_store_explicit(&m->xstate, state, memory_order_seq_cst);
  if (stop_asked(m)) mid_os_thread_wake(&m->xstate);
}

static void stop_starve(void) { atomic_fetch_add_explicit(&stop_starved, 1, memory_order_seq_cst); }

static void stop_is_fed(void) {
  if (atomic_fetch_sub_explicit(&stop_starved, 1, memory_order_seq_cst) == 1)
    mid_os_thread_wake(&stop_starved);
}

static void stop_let_others(void) {
  for (int i = 0; i < STOP_POLITE_MS; i++) {
    uint32_t starved = atomic_load_explicit(&stop_starved, memory_order_seq_cst);
    if (starved == 0) return;
    mid_os_thread_wait(&stop_starved, starved, 1000000);
  }
}

// Run again, once nobody wants the thread to stop.
static void stop_go_on(struct mid_mutator *m, enum mid_gc_state state) {
  for (unsigned waits = 0;;) {
    uint32_t epoch = atomic_load_explicit(&stop_epoch, memory_order_seq_cst);
    if (stop_asked(m)) {
      if (++waits == 2) stop_starve();  // the next stop has begun before this thread woke
      mid_os_thread_wait(&stop_epoch, epoch, MID_OS_FOR_EVER);
      continue;
    }
    atomic_store_explicit(&m->xstate, MID_GC_RUNS, memory_order_seq_cst);
    if (!stop_asked(m)) {
      if (waits >= 2) stop_is_fed();
      return;
    }
    stop_say(m, state);
  }
}

static void stop_stand(struct mid_mutator *m, uintptr_t sp) {
  m->sp = sp;
  m->alt_low = m->alt_high = 0;
  if (sp < m->stack_low || sp >= m->stack_high) mid_os_alternate_stack(&m->alt_low, &m->alt_high);
}

// What runs in a frame below one that has all registers of its callers saved.
__attribute__((noinline)) static void stop_here_below(struct mid_mutator *m,
                                                      enum mid_gc_state state) {
  uint64_t kept;
  mid_os_signals_hold(&kept);  // a handler may look at objects, which move now
  stop_stand(m, (uintptr_t)__builtin_dwarf_cfa());
  stop_say(m, state);
  stop_go_on(m, state);
  mid_os_signals_let(&kept);
}

__attribute__((noinline)) static void stop_here(struct mid_mutator *m, enum mid_gc_state state) {
  __builtin_unwind_init();
  stop_here_below(m, state);
  __asm__ volatile("" ::: "memory");  // this frame stays
}

__attribute__((noinline)) static void *stop_block(struct mid_mutator *m, void *(*f)(void *),
                                                  void *argument) {
  stop_stand(m, (uintptr_t)__builtin_dwarf_cfa());
  stop_say(m, MID_GC_BLOCKED);
  void *answer = f(argument);
  stop_go_on(m, MID_GC_BLOCKED);
  return answer;
}

static bool stop_runs(const struct mid_mutator *m) {
  uint32_t state = atomic_load_explicit(&m->xstate, memory_order_acquire);
  return state == MID_GC_RUNS || state == MID_GC_CALLED;
}

__attribute__((noinline)) void *midden_gc_call_blocking(midden_mutator *seen, void *(*f)(void *),
                                                        void *argument) {
  struct mid_mutator *m = mid_mutator_of(seen);
  if (!stop_runs(m)) return f(argument);  // within another such call
  __builtin_unwind_init();
  void *answer = stop_block(m, f, argument);
  __asm__ volatile("" ::: "memory");
  return answer;
}

// ---- in the runtime ----

// The registers of the caller of the caller: those that this function and mid_gc_enter have not
// touched are as they were, the others lie between here and there.
__attribute__((noinline, no_sanitize_address, no_sanitize_thread)) static void stop_keep_registers(
    struct mid_mutator *m) {
  const uint64_t *from = __builtin_frame_address(0), *end = (const uint64_t *)m->sp;
  m->kept = (unsigned)mid_min((size_t)(end - from), MID_GC_REGISTERS);
  // Word by word, as they were stored: processors forward that, and wait for wider loads.
  for (unsigned i = 0; i < m->kept; i++) ((volatile uint64_t *)m->registers)[i] = from[i];
}

__attribute__((noinline, no_sanitize_address, no_sanitize_thread)) void mid_gc_enter(
    struct mid_mutator *m) {
  MID_REQUIRE(stop_runs(m), "a collected heap was used in midden_gc_call_blocking", m,
              "objects may only be touched after it");
  m->in_runtime = true;
  MIDDEN_GC_IN_ORDER();
  __builtin_unwind_init();
  m->sp = (uintptr_t)__builtin_dwarf_cfa();
  if ((m->seen.gc->keeps & MIDDEN_GC_PRECISE) == 0) stop_keep_registers(m);
}

void mid_gc_stop_late(void) {
  stop_late = false;
  for (struct mid_mutator *m = mid_mutators_mine; m != NULL; m = m->sibling) {
    bool precise = (m->seen.gc->keeps & MIDDEN_GC_PRECISE) != 0;
    if (stop_asked(m) && stop_runs(m) && !precise) stop_here(m, MID_GC_BLOCKED);
  }
}

void mid_gc_leave(struct mid_mutator *m) {
  MIDDEN_GC_IN_ORDER();
  m->in_runtime = false;
  MIDDEN_GC_IN_ORDER();
  if (stop_late || stop_asked(m)) mid_gc_stop_late();
}

void midden_gc_poll_slow(midden_mutator *seen) {
  struct mid_mutator *m = mid_mutator_of(seen);
  mid_gc_enter(m);
  if (stop_asked(m)) stop_here(m, MID_GC_STOPPED);
  mid_gc_stress(m);
  mid_gc_leave(m);
}

// ---- locks that are held while waiting for threads ----

static void stop_lock_take(struct mid_lock *lock) {
  if (mid_lock_take_within(lock, STOP_STARVED_MS)) return;
  stop_starve();
  mid_lock_take(lock);
  stop_is_fed();
}

__attribute__((noinline)) static void stop_lock_below(struct mid_lock *lock, bool polite) {
  uint64_t kept;
  uintptr_t sp = (uintptr_t)__builtin_dwarf_cfa();
  mid_os_signals_hold(&kept);
  for (struct mid_mutator *m = mid_mutators_mine; m != NULL; m = m->sibling) {
    m->waits = stop_runs(m);
    if (!m->waits) continue;
    m->enter_sp = m->sp;
    stop_stand(m, sp);
    stop_say(m, MID_GC_BLOCKED);
  }
  if (polite) stop_let_others();
  stop_lock_take(lock);
  for (struct mid_mutator *m = mid_mutators_mine; m != NULL; m = m->sibling) {
    if (!m->waits) continue;
    stop_go_on(m, MID_GC_BLOCKED);
    m->sp = m->enter_sp;
  }
  mid_os_signals_let(&kept);
}

__attribute__((noinline)) static void stop_lock_wait(struct mid_lock *lock, bool polite) {
  __builtin_unwind_init();
  stop_lock_below(lock, polite);
  __asm__ volatile("" ::: "memory");
}

// polite: the caller has no other lock that a starved thread may wait for.
static void stop_take(struct mid_lock *lock, bool polite) {
  polite = polite && atomic_load_explicit(&stop_starved, memory_order_relaxed) != 0;
  for (int i = 0; i < STOP_SPINS && !polite; i++) {
    if (mid_lock_try(lock)) return;
    stop_pause();
  }
  stop_lock_wait(lock, polite);
}

void mid_gc_lock_any(struct mid_lock *lock) { stop_take(lock, false); }
void mid_gc_lock(struct mid_mutator *m) { stop_take(&m->seen.gc->lock, true); }
void mid_gc_unlock(struct mid_mutator *m) { mid_lock_give(&m->seen.gc->lock); }
void mid_gc_lock_quietly(midden_gc *gc) { mid_gc_lock_any(&gc->lock); }
void mid_gc_unlock_quietly(midden_gc *gc) { mid_lock_give(&gc->lock); }
void mid_gc_stop_forked(void) { atomic_store_explicit(&stop_starved, 0, memory_order_relaxed); }
void mid_gc_stop_lock(void) { mid_gc_lock_any(&stop_lock); }
void mid_gc_stop_unlock(void) { mid_lock_give(&stop_lock); }

// ---- the signal ----

// The mutator that the thread was called for.
static struct mid_mutator *stop_called(void) {
  struct mid_mutator *called = NULL;
  bool in_runtime = false;
  for (struct mid_mutator *m = mid_mutators_mine; m != NULL; m = m->sibling) {
    atomic_store_explicit(&m->xsent, false, memory_order_relaxed);
    in_runtime = in_runtime || m->in_runtime;
    if (atomic_load_explicit(&m->xstate, memory_order_relaxed) == MID_GC_CALLED) called = m;
  }
  if (called == NULL || !in_runtime) return called;
  stop_late = true;
  uint32_t state = MID_GC_CALLED;  // no need to wait for it with locks held
  if (atomic_compare_exchange_strong(&called->xstate, &state, MID_GC_RUNS))
    mid_os_thread_wake(&called->xstate);
  return NULL;
}

// The buffer is as it was.
static void stop_raise_limit(struct mid_mutator *m) {
  if (m->seen.gc->stress != 0) return;
  __atomic_store_n(&m->seen.limit, m->clear, __ATOMIC_SEQ_CST);
  if (stop_asked(m)) __atomic_store_n(&m->seen.limit, NULL, __ATOMIC_SEQ_CST);
}

// All registers lie in the frame that the kernel made for this, which is on the same stack: above
// sp, and scanned with it.
__attribute__((noinline)) static void stop_handler(void *context) {
  struct mid_mutator *m = stop_called();
  uint32_t state = MID_GC_CALLED;
  if (m == NULL) return;
  uintptr_t sp = m->sp;
  m->context = context;
  stop_stand(m, (uintptr_t)__builtin_frame_address(0));
  mid_os_context_alternate(context, &m->alt_low, &m->alt_high);
  if (atomic_compare_exchange_strong(&m->xstate, &state, MID_GC_SIGNALLED)) {
    mid_os_thread_wake(&m->xstate);
    stop_go_on(m, MID_GC_SIGNALLED);
    stop_raise_limit(m);
  }
  m->context = NULL;
  m->sp = sp;
}

bool mid_gc_stop_catch(int signal) { return mid_os_signal_handle(signal, stop_handler); }

// ---- the other side ----

struct mid_mutator *mid_gc_stopper;  // stop_lock

static void stop_ask(midden_gc *gc, const struct mid_mutator *self) {
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
    if (m == self) continue;
    __atomic_fetch_or(&m->seen.stop, STOP_ASKED, __ATOMIC_SEQ_CST);
    __atomic_store_n(&m->seen.limit, NULL, __ATOMIC_SEQ_CST);
  }
}

// Wait until `m` does not run, or is at least not CALLED any more; false: it is, at `until`.
static bool stop_await(struct mid_mutator *m, uint64_t until, bool called_only) {
  for (int spins = STOP_SPINS;;) {
    uint32_t state = atomic_load_explicit(&m->xstate, memory_order_seq_cst);
    if (state != MID_GC_CALLED && (called_only || state != MID_GC_RUNS)) return true;
    if (until == 0) return false;
    if (spins-- > 0) {
      stop_pause();
      continue;
    }
    uint64_t now = mid_os_nanoseconds();
    if (now >= until) return false;
    mid_os_thread_wait(&m->xstate, state, until - now);
  }
}

static bool stop_await_all(midden_gc *gc, uint64_t ns, bool called_only) {
  uint64_t until = ns == 0 ? 0 : mid_os_nanoseconds() + ns;
  bool all = true;
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next)
    if (m != mid_gc_stopper) all = stop_await(m, until, called_only) && all;
  return all;
}

// It ended in a way that no destructor saw.
static void stop_bury(struct mid_mutator *m) {
  mid_gc_retire(m);
  mid_gc_mutator_drop(m);
}

static void stop_send(midden_gc *gc, struct mid_mutator *m) {
  uint32_t state = MID_GC_RUNS;
  if (!atomic_compare_exchange_strong(&m->xstate, &state, MID_GC_CALLED)) return;
  // Real-time signals queue up: one is enough.
  if (atomic_exchange_explicit(&m->xsent, true, memory_order_relaxed)) return;
  enum mid_os_sent sent = mid_os_thread_signal(m->thread, gc->stop_signal);
  if (sent != MID_OS_SENT) atomic_store_explicit(&m->xsent, false, memory_order_relaxed);
  if (sent == MID_OS_GONE) stop_bury(m);
}

// Call those that have not come, and let those go that do not come now.
static void stop_call(midden_gc *gc) {
  mid_heap_lock_all();
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next)
    if (m != mid_gc_stopper) stop_send(gc, m);
  (void)stop_await_all(gc, STOP_CALLED_NS, true);
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
    uint32_t state = MID_GC_CALLED;
    (void)atomic_compare_exchange_strong(&m->xstate, &state, MID_GC_RUNS);
  }
  mid_heap_unlock_all();
}

MID_RARELY static void stop_tell_blocked(const midden_gc *gc, const struct mid_mutator *m) {
  char room[256], name[32];
  struct mid_text t = mid_text_open(room, sizeof room);
  mid_os_thread_name(m->thread, name, sizeof name);
  mid_text_add(&t, "midden: a collection waits for thread ");
  mid_text_number(&t, m->thread);
  mid_text_add(&t, " (");
  mid_text_add(&t, name);
  mid_text_add(&t, "), which blocks signal ");
  mid_text_number(&t, (uint64_t)gc->stop_signal);
  mid_text_add(&t, ": unblock it, or poll or use midden_gc_call_blocking in this thread\n");
  mid_text_say(&t);
}

MID_RARELY static void stop_lose_patience(midden_gc *gc) {
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
    bool sent = atomic_load_explicit(&m->xsent, memory_order_relaxed);
    if (m == mid_gc_stopper || m->told || !sent || !stop_runs(m)) continue;
    m->told = mid_os_thread_blocks(m->thread, gc->stop_signal);
    if (m->told) stop_tell_blocked(gc, m);
  }
}

static void stop_all(midden_gc *gc, struct mid_mutator *self) {
  uint64_t begun = mid_os_nanoseconds();
  bool polls = (gc->keeps & (MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE)) != 0;
  stop_ask(gc, self);
  bool all = stop_await_all(gc, polls ? STOP_GRACE_NS : 0, false);
  while (!all) {
    stop_call(gc);
    all = stop_await_all(gc, STOP_BETWEEN_NS, false);
    if (!all && mid_os_nanoseconds() - begun > STOP_PATIENCE_NS) stop_lose_patience(gc);
  }
}

static void stop_close_buffers(midden_gc *gc) {
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
    uint32_t state = atomic_load_explicit(&m->xstate, memory_order_acquire);
    if (m != mid_gc_stopper && state != MID_GC_SIGNALLED) mid_gc_retire(m);
  }
}

void mid_gc_stop_world(midden_gc *gc, struct mid_mutator *self, const char *cause) {
  uint64_t kept, begun = mid_os_nanoseconds();
  if (gc->events.stopping != NULL) gc->events.stopping(gc->context, cause);
  mid_os_signals_hold(&kept);
  mid_gc_stop_lock();
  stop_signals = kept;
  mid_gc_stopper = self;
  stop_stand(self, self->sp);
  stop_all(gc, self);
  stop_close_buffers(gc);
  gc->now.reach = (double)(mid_os_nanoseconds() - begun) / 1e9;
  if (gc->events.stopped != NULL) gc->events.stopped(gc->context, gc->now.reach);
}

void mid_gc_resume_world(midden_gc *gc) {
  uint64_t kept = stop_signals;
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next)
    if (m != mid_gc_stopper)
      __atomic_fetch_and(&m->seen.stop, ~(uint32_t)STOP_ASKED, __ATOMIC_SEQ_CST);
  mid_gc_stopper = NULL;
  atomic_fetch_add_explicit(&stop_epoch, 1, memory_order_seq_cst);
  mid_os_thread_wake(&stop_epoch);
  mid_gc_stop_unlock();
  mid_os_signals_let(&kept);
}
