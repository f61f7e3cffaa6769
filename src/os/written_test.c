// os/written_test.c -- pages that were written are told, whoever wrote them and whatever happened.
// SPDX-License-Identifier: MIT
//
// Where the kernel cannot do this the tests say so and are skipped; whether it can they find out by
// themselves, so that a tracker that refuses wrongly is not skipped over.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "os/os.h"
#include "os/written.h"
#include "support.h"
#include "test.h"

enum { PAGEMAP_SCAN = 0xc0606610 };  // as fs.h of Linux 6.7 has it
enum { PAGES = 64, MOST = 4096, NOBODY = 65534 };

// A followed range, what was written there since the last question, and what was told by it.
struct range {
  struct mid_written w;
  unsigned char *p;
  size_t pages, bytes;
  bool written[MOST], told[MOST];
};

static void tell(void *range, uintptr_t from, uintptr_t to) {
  struct range *r = range;
  size_t start = (from - (uintptr_t)r->p) / mid_os_page_bytes();
  size_t end = (to - (uintptr_t)r->p) / mid_os_page_bytes();
  for (size_t i = start; i < end; i++) r->told[i] = true;
}

static bool ask(struct range *r) {
  memset(r->told, 0, sizeof r->told);
  return mid_written_scan(&r->w, r->p, r->bytes, tell, r);
}

// What was written is told, and nothing else when it has to be exact.  It is old from here on.
static bool told_right(struct range *r, bool exact) {
  bool right = true;
  for (size_t i = 0; i < r->pages; i++)
    if (r->written[i] != r->told[i] && (exact || r->written[i])) {
      print_message("page %zu was %s and %s\n", i, r->written[i] ? "written" : "not written",
                    r->told[i] ? "told" : "not told");
      right = false;
    }
  memset(r->written, 0, sizeof r->written);
  return right;
}

static unsigned char *page_of(struct range *r, size_t page) {
  return r->p + page * mid_os_page_bytes();
}

static void put(struct range *r, size_t page) {
  (*(volatile unsigned char *)page_of(r, page))++;
  r->written[page] = true;
}

// By the kernel: read(2) copies into the page.
static void put_by_kernel(struct range *r, size_t page) {
  int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  if (zero < 0 || read(zero, page_of(r, page), 8) != 8) abort();
  close(zero);
  r->written[page] = true;
}

static bool kernel_can(void) {
  struct uffdio_api api = {.api = UFFD_API, .features = 1 << 15};  // UFFD_FEATURE_WP_ASYNC
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  bool can = fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0;
  if (fd >= 0) close(fd);
  if (!can) print_message("skipped: this kernel has no userfaultfd that notes writes by itself\n");
  return can;
}

// A range of which every page was touched and asked for.  false: not on this kernel.
static bool follow(struct range *r, size_t pages) {
  const char *why;
  memset(r, 0, sizeof *r);
  r->pages = pages, r->bytes = pages * mid_os_page_bytes();
  if (!kernel_can()) return false;
  if (!mid_written_open(&r->w, &why)) {
    print_message("a tracker was refused: %s\n", why);
    abort();  // in a child as well
  }
  r->p = mid_os_map(NULL, r->bytes);
  if (r->p == NULL || madvise(r->p, r->bytes, MADV_NOHUGEPAGE) != 0) abort();
  if (!mid_written_track(&r->w, r->p, r->bytes)) abort();
  memset(r->p, 1, r->bytes);
  if (!ask(r)) abort();
  return true;
}

static void unfollow(struct range *r) {
  mid_os_unmap(r->p, r->bytes);
  mid_written_close(&r->w);
}

static struct range a, b;

#define FOLLOWED(range, pages) \
  if (!follow(range, pages)) skip()
#define FOLLOWED_IN_CHILD(range, pages) \
  if (!follow(range, pages)) return true

// ---- what is told ----

TEST(what_was_never_asked_for_is_told_the_first_time)
{
  FOLLOWED(&a, PAGES);
  for (size_t i = 0; i < PAGES; i++) a.written[i] = true;
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(where_nothing_is_written_nothing_is_told)
{
  FOLLOWED(&a, PAGES);
  volatile unsigned sum = 0;
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < PAGES; i++) sum += *page_of(&a, i);
    memset(a.written, 0, sizeof a.written);
    CHECK(ask(&a));
    CHECK(told_right(&a, true));
  }
  CHECK(mid_written_news(&a.w) == NULL);
  unfollow(&a);
}

TEST(each_question_tells_of_what_is_new)
{
  FOLLOWED(&a, PAGES);
  (void)told_right(&a, false);
  for (size_t round = 0; round < 20; round++) {
    for (size_t i = 0; i <= round; i++) put(&a, i * 37 * (round + 1) % PAGES);
    CHECK(ask(&a));
    CHECK(told_right(&a, true));
  }
  unfollow(&a);
}

TEST(a_write_by_the_kernel_is_told)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  put_by_kernel(&a, 0);
  put_by_kernel(&a, PAGES - 1);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  CHECK_EQ(*page_of(&a, 0), 0);
  unfollow(&a);
}

TEST(more_runs_than_one_call_can_tell_are_told_and_end_where_the_range_ends)
{
  FOLLOWED(&a, MOST);
  memset(a.written, 0, sizeof a.written);
  for (size_t i = 0; i < MOST; i += 2) put(&a, i);
  a.pages = MOST - 128;  // the rest is not asked for, and keeps its news
  a.bytes = a.pages * mid_os_page_bytes();
  bool rest[128];
  memcpy(rest, a.written + a.pages, sizeof rest);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  memcpy(a.written + a.pages, rest, sizeof rest);
  a.pages = MOST, a.bytes = MOST * mid_os_page_bytes();
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(a_question_without_a_listener_makes_all_of_it_old)
{
  FOLLOWED(&a, MOST);
  for (size_t i = 0; i < MOST; i += 2) put(&a, i);
  CHECK(mid_written_scan(&a.w, a.p, a.bytes, NULL, NULL));
  memset(a.written, 0, sizeof a.written);
  put(&a, 1);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(two_trackers_know_nothing_of_each_other)
{
  FOLLOWED(&a, PAGES);
  FOLLOWED(&b, PAGES);
  memset(a.written, 0, sizeof a.written);
  memset(b.written, 0, sizeof b.written);
  put(&a, 3), put(&b, 4);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 5);
  mid_written_close(&b.w);  // takes nothing along but its own
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  mid_os_unmap(b.p, b.bytes);
  unfollow(&a);
}

TEST(errno_stays)
{
  const char *why;
  struct mid_written w;
  FOLLOWED(&a, PAGES);
  errno = 33;
  CHECK(ask(&a));
  CHECK(!mid_written_track(&a.w, (void *)16, 16));
  CHECK(!mid_written_scan(&a.w, (void *)16, 16, NULL, NULL));
  CHECK(mid_written_open(&w, &why));
  mid_written_close(&w);
  unfollow(&a);
  CHECK_EQ(errno, 33);
}

// ---- threads ----

enum { WRITERS = 3, WRITES = 30000 };
static _Atomic int writing;

static void *write_all_over(void *seed) {
  uint64_t random = (uintptr_t)seed;
  for (int i = 0; i < WRITES; i++) {
    _Atomic uint32_t *count = (void *)page_of(&a, test_random(&random) % PAGES);
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
  }
  atomic_fetch_sub(&writing, 1);
  return NULL;
}

static uint32_t copied[PAGES];

static void copy(void *unused, uintptr_t from, uintptr_t to) {
  (void)unused;
  for (uintptr_t at = from; at < to; at += mid_os_page_bytes())
    copied[(at - (uintptr_t)a.p) / mid_os_page_bytes()] =
        atomic_load_explicit((_Atomic uint32_t *)at, memory_order_relaxed);
}

TEST(a_copy_of_the_pages_that_are_told_stays_true_while_threads_write)
{
  pthread_t thread[WRITERS];
  FOLLOWED(&a, PAGES);
  copy(NULL, (uintptr_t)a.p, (uintptr_t)a.p + a.bytes);
  writing = WRITERS;
  for (uintptr_t i = 0; i < WRITERS; i++)
    CHECK_EQ(pthread_create(&thread[i], NULL, write_all_over, (void *)(i + 1)), 0);
  while (atomic_load(&writing) != 0) CHECK(mid_written_scan(&a.w, a.p, a.bytes, copy, NULL));
  for (int i = 0; i < WRITERS; i++) pthread_join(thread[i], NULL);
  CHECK(mid_written_scan(&a.w, a.p, a.bytes, copy, NULL));
  for (size_t i = 0; i < PAGES; i++)
    CHECK_EQ(copied[i], atomic_load((_Atomic uint32_t *)page_of(&a, i)));
  unfollow(&a);
}

// ---- what happens to the memory ----

TEST(a_page_that_was_given_back_and_written_again_is_told)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  mid_os_purge(page_of(&a, 8), 8 * mid_os_page_bytes());
  for (size_t i = 8; i < 12; i++) put(&a, i);
  CHECK(ask(&a));
  CHECK(told_right(&a, false));
  for (size_t i = 8; i < 16; i++) put(&a, i);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(what_was_lifted_is_told_as_written)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  mid_written_lift(&a.w, page_of(&a, 8), 8 * mid_os_page_bytes());
  for (size_t i = 8; i < 16; i++) a.written[i] = true;
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 9);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(guarding_a_page_and_opening_it_again_is_no_write)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  CHECK(mid_os_guard(page_of(&a, 8), mid_os_page_bytes()));
  put(&a, 9);
  CHECK(mid_os_unguard(page_of(&a, 8), mid_os_page_bytes()));
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 8);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(memory_that_is_mapped_anew_counts_as_written_and_is_followed_again)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  CHECK(mid_os_renew(page_of(&a, 8), mid_os_page_bytes()));
  put(&a, 8);
  CHECK(!ask(&a));
  CHECK(strstr(mid_written_news(&a.w), "mapped anew") != NULL);
  memset(a.written, 0, sizeof a.written);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 8), put(&a, 20);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  CHECK(mid_os_renew(page_of(&a, 9), mid_os_page_bytes()));
  CHECK(!ask(&a));
  CHECK(mid_written_news(&a.w) == NULL);  // it was said
  unfollow(&a);
}

TEST(memory_that_is_no_longer_followed_is_refused_and_then_followed)
{
  FOLLOWED(&a, PAGES);
  mid_written_untrack(&a.w, a.p, a.bytes);
  CHECK(!ask(&a));
  memset(a.written, 0, sizeof a.written);
  put(&a, 1);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(a_write_into_a_huge_page_is_told)
{
  enum { BYTES = 4 << 20 };
  FOLLOWED(&a, PAGES);
  size_t page = mid_os_page_bytes();
  unsigned char *small = a.p, *p = mid_os_map_aligned(BYTES, BYTES / 2);
  CHECK(p != NULL);
  (void)madvise(p, BYTES, MADV_HUGEPAGE);  // whether it is one is the kernel's business
  memset(p, 1, BYTES);
  a.p = p, a.bytes = BYTES, a.pages = BYTES / page;
  CHECK(mid_written_track(&a.w, p, BYTES));
  CHECK(ask(&a));
  memset(a.written, 0, sizeof a.written);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 3), put(&a, a.pages - 1);
  CHECK(ask(&a));
  CHECK(told_right(&a, false));
  mid_os_unmap(small, PAGES * page);
  unfollow(&a);
}

// ---- what happens to the process ----

static bool all_is_told_once_and_then_what_is_new(struct range *r, const char *news) {
  put(r, 1);
  bool refused = !ask(r);
  const char *said = mid_written_news(&r->w);
  if (!refused || said == NULL || strstr(said, news) == NULL) {
    print_message("%s: %s\n", refused ? "refused" : "not refused", said != NULL ? said : "no news");
    return false;
  }
  memset(r->written, 0, sizeof r->written);
  put(r, 2), put(r, 40);
  return ask(r) && told_right(r, true) && mid_written_news(&r->w) == NULL;
}

static int descriptors(void) {
  int open = 0;
  for (int fd = 0; fd < 1024; fd++) open += fcntl(fd, F_GETFD) != -1;
  return open;
}

static bool in_the_child(void) {
  int open = descriptors();
  if (!all_is_told_once_and_then_what_is_new(&a, "forked")) return false;
  return descriptors() == open && (fcntl(a.w.faults.fd, F_GETFD) & FD_CLOEXEC) != 0 &&
         (fcntl(a.w.map.fd, F_GETFD) & FD_CLOEXEC) != 0;
}

TEST(a_forked_child_is_told_all_once_and_then_what_is_new_and_the_parent_loses_nothing)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  put(&a, 7);
  CHECK_EQ(test_in_child(in_the_child), 0);
  put(&a, 8);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  CHECK(mid_written_news(&a.w) == NULL);
  unfollow(&a);
}

static bool close_it(void) {
  mid_written_untrack(&a.w, a.p, a.bytes);
  mid_written_lift(&a.w, a.p, a.bytes);
  mid_written_close(&a.w);
  return true;
}

TEST(a_child_that_ends_its_following_does_not_end_the_parents)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  put(&a, 7);
  CHECK_EQ(test_in_child(close_it), 0);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

static void close_all(void) {
  if (syscall(SYS_close_range, 3, ~0u, 0) != 0) abort();
}

TEST_IN_CHILD(a_program_that_closes_all_descriptors_is_told_all_once_and_then_what_is_new) {
  FOLLOWED_IN_CHILD(&a, PAGES);
  close_all();
  if (!all_is_told_once_and_then_what_is_new(&a, "closed")) return false;
  close_all();
  return !ask(&a) && mid_written_news(&a.w) == NULL && ask(&a);  // once is enough
}

TEST_IN_CHILD(descriptors_of_the_program_with_our_numbers_are_left_alone) {
  FOLLOWED_IN_CHILD(&a, PAGES);
  int faults = a.w.faults.fd, map = a.w.map.fd, ends[2];
  if (pipe(ends) != 0 || dup2(ends[0], faults) != faults || dup2(ends[1], map) != map) return false;
  if (!all_is_told_once_and_then_what_is_new(&a, "closed")) return false;
  dup2(ends[0], a.w.faults.fd), dup2(ends[1], a.w.map.fd);
  int again_faults = a.w.faults.fd, again_map = a.w.map.fd;
  mid_written_close(&a.w);
  struct stat s;
  return fstat(faults, &s) == 0 && S_ISFIFO(s.st_mode) && fstat(map, &s) == 0 &&
         S_ISFIFO(s.st_mode) && fstat(again_faults, &s) == 0 && fstat(again_map, &s) == 0;
}

// The registration lives as long as any copy of the descriptor does, and a new one is refused then.
TEST_IN_CHILD(nothing_is_lost_while_a_child_holds_what_the_program_closed) {
  int wait_here[2];
  FOLLOWED_IN_CHILD(&a, PAGES);
  if (pipe(wait_here) != 0) return false;
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(wait_here[1]);
    _exit(read(wait_here[0], &byte, 1) == 0 ? 0 : 1);
  }
  close(a.w.faults.fd), close(a.w.map.fd);
  if (!all_is_told_once_and_then_what_is_new(&a, "closed")) return false;
  put(&a, 3);
  close(wait_here[1]);
  if (waitpid(child, NULL, 0) != child) return false;
  if (ask(&a)) return false;  // gone with the child
  memset(a.written, 0, sizeof a.written);
  put(&a, 4);
  return ask(&a) && told_right(&a, true);
}

static bool become_nobody(void) {
  if (getuid() != 0) return true;
  return setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}

TEST_IN_CHILD(a_user_without_privileges_can_follow_writes) {
  if (!become_nobody() || prctl(PR_SET_DUMPABLE, 1) != 0) return false;
  FOLLOWED_IN_CHILD(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  put(&a, 3);
  put_by_kernel(&a, 4);
  return ask(&a) && told_right(&a, true);
}

TEST_IN_CHILD(a_tracker_opened_before_privileges_went_goes_on_and_is_refused_for_good_when_closed) {
  FOLLOWED_IN_CHILD(&a, PAGES);
  if (getuid() != 0) return true;
  if (!become_nobody()) return false;  // whose /proc/self is root's from here on
  memset(a.written, 0, sizeof a.written);
  put(&a, 3);
  if (!ask(&a) || !told_right(&a, true)) return false;
  close_all();
  if (ask(&a) || ask(&a)) return false;
  const char *news = mid_written_news(&a.w);
  return news != NULL && strstr(news, "pagemap cannot be opened") != NULL && !ask(&a) &&
         mid_written_news(&a.w) == NULL;
}

// ---- where the kernel cannot ----

// From here on, `call` with `second` as its second argument (0: any) fails with `error`.
static bool forbid(uint32_t call, uint32_t second, int error) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | (second != 0 ? BPF_JEQ : BPF_JGE) | BPF_K, second, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool refused_for(const char *reason) {
  struct mid_written w;
  const char *why = "nothing";
  bool refused = !mid_written_open(&w, &why) && strstr(why, reason) != NULL;
  if (!refused) print_message("the reason was: %s\n", why);
  return refused;
}

TEST_IN_CHILD(where_userfaultfd_is_forbidden_the_reason_says_so) {
  return forbid(SYS_userfaultfd, 0, EPERM) && refused_for("userfaultfd is forbidden");
}
TEST_IN_CHILD(where_there_is_no_userfaultfd_the_reason_says_so) {
  return forbid(SYS_userfaultfd, 0, ENOSYS) && refused_for("no userfaultfd");
}
TEST_IN_CHILD(a_kernel_that_cannot_be_asked_is_told_to_be_too_old) {
  FOLLOWED_IN_CHILD(&a, PAGES);
  return forbid(SYS_ioctl, PAGEMAP_SCAN, ENOTTY) && refused_for("Linux 6.7") && !ask(&a);
}
TEST_IN_CHILD(a_kernel_that_does_not_note_writes_by_itself_is_told_to_be_too_old) {
  FOLLOWED_IN_CHILD(&a, PAGES);
  return forbid(SYS_ioctl, (uint32_t)UFFDIO_API, EINVAL) && refused_for("Linux 6.7");
}
TEST_IN_CHILD(where_no_descriptor_is_free_the_reason_says_so) {
  struct rlimit none = {3, 3};
  FOLLOWED_IN_CHILD(&a, PAGES);
  return setrlimit(RLIMIT_NOFILE, &none) == 0 && refused_for("no file descriptor is free");
}

// ---- all of it, at random ----

// Something that may cost a range its following, or tell of more than was written.
static void disturb(struct range *r, uint64_t dice, size_t page, size_t bytes) {
  if (dice < 3) {  // one descriptor, the other, or both
    if (dice != 1) close(r->w.faults.fd);
    if (dice != 0) close(r->w.map.fd);
  }
  if (dice == 3) CHECK(mid_os_renew(page_of(r, page), bytes));
  if (dice == 4) mid_written_untrack(&r->w, page_of(r, page), bytes);
  if (dice == 5) mid_os_purge(page_of(r, page), bytes);
  if (dice == 6) mid_written_lift(&r->w, page_of(r, page), bytes);
}

// One step of the program; whether what is told after it is still exactly what was written.
static bool step(struct range *r, uint64_t random) {
  size_t dice = random % 64, page = random / 64 % (PAGES - 8), some = random / 4096 % 8 + 1;
  if (dice < 7) {
    disturb(r, dice, page, some * mid_os_page_bytes());
  } else if (dice == 7) {
    CHECK_EQ(test_in_child(close_it), 0);
  } else if (dice == 8) {
    CHECK(mid_os_guard(page_of(r, page), mid_os_page_bytes()));
    CHECK(mid_os_unguard(page_of(r, page), mid_os_page_bytes()));
  } else if (dice == 9) {
    put_by_kernel(r, page);
  } else {
    put(r, random / 64 % PAGES);
  }
  return dice >= 7;
}

TEST(no_write_is_lost_whatever_the_program_does)
{
  uint64_t random = 7;
  FOLLOWED(&a, PAGES);
  bool exact = false;
  int answered = 0, exactly = 0;
  for (int i = 0; i < 20000; i++) {
    uint64_t dice = test_random(&random);
    if (dice >> 32 & 7) {
      exact = step(&a, dice) && exact;
    } else if (ask(&a)) {
      CHECK(told_right(&a, exact));
      answered++, exactly += exact, exact = true;
    } else {
      CHECK(!exact);
      memset(a.written, 0, sizeof a.written), exact = true;
    }
  }
  CHECK(answered > 1000 && exactly > 500);
  unfollow(&a);
}
