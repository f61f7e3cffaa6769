// os/written_process_test.c -- no write is lost where a program forks, closes all or is forbidden.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "support.h"
#include "test.h"

#include "os/written_range_test.h"

enum { NOBODY = 65534 };
enum { PAGEMAP_SCAN = 0xc0606610 };  // as fs.h of Linux 6.7 has it

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
