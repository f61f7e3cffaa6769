// os/os.h -- everything that Midden asks of the operating system.
// SPDX-License-Identifier: MIT
//
// No call here allocates from the heap, touches errno or can be cancelled, since malloc and free
// may not disturb the one nor end with a lock held; the caller sets ENOMEM where the standard wants
// it.
#ifndef MID_OS_OS_H
#define MID_OS_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
static inline size_t mid_os_page_bytes(void) { return 4096; }
#else
size_t mid_os_page_bytes(void);
#endif

// ---- address space.  Bytes and bases are whole pages. ----

// Readable and writable, zero, backed on first touch.  At `at` exactly when it is not NULL: fails
// where anything is mapped there.  NULL when refused.
void *mid_os_map(void *at, size_t bytes);
// As mid_os_map(NULL), aligned to `align`, a power of two of at least a page.
void *mid_os_map_aligned(size_t bytes, size_t align);
// Memory that reads as zero and may not be written, until mid_os_commit opens it piece by piece.
// NULL when refused.
void *mid_os_reserve(size_t bytes);
bool mid_os_commit(void *base, size_t bytes);
void mid_os_unmap(void *base, size_t bytes);

// Give the pages back now; they read as zero afterwards.  MADV_DONTNEED, since users watch RSS.
void mid_os_purge(void *base, size_t bytes);
// As purge, by a mapping of its own: pages that mid_os_move brought here stop being a mapping
// apart.
bool mid_os_renew(void *base, size_t bytes);
// Move pages, contents and all, to `to`, where `bytes` are mapped and lost; `from` reads as zero
// afterwards.  false when the kernel cannot: `from` is as it was, and at `to` nothing may be
// mapped.
bool mid_os_move(void *from, void *to, size_t bytes);
// Back pages now, in one call, where they are sure to be written: about half of what faults cost.
// Those that are backed already stay as they are.  Without effect before Linux 5.14.
void mid_os_populate(void *base, size_t bytes);
// Let the kernel back whole 2 MiB of it, aligned, by one page each, or no longer; it may do
// neither.
void mid_os_huge(void *base, size_t bytes, bool huge);
// No access, or access again.  false when the kernel is out of mappings.
bool mid_os_guard(void *base, size_t bytes);
bool mid_os_unguard(void *base, size_t bytes);
void mid_os_seal(void *base, size_t bytes);  // read only

// ---- limits and figures ----

uint64_t mid_os_mapping_limit(void);  // vm.max_map_count
uint64_t mid_os_address_limit(void);  // RLIMIT_AS and RLIMIT_DATA, the smaller; UINT64_MAX: none

// Of the memory cgroup (v1 or v2) of this process and those above it, the one with least room:
// its limit and what it uses now.  false when there is none.
struct mid_os_cgroup {
  uint64_t limit, used;
};
bool mid_os_cgroup_read(struct mid_os_cgroup *out);

struct mid_os_resident {
  uint64_t rss, peak_rss, anonymous, huge, swap;  // bytes
};
bool mid_os_resident_read(struct mid_os_resident *out);  // from /proc/self
uint64_t mid_os_resident_in(const void *base, size_t bytes);

// ---- files ----

// The start of file `path`, NUL at the end; 0 when it cannot be read.
size_t mid_os_file_read(const char *path, char *room, size_t bytes);
// Give file `fd` room for these bytes: 0, or an error as in -ENOSPC.  Weak, so that a test can make
// it fail.
int mid_os_file_room(int fd, uint64_t from, uint64_t bytes);

// ---- the process ----

// Whether this is a set-uid program or the like: its user is not to be believed.
bool mid_os_is_secure(void);

// The value of an environment variable, also before libc has set `environ`.  NULL when unset, and
// always in a set-uid program.
const char *mid_os_environment(const char *name);
uint64_t mid_os_random(void);
uint64_t mid_os_thread_id(void);
uint64_t mid_os_process_id(void);
_Noreturn void mid_os_exit(int status);  // at once: no handlers, no destructors
// Whether `code` lies in the dynamic loader, which takes NULL for fatal.
bool mid_os_in_loader(const void *code);
// Whether `p` lies in the area that sbrk serves, where only libc's own malloc puts blocks.
bool mid_os_in_break(const void *p);

// The thread pointer: unlike in each living thread, a multiple of 16, never 0; one instruction.
static inline uintptr_t mid_os_self(void) {
#if defined(__x86_64__)
  uintptr_t self;
  __asm__("mov %%fs:0, %0" : "=r"(self));
  return self;
#else
  return (uintptr_t)__builtin_thread_pointer();
#endif
}

// The same, shifted left by 16 bits; one instruction too.
static inline uint64_t mid_os_self_shifted(void) {
#if defined(__x86_64__)
  uint64_t self;
  __asm__("imul $65536, %%fs:0, %0" : "=r"(self) : : "cc");
  return self;
#else
  return (uint64_t)mid_os_self() << 16;
#endif
}

uint64_t mid_os_nanoseconds(void);  // CLOCK_MONOTONIC; a system call, as the next
// Of the process, all its threads, in seconds.
struct mid_os_times {
  double user, system;
};
struct mid_os_times mid_os_times_read(void);
uint64_t mid_os_cpu_nanoseconds(void);  // processor time of the process, all its threads

// A clock of the processor's that rises at a steady rate, the same in all threads and processes;
// where there is none, nanoseconds.
static inline uint64_t mid_os_ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t now;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(now));
  return now;
#else
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

// Call `ended` in each thread that called mid_os_thread_mark, when it ends.
void mid_os_thread_watch(void (*ended)(void *));
void mid_os_thread_mark(void *value);
// Call around fork: `prepare` after all other handlers, `parent` and `child` before them.
void mid_os_fork_watch(void (*prepare)(void), void (*parent)(void), void (*child)(void));
bool mid_os_thread_start(void (*body)(void));
void mid_os_sleep_ms(unsigned ms);

// ---- call stacks ----

// The calling thread's: frames grow from `high` down to `low`, under which `guard` bytes cannot be
// accessed.  The one call here that allocates from the heap, as pthread_getattr_np does.
struct mid_os_stack {
  uintptr_t low, high;
  size_t guard;
};
bool mid_os_stack_read(struct mid_os_stack *out);
// The first page from `base` to `base + bytes` that was ever touched, be it swapped out now.
// false when the kernel does not tell; *out is the end when there is none.
bool mid_os_first_touched(const void *base, size_t bytes, const void **out);

// ---- what is loaded.  Neither locks nor allocates: safe wherever malloc may be called. ----

// The program, a library, or what the kernel brings along.
struct mid_os_module {
  uintptr_t start, end;  // or those of the segment that was asked for, where there are gaps
  uintptr_t frames;      // its index of unwind tables (.eh_frame_hdr), 0: none
  uintptr_t identity;    // most likely unlike that of what lies there when this is unloaded
  const void *map;       // the loader's record of it
};
// What `code` lies in; false: in none, or a static program has not come to its constructors.  Weak,
// so that a test can answer.
bool mid_os_module_find(uintptr_t code, struct mid_os_module *out);
// All that the other finds before glibc 2.35: the module that this function is in.
bool mid_os_module_own(uintptr_t code, struct mid_os_module *out);
// The bytes of its file around `at` that can be read; false: `at` is not among them.
bool mid_os_module_readable(const struct mid_os_module *module, uintptr_t at, uintptr_t *start,
                            uintptr_t *end);
// The file that the module is of: its path, cut to `bytes` with the NUL; "" when not known.  Of a
// name that is relative, as it was when the program was in this directory.
void mid_os_module_path(const struct mid_os_module *module, char *room, size_t bytes);
// The place in that file of `at`, which lies in the module; false: in none of its segments.
bool mid_os_module_offset(const struct mid_os_module *module, uintptr_t at, uint64_t *offset);
// What its linker gave it as a name: how many bytes, at most `most`; 0: none.
size_t mid_os_module_build_id(const struct mid_os_module *module, unsigned char *id, size_t most);
// Whether the 8 bytes at `word`, a multiple of 8, can be read: a system call.
bool mid_os_is_readable(uintptr_t word);

// ---- faults ----

// Ask `seen` about each access to memory that faults, and go on as without it when it returns;
// the program's own handler is called then.  A handler that is set later replaces this one.
void mid_os_fault_watch(void (*seen)(const void *address));

// ---- threads that are stopped by a signal ----

int mid_os_signal_free(void);  // one that nobody else is likely to use
// Have `handler` called in a thread that gets `signal`, with its context, all other signals held
// back.  false: it has another handler already, or there is no such signal.  All that are handled
// so have one handler.
bool mid_os_signal_handle(int signal, void (*handler)(void *context));
void mid_os_signal_unblock(int signal);  // in the calling thread
// Hold all signals back from the calling thread, but for faults, and let them come again.
void mid_os_signals_hold(uint64_t *before);
void mid_os_signals_let(const uint64_t *before);

// A thread of this process, by the kernel's number.
enum mid_os_sent { MID_OS_SENT, MID_OS_NOT_SENT, MID_OS_GONE };
enum mid_os_sent mid_os_thread_signal(uint64_t thread, int signal);
bool mid_os_thread_blocks(uint64_t thread, int signal);  // false also when the kernel does not tell
void mid_os_thread_name(uint64_t thread, char *room, size_t bytes);
// Wait while *word is `value`, at most so long; it may also return for no reason.
#define MID_OS_FOR_EVER UINT64_MAX
void mid_os_thread_wait(_Atomic uint32_t *word, uint32_t value, uint64_t nanoseconds);
void mid_os_thread_wake(_Atomic uint32_t *word);  // all of this process that wait for it

// Below which the thread that was found in `context` used nothing; and its alternate signal stack,
// both 0 when it has none.
uintptr_t mid_os_context_sp(const void *context);
void mid_os_context_alternate(const void *context, uintptr_t *low, uintptr_t *high);
void mid_os_alternate_stack(uintptr_t *low, uintptr_t *high);  // of the calling thread

// ---- a word that processes share ----

// Wait while *word is `value`, at most so many milliseconds; it may also return for no reason.
void mid_os_word_wait(_Atomic uint32_t *word, uint32_t value, unsigned ms);
void mid_os_word_wake(_Atomic uint32_t *word);  // all that wait for it

// ---- a lock ----

// 0 free, 1 taken, 2 taken and waited for.  A futex; not recursive.
struct mid_lock {
  _Atomic uint32_t xstate;
};
void mid_lock_wait(struct mid_lock *lock);
bool mid_lock_take_within(struct mid_lock *lock, unsigned ms);  // whether it was
void mid_lock_wake(struct mid_lock *lock);
// While on, the calling thread waits a fifth of a second for a lock and then goes on without: the
// process is ending, and who holds the lock may be the code that this thread interrupted.
void mid_lock_hurry(bool on);

static inline bool mid_lock_try(struct mid_lock *lock) {
  uint32_t free = 0;
  return atomic_compare_exchange_strong_explicit(&lock->xstate, &free, 1, memory_order_acquire,
                                                 memory_order_relaxed);
}
static inline void mid_lock_take(struct mid_lock *lock) {
  if (!mid_lock_try(lock)) mid_lock_wait(lock);
}
static inline void mid_lock_give(struct mid_lock *lock) {
  if (atomic_exchange_explicit(&lock->xstate, 0, memory_order_release) == 2) mid_lock_wake(lock);
}

#endif
