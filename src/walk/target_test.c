// walk/target_test.c -- a process is stopped, looked at and let go, and notices nothing.
// SPDX-License-Identifier: MIT
#include "walk/target.h"

#include <pthread.h>
#include <sys/ptrace.h>

#include "observe/proc.h"
#include "support.h"
#include "test.h"
#include "walk/target_source.h"
#include "walk/victim_test.h"

static void nothing(struct victim *v) { (void)v; }

// The thread sanitizer has threads of its own in each process, puts signals off, and maps so much
// that a copy takes minutes.
static struct victim *target_start(void (*warm_up)(struct victim *),
                                   void (*work)(struct victim *)) {
#ifdef __SANITIZE_THREAD__
  skip();
#endif
  return victim_start(warm_up, work);
}

static pid_t pid_of(struct victim *v) { return atomic_load(&v->pid); }

static char state_of(pid_t pid) {
  struct mid_proc_stat stat;
  return mid_proc_stat_read(pid, &stat) ? stat.state : '?';
}

// Within a few seconds, as the kernel has its own time.
static bool comes_to(pid_t pid, const char *states) {
  for (int i = 0; i < 5000; i++) {
    if (strchr(states, state_of(pid)) != NULL) return true;
    usleep(1000);
  }
  return false;
}

// ---- threads ----

enum { MANY = 60 };
#define MARK 0x123456789abcdef0u

static void *thread_marks(void *argument) {
  struct victim *v = argument;
  atomic_fetch_add(&v->count, 1);
#if defined(__x86_64__)
  // In a general register and in a vector register, and nowhere else.
  uint64_t mark = MARK;
  for (;;)
    __asm__ volatile(
        "mov %0, %%r15\n movq %%r15, %%xmm9\n movl $100000, %%ecx\n"
        "1: dec %%ecx\n jnz 1b"
        :
        : "r"(mark)
        : "r15", "xmm9", "ecx", "cc");
#elif defined(__aarch64__)
  uint64_t mark = MARK;
  for (;;)
    __asm__ volatile(
        "mov x25, %0\n fmov d9, x25\n mov w26, #50000\n"
        "1: subs w26, w26, #1\n b.ne 1b"
        :
        : "r"(mark)
        : "x25", "v9", "x26", "cc");
#endif
  return NULL;
}

static void many_threads(struct victim *v) {
  pthread_t thread;
  for (int i = 0; i < MANY; i++)
    if (pthread_create(&thread, NULL, thread_marks, v) != 0) abort();
  while (atomic_load(&v->count) < MANY) usleep(1000);
}

static bool among(const uint64_t *words, size_t count, uint64_t word) {
  for (size_t i = 0; i < count; i++)
    if (words[i] == word) return true;
  return false;
}

TEST(all_threads_are_stopped_with_their_registers)
{
  struct victim *v = target_start(NULL, many_threads);
  struct mid_target t;
  victim_work(v);
  CHECK_WHOLE(mid_target_stop(pid_of(v), &t));
  CHECK(t.stopped && t.live);
  CHECK_EQ(t.threads, MANY + 1);
  size_t general = 0, vector = 0;
  for (size_t i = 0; i < t.threads; i++) {
    const struct mid_target_thread *thread = &t.thread[i];
    CHECK(state_of(thread->tid) == 't');
    CHECK(mid_target_mapping_at(&t, thread->sp) != NULL);
    CHECK(mid_target_mapping_at(&t, thread->tp) != NULL);
    CHECK(mid_target_mapping_at(&t, thread->pc)->execute);
    general += among(thread->reg, MID_TARGET_REGISTERS, MARK);
    vector += among(thread->vector, thread->vectors, MARK);
  }
  CHECK(general >= MANY - 1 && vector >= MANY - 1);  // one may stand between the two
  pid_t last = t.thread[MANY].tid;
  mid_target_close(&t);
  CHECK(comes_to(last, "RS"));
  CHECK(victim_end(v));
}

static void *thread_breeds(void *argument) {
  pthread_t next;
  usleep(100);
  if (pthread_create(&next, NULL, thread_breeds, argument) != 0) abort();
  pthread_detach(next);
  return NULL;
}

static void threads_breed(struct victim *v) {
  for (int i = 0; i < 8; i++) (void)thread_breeds(v);
}

TEST(threads_that_come_and_go_meanwhile_are_stopped_too)
{
  struct victim *v = target_start(NULL, threads_breed);
  victim_work(v);
  for (int round = 0; round < 30; round++) {
    struct mid_target t;
    CHECK_WHOLE(mid_target_stop(pid_of(v), &t));
    for (size_t i = 0; i < t.threads; i++) CHECK(state_of(t.thread[i].tid) == 't');
    mid_target_close(&t);
    usleep(500);
  }
  kill(pid_of(v), SIGKILL);
  (void)victim_end(v);
}

// ---- memory ----

enum { PAGES = 1000 };
static char *area;
static const char constant[] = "not written to";

static void touch_some(struct victim *v) {
  area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < PAGES; i += 10) area[(size_t)i * PAGE] = 'x';
  v->block[0] = area;
}

static void check_area(const struct mid_target *t, uint64_t at) {
  static char bytes[PAGES * PAGE];
  char words[sizeof constant];
  CHECK(mid_target_read(t, at, bytes, sizeof bytes));
  for (size_t i = 0; i < PAGES; i++) {
    CHECK_EQ(bytes[i * PAGE], i % 10 == 0 ? 'x' : 0);
    CHECK_EQ(mid_target_touched(t, at + i * PAGE), i % 10 == 0);
    size_t next = i == 0 ? 0 : (i + 9) / 10 * 10;
    CHECK_EQ(mid_target_next_touched(t, at + i * PAGE, at + 990 * PAGE),
             at + (next < 990 ? next : 990) * PAGE);
  }
  CHECK(mid_target_read(t, (uintptr_t)constant, words, sizeof words));
  CHECK_STR(words, constant);
  // What cannot be read is zero.
  memset(bytes, 'y', sizeof bytes);
  CHECK(!mid_target_read(t, 16, bytes, PAGE));
  CHECK(test_zeroed(bytes, PAGE));
}

TEST(what_lies_between_touched_pages_is_passed_over_at_once)
{
  const uint64_t start = (uint64_t)1 << 32, end = (uint64_t)1 << 47;  // 128 TiB
  struct target_piece piece[] = {{start, start + PAGE, 0}, {end - PAGE, end, PAGE}};
  struct mid_target_source source = {.piece = piece, .pieces = 2, .core = -1};
  struct mid_target_mapping mapping = {.start = start, .end = end, .read = true, .write = true};
  const struct mid_target t = {.source = &source, .mapping = &mapping, .mappings = 1};
  CHECK_EQ(mid_target_next_touched(&t, start, end), start);
  CHECK_EQ(mid_target_next_touched(&t, start + PAGE, end), end - PAGE);
  CHECK_EQ(mid_target_next_touched(&t, start + PAGE, end - 5), end - PAGE);
  CHECK_EQ(mid_target_next_touched(&t, start + PAGE, end - PAGE - 5), end - PAGE - 5);
}

TEST(memory_is_read_and_pages_never_touched_stay_so)
{
  struct victim *v = target_start(NULL, touch_some);
  struct mid_target t;
  victim_work(v);
  uint64_t at = (uintptr_t)v->block[0];
  for (int round = 0; round < 2; round++) {
    CHECK_WHOLE(mid_target_stop(pid_of(v), &t));
    check_area(&t, at);
    mid_target_close(&t);
    CHECK_WHOLE(mid_target_copy(pid_of(v), &t));
    CHECK(!t.stopped);
    check_area(&t, at);
    mid_target_close(&t);
  }
  CHECK(victim_end(v));
}

static uint64_t counted;
static void *thread_counts(void *argument) {
  (void)argument;
  for (;;) __atomic_fetch_add(&counted, 1, __ATOMIC_RELAXED);
  return NULL;
}

static void count_on(struct victim *v) {
  pthread_t thread;
  (void)v;
  if (pthread_create(&thread, NULL, thread_counts, NULL) != 0) abort();
}

static uint64_t counted_in(const struct mid_target *t) {
  uint64_t count;
  CHECK(mid_target_read(t, (uintptr_t)&counted, &count, sizeof count));
  return count;
}

TEST(a_copy_stays_as_it_was_while_the_process_goes_on)
{
  struct victim *v = target_start(NULL, count_on);
  struct mid_target copy, later;
  victim_work(v);
  usleep(20000);
  CHECK_WHOLE(mid_target_copy(pid_of(v), &copy));
  uint64_t before = counted_in(&copy);
  CHECK(before > 0);
  for (int i = 0; i < 5000; i++) {
    CHECK_WHOLE(mid_target_stop(pid_of(v), &later));
    uint64_t now = counted_in(&later);
    mid_target_close(&later);
    if (now > before) break;
    CHECK(i < 4999);
    usleep(1000);
  }
  CHECK_EQ(counted_in(&copy), before);
  mid_target_close(&copy);
  CHECK(victim_end(v));
}

TEST(a_stopped_process_stands_still)
{
  struct victim *v = target_start(NULL, count_on);
  struct mid_target t;
  victim_work(v);
  CHECK_WHOLE(mid_target_stop(pid_of(v), &t));
  uint64_t before = counted_in(&t);
  usleep(20000);
  CHECK_EQ(counted_in(&t), before);
  mid_target_close(&t);
  CHECK(victim_end(v));
}

// ---- what the process notices: nothing ----

TEST(a_process_goes_on_when_who_stopped_it_is_killed)
{
  struct victim *v = target_start(NULL, many_threads);
  struct mid_target t;
  victim_work(v);
  pid_t tracer = fork();
  if (tracer == 0) {
    if (mid_target_stop(pid_of(v), &t) != NULL) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status;
  CHECK_EQ(waitpid(tracer, &status, 0), tracer);
  CHECK(WIFSIGNALED(status));
  CHECK(comes_to(pid_of(v), "RS"));
  CHECK(victim_end(v));
}

static _Atomic int *alarms;
static void alarm_comes(int signal) {
  (void)signal;
  atomic_fetch_add(alarms, 1);
}

static void wait_for_signals(struct victim *v) {
  alarms = (_Atomic int *)&v->count;
  signal(SIGUSR1, alarm_comes);
}

TEST(signals_that_come_meanwhile_are_not_lost)
{
  struct victim *v = target_start(NULL, wait_for_signals);
  victim_work(v);
  for (int round = 1; round <= 50; round++) {
    struct mid_target t;
    if (round % 2 == 0) kill(pid_of(v), SIGUSR1);
    CHECK_WHOLE(mid_target_stop(pid_of(v), &t));
    if (round % 2 != 0) kill(pid_of(v), SIGUSR1);
    mid_target_close(&t);
    for (int i = 0; i < 5000 && atomic_load((_Atomic int *)&v->count) < round; i++) usleep(1000);
    CHECK_EQ(atomic_load((_Atomic int *)&v->count), round);
  }
  CHECK(victim_end(v));
}

TEST(a_process_that_a_signal_had_stopped_stays_so)
{
  struct victim *v = target_start(NULL, nothing);
  struct mid_target t;
  kill(pid_of(v), SIGSTOP);
  CHECK(comes_to(pid_of(v), "T"));
  CHECK_WHOLE(mid_target_stop(pid_of(v), &t));
  CHECK_EQ(t.threads, 1);
  mid_target_close(&t);
  CHECK(comes_to(pid_of(v), "T"));
  kill(pid_of(v), SIGCONT);
  CHECK(comes_to(pid_of(v), "RS"));
  victim_work(v);
  CHECK(victim_end(v));
}

static void *thread_outlives(void *argument) {
  (void)victim_take(argument, 10);
  pause();
  return NULL;
}

static void first_thread_ends(struct victim *v) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, thread_outlives, v) != 0) abort();
  while (atomic_load(&v->count) == 0) usleep(1000);
  atomic_store(&v->phase, VICTIM_DONE);
  pthread_exit(NULL);
}

TEST(a_process_whose_first_thread_has_ended_is_read)
{
  struct victim *v = target_start(NULL, first_thread_ends);
  struct mid_target t;
  struct mid_blocks b;
  victim_work(v);
  CHECK(comes_to(pid_of(v), "Z"));
  CHECK_WHOLE(mid_target_copy(pid_of(v), &t));
  CHECK_EQ(t.threads, 1);
  CHECK_WHOLE(mid_blocks_read(&t, &b));
  CHECK(b.live_blocks > 0);
  mid_blocks_close(&b);
  mid_target_close(&t);
  kill(pid_of(v), SIGKILL);
  (void)victim_end(v);
}

// ---- who holds threads already ----

TEST(threads_that_are_held_already_are_read_and_left_so)
{
  struct victim *v = target_start(NULL, many_threads);
  struct mid_target t;
  victim_work(v);
  pid_t held = pid_of(v);
  int status;
  CHECK_EQ(ptrace(PTRACE_SEIZE, held, NULL, NULL), 0);
  CHECK_EQ(ptrace(PTRACE_INTERRUPT, held, NULL, NULL), 0);
  CHECK_EQ(waitpid(held, &status, __WALL), held);
  CHECK_WHOLE(mid_target_adopt(held, &held, 1, &t));
  CHECK_EQ(t.threads, MANY + 1);
  pid_t other = t.thread[0].tid == held ? t.thread[1].tid : t.thread[0].tid;
  CHECK(state_of(other) == 't');
  mid_target_close(&t);
  CHECK(comes_to(other, "RS"));
  CHECK(state_of(held) == 't');
  CHECK_EQ(ptrace(PTRACE_DETACH, held, NULL, NULL), 0);
  CHECK(victim_end(v));
}

// ---- why not ----

TEST(what_cannot_be_stopped_gets_a_sentence)
{
  struct mid_target t;
  CHECK(strstr(mid_target_stop(0x7ffffff0, &t), "there is no such process") != NULL);
  CHECK(strstr(mid_target_stop(getpid(), &t), "midden itself") != NULL);
}

TEST(a_process_that_another_traces_is_left_to_it)
{
  struct victim *v = target_start(NULL, nothing);
  struct mid_target t;
  int ready[2];
  char byte;
  CHECK_EQ(pipe(ready), 0);
  pid_t tracer = fork();
  if (tracer == 0) {
    (void)ptrace(PTRACE_SEIZE, pid_of(v), NULL, NULL);
    (void)!write(ready[1], "x", 1);
    pause();
    _exit(0);
  }
  CHECK_EQ(read(ready[0], &byte, 1), 1);
  CHECK(strstr(mid_target_stop(pid_of(v), &t), "it is traced by process") != NULL);
  kill(tracer, SIGKILL);
  waitpid(tracer, NULL, 0);
  CHECK_WHOLE(mid_target_stop(pid_of(v), &t));
  mid_target_close(&t);
  victim_work(v);
  CHECK(victim_end(v));
}

TEST(a_process_of_another_user_is_not_ours_to_stop)
{
  if (geteuid() != 0) skip();  // nobody else can become another
  struct victim *v = target_start(NULL, nothing);
  struct mid_target t;
  int status;
  pid_t other = fork();
  if (other == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(2);
    const char *why = mid_target_stop(pid_of(v), &t);
    _exit(why != NULL && strstr(why, "it is of user root") != NULL ? 0 : 1);
  }
  CHECK_EQ(waitpid(other, &status, 0), other);
  CHECK_EQ(status, 0);
  victim_work(v);
  CHECK(victim_end(v));
}
