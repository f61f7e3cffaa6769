// unwind/unwind_test.c -- stacks that are known, however their code was compiled; and what is none.
// SPDX-License-Identifier: MIT
//
// The truth is a shadow: each function of a chain notes the address that it returns to.
#define _GNU_SOURCE
#include "unwind/unwind.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "os/os.h"
#include "test.h"

#define NOINLINE __attribute__((noinline, noclone))
#if defined(__clang__)
#undef NOINLINE
#define NOINLINE __attribute__((noinline))
#endif

// ---- the shadow ----

enum { SHADOW_MOST = 8192 };

static uintptr_t shadow[SHADOW_MOST];
static int depth;

// In each function of a chain, first and last.
#define ENTER() (shadow[depth++] = (uintptr_t)__builtin_return_address(0))
#define LEAVE() (depth--)

static struct mid_unwind_thread own;
static struct mid_unwind_trace seen;

// The stack from this function's caller on.
static NOINLINE void collect(void) {
  struct mid_unwind_frame here;
  own.epoch = 0;  // nothing is remembered
  mid_unwind_here(&here);
  CHECK_EQ(mid_unwind(&own, &here, (uintptr_t)__builtin_return_address(0)), 0);
  seen = own.trace;
}

// What was collected is `first`, where that is not 0, and then what the shadow says.
static void check_from(uint32_t first, int levels) {
  if (seen.frames < first + (uint32_t)levels) fail_msg("%u frames, of %d", seen.frames, levels);
  for (int i = 0; i < levels; i++)
    if (seen.frame[first + (uint32_t)i] != shadow[depth - 1 - i])
      fail_msg("frame %d is %#lx, not %#lx", i, seen.frame[first + (uint32_t)i],
               shadow[depth - 1 - i]);
}

// collect() was called by the chain's last function.
static void check_collected(void) {
  check_from(1, depth);
  CHECK(!seen.cut);
}

// ---- chains ----

static NOINLINE int leaf(int n) {
  ENTER();
  collect();
  check_collected();
  LEAVE();
  return n + 1;
}

static NOINLINE int plain(int n) {
  ENTER();
  n = leaf(n * 3) * 5;
  LEAVE();
  return n;
}

// Asking for its address makes a compiler keep a frame pointer.
static NOINLINE int with_frame_pointer(int n) {
  ENTER();
  n = plain(n) + (__builtin_frame_address(0) == NULL);
  LEAVE();
  return n;
}

static NOINLINE int with_alloca(int n) {
  ENTER();
  volatile char *room = __builtin_alloca((size_t)n * 40 + 16);
  room[n] = 1;
  n = with_frame_pointer(n) + room[n];
  LEAVE();
  return n;
}

static NOINLINE int with_aligned_stack(int n) {
  ENTER();
  _Alignas(256) volatile char room[256];
  room[n] = 2;
  n = with_alloca(n) + room[n];
  LEAVE();
  return n;
}

static NOINLINE int with_huge_frame(int n) {
  ENTER();
  volatile char room[3 << 20];
  room[n] = 2;
  n = with_aligned_stack(n) + room[n];
  LEAVE();
  return n;
}

TEST(a_chain_is_found_with_and_without_frame_pointers)
{
  CHECK(with_huge_frame(3) != 0);
  CHECK_EQ(depth, 0);
}

TEST(what_libc_says_is_the_same)
{
  void *frame[MID_UNWIND_MOST];
  collect();
  int frames = backtrace(frame, MID_UNWIND_MOST);
  CHECK(!seen.cut);
  // The first is a place in this function: each in a call of its own.  Sanitizers add one to
  // theirs.
  CHECK(frames >= (int)seen.frames);
  for (uint32_t i = 1; i < seen.frames; i++)
    CHECK_EQ(frame[(uint32_t)frames - i], seen.frame[seen.frames - i]);
}

// Where a compiler has made no jump of the call, its frame is there.
static NOINLINE int tail_called(int n) {
  bool jumped = shadow[depth - 1] == (uintptr_t)__builtin_return_address(0);
  if (!jumped) ENTER();
  collect();
  check_collected();
  if (!jumped) LEAVE();
  return n;
}
static NOINLINE int calls_last(int n) {
  ENTER();
  if (n > 1000) n = getpid();
#if defined(__clang__)
  __attribute__((musttail))
#endif
  return tail_called(n);
}
static NOINLINE int calls_one_that_calls_last(int n) {
  ENTER();
  n = calls_last(n) + 1;
  depth -= 2;
  return n;
}

TEST(a_tail_call_leaves_out_its_frame_and_no_other)
{ CHECK_EQ(calls_one_that_calls_last(1), 2); }

static jmp_buf out;
static NOINLINE __attribute__((noreturn)) void never_returns(void) {
  ENTER();
  collect();
  check_collected();
  longjmp(out, 1);
}
static NOINLINE __attribute__((noreturn)) void ends_with_a_call(int n) {
  ENTER();
  volatile char room[100];
  room[n] = 1;
  if (room[n] == 0) depth++;
  never_returns();
}

TEST(a_call_at_the_very_end_of_a_function_belongs_to_it)
{
  if (setjmp(out) == 0) ends_with_a_call(1);
  depth = 0;
}

static NOINLINE int recurse(int n) {
  ENTER();
  int sum = n == 0 ? (collect(), 0) : recurse(n - 1) + n;
  LEAVE();
  return sum;
}

TEST(of_a_deep_recursion_the_innermost_frames_are_kept)
{
  CHECK_EQ(recurse(5000), 5000 * 5001 / 2);
  CHECK_EQ(seen.frames, MID_UNWIND_MOST);
  CHECK(seen.cut);
  for (int i = 2; i < MID_UNWIND_MOST; i++) CHECK_EQ(seen.frame[i], seen.frame[1]);
}

static int compare(const void *a, const void *b) {
  ENTER();
  if (seen.frames == 0) collect();
  LEAVE();
  return *(const int *)a - *(const int *)b;
}

TEST(through_libc_that_has_no_frame_pointers)
{
  int numbers[] = {3, 1, 2};
  seen.frames = 0;
  uintptr_t here = 0;
  qsort(numbers, 3, sizeof *numbers, compare);
  CHECK(!seen.cut && seen.frames > 4);
  struct mid_os_module libc, module;
  CHECK(mid_os_module_find((uintptr_t)qsort, &libc));
  CHECK(mid_os_module_find(seen.frame[1] - 1, &module) && module.start == libc.start);
  for (uint32_t i = 1; i < seen.frames; i++) {
    CHECK(mid_os_module_find(seen.frame[i] - 1, &module));
    if (here == 0 && module.start != libc.start) here = seen.frame[i];
  }
  Dl_info info;
  CHECK(dladdr((void *)here, &info) != 0 && here != 0);
}

// ---- before main, in other threads ----

static struct mid_unwind_trace before_main;
__attribute__((constructor)) static void constructor(void) {
  collect();
  before_main = seen;
}

TEST(in_a_constructor)
{ CHECK(!before_main.cut && before_main.frames >= 3); }

static void *in_thread(void *chain) {
  ENTER();
  mid_unwind_hand_on(&own);
  int (*call)(int) = (int (*)(int))(uintptr_t)chain;
  call(3);
  LEAVE();
  return NULL;
}

TEST(in_a_thread_with_the_least_stack_that_there_is)
{
#if defined(__SANITIZE_THREAD__)
  enum { LEAST = 1 << 20 };  // of which the sanitizer takes most
#else
  enum { LEAST = 1 << 14 };
#endif
  static char stack[2][LEAST] __attribute__((aligned(1 << 12)));
  pthread_attr_t attr;
  pthread_t thread;
  for (int i = 0; i < 3; i++) {
    pthread_attr_init(&attr);
    if (i == 0)
      pthread_attr_setstacksize(&attr, 2 * LEAST);
    else
      pthread_attr_setstack(&attr, stack[i - 1], sizeof stack[i - 1]);
    CHECK_EQ(pthread_create(&thread, &attr, in_thread, (void *)(uintptr_t)plain), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
  }
}

static ucontext_t main_context, other_context;
static void on_other_stack(void) {
  ENTER();
  collect();
  check_from(1, depth);
  LEAVE();
}

// What it returns to has no tables that would say so: cut or not, the frames are right.
TEST(on_a_stack_that_makecontext_made)
{
  size_t bytes = (size_t)1 << 16;
  char *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (volatile int i = 0; i < 3; i++) {
    getcontext(&other_context);
    other_context.uc_stack.ss_sp = stack;
    other_context.uc_stack.ss_size = bytes;
    other_context.uc_link = &main_context;
    makecontext(&other_context, on_other_stack, 0);
    swapcontext(&main_context, &other_context);
    CHECK_EQ(depth, 0);
  }
  munmap(stack, bytes);
}

// ---- code that no module covers ----

static NOINLINE void called_back(void) {
  ENTER();
  collect();
  LEAVE();
}

// push fp; fp = sp; call the argument; pop fp; return
static const unsigned char compiled[] = {
#if defined(__x86_64__)
    0x55, 0x48, 0x89, 0xe5, 0xff,
    0xd7, 0x5d, 0xc3
#else
    0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0x00, 0x00, 0x3f,
    0xd6, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6
#endif
};

static void (*compile(const unsigned char *code, size_t bytes))(void (*)(void)) {
  char *page =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(page + 64, code, bytes);
  __builtin___clear_cache(page, page + 4096);
  return (void (*)(void (*)(void)))(uintptr_t)(page + 64);
}

static NOINLINE int calls_compiled(void (*code)(void (*)(void))) {
  ENTER();
  code(called_back);
  LEAVE();
  return 1;
}

TEST(code_that_was_compiled_as_the_program_runs_has_frame_pointers)
{
  void (*code)(void (*)(void)) = compile(compiled, sizeof compiled);
  uintptr_t page = (uintptr_t)code - 64;
  CHECK_EQ(calls_compiled(code), 1);
  CHECK(!seen.cut && seen.frames > 4);
  CHECK(seen.frame[1] > page && seen.frame[1] < page + 4096);  // what called_back returns to
  Dl_info info;
  CHECK(dladdr((void *)seen.frame[2], &info) != 0);
  CHECK_EQ(seen.frame[3], shadow[0]);
  munmap((void *)page, 4096);
}

// ---- libraries that come and go ----

static void library_build(const char *path, int room) {
  char command[1024];
  const char *compiler = getenv("CC") != NULL ? getenv("CC") : "cc";
  snprintf(command, sizeof command,
           "echo 'int library(void (*f)(void)) { volatile char room[%d]; room[1] = 1; f(); "
           "return room[1]; }' | %s -O2 -fomit-frame-pointer -shared -fPIC -x c -o %s -",
           room, compiler, path);
  CHECK_EQ(system(command), 0);
}

static NOINLINE uintptr_t call_library(const char *path) {
  ENTER();
  void *handle = dlopen(path, RTLD_NOW);
  int (*library)(void (*)(void)) = (int (*)(void (*)(void)))(uintptr_t)dlsym(handle, "library");
  CHECK(library != NULL && library(called_back) == 1);
  struct mid_os_module module;
  CHECK(mid_os_module_find(seen.frame[1] - 1, &module));
  CHECK(mid_os_module_find((uintptr_t)library, &module) && module.start <= seen.frame[1] &&
        seen.frame[1] < module.end);
  CHECK(!seen.cut);
  CHECK_EQ(seen.frame[3], shadow[depth - 1]);
  unsigned char id[20];
  CHECK_EQ(mid_os_module_build_id(&module, id, sizeof id), 20);
  dlclose(handle);
  mid_unwind_forget();
  LEAVE();
  return module.start;
}

// The second has its call at the same place, in another frame.
TEST(a_library_in_the_place_of_one_that_was_closed)
{
  char folder[] = "/tmp/midden-unwind-XXXXXX", path[2][64], command[64];
  CHECK(mkdtemp(folder) != NULL);
  for (int i = 0; i < 2; i++) {
    snprintf(path[i], sizeof path[i], "%s/%d.so", folder, i);
    library_build(path[i], i == 0 ? 48 : 64);
  }
  for (int i = 0; i < 6; i++) CHECK(call_library(path[i % 2]) != 0);
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK_EQ(system(command), 0);
}

// ---- what is remembered ----

enum { MARKS = 4096 };
static struct mid_unwind_trace marked[MARKS + 1];
static uint64_t marks, remembered;

static NOINLINE void event(void) {
  struct mid_unwind_frame here;
  mid_unwind_here(&here);
  uint64_t mark = mid_unwind(&own, &here, (uintptr_t)__builtin_return_address(0));
  remembered += mark != 0;
  seen = mark != 0 ? marked[mark] : own.trace;
  check_from(1, depth < 40 ? depth : 40);
  if (mark != 0) return;
  if (marks == MARKS) mid_unwind_forget(), marks = 0;
  marked[++marks] = seen;
  mid_unwind_mark(&own, marks);
}

static unsigned dice;
static unsigned roll(unsigned n) {
  dice = dice * 1664525u + 1013904223u;
  return (dice >> 16) % n;
}

static NOINLINE int wander(int levels);

static NOINLINE int wander_left(int levels) {
  ENTER();
  int n = levels <= 0 ? (event(), 1) : wander(levels - 1) + 1;
  LEAVE();
  return n;
}
static NOINLINE int wander_right(int levels) {
  ENTER();
  volatile long room[6];
  room[levels > 0] = 1;
  int n = levels <= 0 ? (event(), 2) : wander(levels - 1) + (int)room[levels > 0];
  event();
  LEAVE();
  return n;
}
// Where the next frame lies depends on the dice, not on who called.
static NOINLINE int wander_far(int levels) {
  ENTER();
  volatile char *room = __builtin_alloca(16 * (1 + roll(4)));
  room[0] = 1;
  int n = wander(levels - 1) + room[0];
  LEAVE();
  return n;
}
static NOINLINE int wander(int levels) {
  ENTER();
  unsigned where = roll(3);
  int n = where == 0 ? wander_left(levels) : where == 1 ? wander_right(levels) : 0;
  if (where == 2) n = wander_far(levels);
  LEAVE();
  return n;
}

TEST(what_is_remembered_is_the_stack_that_there_is)
{
  mid_unwind_forget();
  for (int i = 0; i < 20000; i++) CHECK(wander(1 + (int)roll(4)) > 0);
  CHECK(remembered > 1000);
  for (int i = 0; i < 100; i++) leaf(1);
  mid_unwind_forget();
  remembered = marks = 0;
  wander_left(0);
  CHECK_EQ(remembered, 0);
  for (volatile int i = 0; i < 5; i++) wander_left(0);
  CHECK_EQ(remembered, 4);  // the first call stood elsewhere
}

enum { SHIFT = 256 };

static NOINLINE int at_one_depth(int n, size_t room_bytes) {
  ENTER();
  volatile char *room = __builtin_alloca(room_bytes);
  room[0] = 1;
  event();
  n += room[0];
  LEAVE();
  return n;
}
// Where the second call's frame was, the first leaves its words untouched.
static NOINLINE int from_two_places(int second) {
  ENTER();
  volatile char *room = __builtin_alloca(16 + (second ? SHIFT : 0));
  room[0] = 1;
  int n = second ? at_one_depth(1, 16) * 3 : at_one_depth(2, 16 + SHIFT) * 5;
  n += room[0];
  LEAVE();
  return n;
}

TEST(a_stack_whose_old_words_still_lie_there_is_not_taken_for_it)
{
  mid_unwind_forget();
  for (volatile int i = 0; i < 20; i++) CHECK(from_two_places(i % 2) > 0);
}

// ---- signals ----

static void signal_catch(int number, void (*handler)(int, siginfo_t *, void *)) {
  static char stack[1 << 16];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  CHECK_EQ(sigaltstack(&alternate, NULL), 0);
  CHECK_EQ(sigaction(number, &action, NULL), 0);
}

static uintptr_t *context_pc(void *context) {
  ucontext_t *c = context;
#if defined(__x86_64__)
  return (uintptr_t *)&c->uc_mcontext.gregs[REG_RIP];
#else
  return (uintptr_t *)&c->uc_mcontext.pc;
#endif
}

static uintptr_t interrupted, restorer;
static void on_trap(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  restorer = (uintptr_t)__builtin_return_address(0);
  interrupted = *context_pc(context);
  collect();
  *context_pc(context) += sizeof(void *) == 8 && MID_CFI_LINKS ? 4 : 2;
}

static NOINLINE int is_interrupted(int n) {
  ENTER();
#if defined(__x86_64__)
  __asm__ volatile("ud2" : "+r"(n));
#else
  __asm__ volatile("udf #0" : "+r"(n));
#endif
  // on_trap, what the kernel has it return to, and where this stood; a sanitizer is in between.
  uint32_t at = 2;
  while (at < seen.frames && seen.frame[at] != interrupted + 1) at++;
  CHECK(!seen.cut && at < seen.frames);
#if !defined(__SANITIZE_THREAD__)
  CHECK_EQ(seen.frame[at - 1], restorer + 1);  // no call stands before it
#endif
  check_from(at + 1, depth);
  LEAVE();
  return n;
}

TEST(from_a_signals_handler_on_a_stack_of_its_own)
{
  signal_catch(SIGILL, on_trap);
  CHECK_EQ(is_interrupted(7), 7);
  signal(SIGILL, SIG_DFL);
}

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
// A signal after each instruction, within prologues, linkage tables and the loader too.
static uintptr_t stepper;
static volatile bool stepping;
static unsigned steps, cut_steps, lost_steps;

static void on_step(int number, siginfo_t *info, void *context) {
  struct mid_unwind_frame here;
  (void)number, (void)info;
  greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
  *flags = stepping ? *flags | 0x100 : *flags & ~0x100;
  mid_unwind_here(&here);
  mid_unwind(&own, &here, (uintptr_t)__builtin_return_address(0));
  const struct mid_unwind_trace *t = &own.trace;
  bool found = false;
  for (uint32_t i = 0; i < t->frames; i++) found = found || t->frame[i] == stepper;
  steps++;
  cut_steps += t->cut;
  lost_steps += !found;
}

static NOINLINE double steps_through(const char *words) {
  stepper = (uintptr_t)__builtin_return_address(0);
  stepping = true;
  raise(SIGTRAP);
  double n = strtod(words, NULL);  // not called before: by the linkage table
  char *copy = strdup(words);
  n += (double)strlen(copy);
  free(copy);
  stepping = false;
  return n;
}

TEST(from_each_single_instruction)
{
  signal_catch(SIGTRAP, on_step);
  CHECK(steps_through("1234.5678e10") > 0);
  signal(SIGTRAP, SIG_DFL);
  CHECK(steps > 500);
  CHECK_EQ(cut_steps, 0);
  CHECK_EQ(lost_steps, 0);
}
#endif

// ---- what is no stack ----

// Whatever the registers and the words hold: it ends, and reads nothing that it may not.
TEST(broken_stacks_are_cut)
{
  enum { PAGES = 4 };
  char *room = mmap(NULL, (PAGES + 2) * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uintptr_t *stack = (uintptr_t *)(void *)(room + 4096);
  CHECK_EQ(mprotect(stack, PAGES * 4096, PROT_READ | PROT_WRITE), 0);
  struct mid_os_module libc;
  CHECK(mid_os_module_find((uintptr_t)qsort, &libc));
  uintptr_t good[] = {(uintptr_t)qsort + 40, (uintptr_t)collect + 20, (uintptr_t)plain + 12,
                      (uintptr_t)stack, (uintptr_t)getenv + 8};
  memset(&own, 0, sizeof own);
  unsigned long cut = 0;
  for (int round = 0; round < 20000; round++) {
    for (int i = 0; i < PAGES * 512; i += 1 + (int)roll(3)) {
      uintptr_t near = (uintptr_t)stack + 8 * roll(PAGES * 512 + 64);
      uintptr_t word[] = {near, good[roll(5)], libc.start + roll(1 << 21), roll(0xffff), ~0ul};
      stack[i] = word[roll(5)];
      if (round % 100 != 0 && i > 64) break;
    }
    struct mid_unwind_frame f = {.pc = good[roll(5)], .exact = roll(2) != 0};
    for (int r = 0; r < MID_CFI_REGISTERS; r++) f.reg[r] = (uintptr_t)stack + 8 * roll(2048);
    f.reg[MID_CFI_SP] = (uintptr_t)stack + 8 * roll(512);
    mid_unwind(&own, &f, good[roll(5)]);
    CHECK(own.trace.frames >= 1 && own.trace.frames <= MID_UNWIND_MOST);
    cut += own.trace.cut;
  }
  CHECK(cut > 19000);
  munmap(room, (PAGES + 2) * 4096);
  memset(&own, 0, sizeof own);
}

// No word of a stack may be read without proof: here that proof is all that there is.
TEST(what_cannot_be_read_is_known_without_a_fault)
{
  char *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK_EQ(mprotect(page + 4096, 4096, PROT_NONE), 0);
  munmap(page + 8192, 4096);
  CHECK(mid_os_is_readable((uintptr_t)page));
  CHECK(!mid_os_is_readable((uintptr_t)page + 4096));
  CHECK(!mid_os_is_readable((uintptr_t)page + 8192));
  CHECK(!mid_os_is_readable(0) && !mid_os_is_readable(~(uintptr_t)7));
  munmap(page, 8192);
}
