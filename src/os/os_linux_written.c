// os/os_linux_written.c -- written.h on Linux: userfaultfd protects, PAGEMAP_SCAN asks.
// SPDX-License-Identifier: MIT
//
// There is no list of what is followed: the kernel has it.  Each question insists that all of its
// range is registered (PM_SCAN_CHECK_WPASYNC, without which the kernel passes over what is not, and
// a lost registration would read as "nothing was written"), and a range that is not is registered
// again when it is asked for.  So whatever took the registration away, be it fork, the closing of
// our descriptors or a mapping of the program's, one way leads back.
//
// What we do have to know ourselves is whether the descriptors are still ours.  A number that the
// program closed and got again may be any file; and after fork the same numbers ask about, and
// protect, the memory of the parent, which would lose writes by that.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/check.h"
#include "os/call.h"
#include "os/os.h"
#include "os/written.h"

// Debian 12's headers are older than these.
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

struct written_run {
  uint64_t from, to, categories;
};
struct written_question {
  uint64_t bytes, flags, from, to, walk_end, runs, most_runs, most_pages;
  uint64_t inverted, wanted, any_of, told;  // categories
};
#define WRITTEN_ASK _IOWR('f', 16, struct written_question)  // PAGEMAP_SCAN
enum { WRITTEN_PROTECT = 1, WRITTEN_INSIST = 2 };  // PM_SCAN_WP_MATCHING, PM_SCAN_CHECK_WPASYNC
enum { WRITTEN_IS_WRITTEN = 2 };                   // PAGE_IS_WRITTEN
enum { WRITTEN_RUNS = 128 };                       // told by one call: 3 KiB of stack

enum written_reason {
  WRITTEN_FORKED,
  WRITTEN_CLOSED,
  WRITTEN_MOVED,
  WRITTEN_REFUSED,
  WRITTEN_NO_FAULTS,
  WRITTEN_FORBIDDEN,
  WRITTEN_TOO_OLD,
  WRITTEN_NO_DESCRIPTOR,
  WRITTEN_NO_MAP,
  WRITTEN_NO_MEMORY,
  WRITTEN_WRONG,
  WRITTEN_FINE,
};

static const char *const written_clause[] = {
    [WRITTEN_FORKED] = "the process forked, and the kernel goes on following the parent alone",
    [WRITTEN_CLOSED] = "the program closed the descriptors that tell of written pages",
    [WRITTEN_MOVED] = "memory was mapped anew, which the kernel does not follow by itself",
    [WRITTEN_REFUSED] = "the kernel refused to say what was written",
    [WRITTEN_NO_FAULTS] = "the kernel has no userfaultfd",
    [WRITTEN_FORBIDDEN] = "userfaultfd is forbidden here, as by a container's seccomp profile",
    [WRITTEN_TOO_OLD] = "the kernel cannot note written pages by itself (Linux 6.7 can)",
    [WRITTEN_NO_DESCRIPTOR] = "no file descriptor is free",
    [WRITTEN_NO_MAP] = "/proc/self/pagemap cannot be opened",
    [WRITTEN_NO_MEMORY] = "memory is exhausted",
    [WRITTEN_WRONG] = "the kernel did not tell of a page that was written",
};

// ---- descriptors ----

static bool written_is_ours(const struct mid_written_file *file) {
  struct stat s;
  return file->fd >= 0 && mid_call(SYS_fstat, file->fd, &s) == 0 && s.st_dev == file->device &&
         s.st_ino == file->inode;
}

static void written_drop(struct mid_written_file *file) {
  if (written_is_ours(file)) mid_call(SYS_close, file->fd);
  file->fd = -1;
}

// Out of the way of programs that count on low numbers; not so high that the table of descriptors,
// which fork copies, has to grow for it alone.
static int written_raised(int fd) {
  struct rlimit limit = {0, 0};
  mid_call(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
  long high = mid_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, mid_min(limit.rlim_cur, 1024) / 4 * 3);
  if (high < 0) return fd;
  mid_call(SYS_close, fd);
  return (int)high;
}

static void written_keep(struct mid_written_file *file, long fd) {
  struct stat s = {0};
  *file = (struct mid_written_file){written_raised((int)fd), 0, 0};
  mid_call(SYS_fstat, file->fd, &s);
  file->device = s.st_dev, file->inode = s.st_ino;
}

static enum written_reason written_open_faults(struct mid_written_file *out) {
  struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC};
  long fd = mid_call(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
  if (fd == -ENOSYS) return WRITTEN_NO_FAULTS;
  if (fd == -EPERM || fd == -EACCES) return WRITTEN_FORBIDDEN;
  if (fd == -EMFILE || fd == -ENFILE) return WRITTEN_NO_DESCRIPTOR;
  if (fd == -ENOMEM) return WRITTEN_NO_MEMORY;
  if (fd < 0) return WRITTEN_TOO_OLD;
  written_keep(out, fd);
  if (mid_call(SYS_ioctl, out->fd, UFFDIO_API, &api) == 0) return WRITTEN_FINE;
  written_drop(out);
  return WRITTEN_TOO_OLD;
}

static enum written_reason written_open_map(struct mid_written_file *out) {
  long fd = mid_call(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (fd == -EMFILE || fd == -ENFILE) return WRITTEN_NO_DESCRIPTOR;
  if (fd < 0) return WRITTEN_NO_MAP;
  written_keep(out, fd);
  return WRITTEN_FINE;
}

static enum written_reason written_open_both(struct mid_written *w) {
  enum written_reason why = WRITTEN_FINE;
  if (w->faults.fd < 0) why = written_open_faults(&w->faults);
  if (why == WRITTEN_FINE && w->map.fd < 0) why = written_open_map(&w->map);
  return why;
}

const char *mid_written_news(struct mid_written *w) {
  const char *news = w->news;
  w->news = NULL;
  return news;
}

static bool written_say(struct mid_written *w, enum written_reason why) {
  if ((w->said >> why & 1) == 0) w->news = written_clause[why];
  w->said |= 1u << why;
  return false;
}

// Whether the descriptors were ours until now.  Those that were not are opened anew where that can
// be; then what is registered with the old ones, if anything, is not with the new.
static bool written_ready(struct mid_written *w) {
  bool forked = *w->here == 0;
  bool faults = !forked && written_is_ours(&w->faults);
  bool map = !forked && written_is_ours(&w->map);
  if (faults && map) return true;
  if (forked) written_drop(&w->faults), written_drop(&w->map);
  if (!faults) w->faults.fd = -1;
  if (!map) w->map.fd = -1;
  *w->here = 1;
  enum written_reason why = written_open_both(w);
  if (why != WRITTEN_FINE) return written_say(w, why);
  return written_say(w, forked ? WRITTEN_FORKED : WRITTEN_CLOSED);
}

// ---- ranges ----

static bool written_register(struct mid_written *w, void *base, size_t bytes) {
  struct uffdio_register ask = {.range = {(uintptr_t)base, bytes}, .mode = UFFDIO_REGISTER_MODE_WP};
  return mid_call(SYS_ioctl, w->faults.fd, UFFDIO_REGISTER, &ask) == 0;
}

bool mid_written_track(struct mid_written *w, void *base, size_t bytes) {
  (void)written_ready(w);
  return written_register(w, base, bytes);
}

void mid_written_untrack(struct mid_written *w, void *base, size_t bytes) {
  struct uffdio_range range = {(uintptr_t)base, bytes};
  if (written_ready(w)) mid_call(SYS_ioctl, w->faults.fd, UFFDIO_UNREGISTER, &range);
}

void mid_written_lift(struct mid_written *w, void *base, size_t bytes) {
  struct uffdio_writeprotect ask = {.range = {(uintptr_t)base, bytes}};
  if (written_ready(w)) mid_call(SYS_ioctl, w->faults.fd, UFFDIO_WRITEPROTECT, &ask);
}

// ---- questions ----

// One category alone, wanted and told: with more the kernel leaves its quick way, and before July
// 2026 it neither told of pages that were never touched nor protected them.
static long written_ask(struct mid_written *w, uintptr_t from, uintptr_t to, uint64_t flags,
                        void (*run)(void *, uintptr_t, uintptr_t), void *context) {
  struct written_run runs[WRITTEN_RUNS];
  while (from < to) {
    struct written_question ask = {.bytes = sizeof ask,
                                   .flags = flags | WRITTEN_INSIST,
                                   .from = from,
                                   .to = to,
                                   .runs = run != NULL ? (uintptr_t)runs : 0,
                                   .most_runs = run != NULL ? WRITTEN_RUNS : 0,
                                   .wanted = WRITTEN_IS_WRITTEN,
                                   .told = WRITTEN_IS_WRITTEN};
    long count = mid_call(SYS_ioctl, w->map.fd, WRITTEN_ASK, &ask);
    if (count < 0) return count;
    for (long i = 0; i < count && run != NULL; i++) run(context, runs[i].from, runs[i].to);
    if (ask.walk_end <= from) return -EIO;  // an imitation of Linux that would keep us here
    from = ask.walk_end;                    // all runs are full: nothing behind it was protected
  }
  return 0;
}

static bool written_question(struct mid_written *w, void *base, size_t bytes, uint64_t flags,
                             void (*run)(void *, uintptr_t, uintptr_t), void *context) {
  uintptr_t from = (uintptr_t)base, to = from + bytes;
  if (written_ready(w)) {
    long answer = written_ask(w, from, to, flags, run, context);
    if (answer == 0) return true;
    written_say(w, answer == -EPERM ? WRITTEN_MOVED : WRITTEN_REFUSED);
  }
  // All of it counts as written, once: follow it from here on.
  written_register(w, base, bytes);
  (void)written_ask(w, from, to, WRITTEN_PROTECT, NULL, NULL);
  return false;
}

bool mid_written_scan(struct mid_written *w, void *base, size_t bytes,
                      void (*run)(void *context, uintptr_t from, uintptr_t to), void *context) {
  return written_question(w, base, bytes, WRITTEN_PROTECT, run, context);
}

bool mid_written_peek(struct mid_written *w, void *base, size_t bytes,
                      void (*run)(void *context, uintptr_t from, uintptr_t to), void *context) {
  return written_question(w, base, bytes, 0, run, context);
}

// ---- the tracker ----

struct written_seen {
  uintptr_t from, to;
  int runs;
};

static void written_see(void *seen, uintptr_t from, uintptr_t to) {
  struct written_seen *s = seen;
  *s = (struct written_seen){from, to, s->runs + 1};
}

// By use, never by version: systems that are not quite Linux accept what they do not do.
static enum written_reason written_try(struct mid_written *w) {
  size_t page = mid_os_page_bytes();
  struct written_seen seen = {0, 0, 0};
  unsigned char *p = mid_os_map(NULL, 4 * page);
  if (p == NULL) return WRITTEN_NO_MEMORY;
  uintptr_t from = (uintptr_t)p, to = from + 4 * page;
  bool works = written_register(w, p, 4 * page);
  memset(p, 1, 4 * page);
  works = works && written_ask(w, from, to, WRITTEN_PROTECT, NULL, NULL) == 0;
  works =
      works && written_ask(w, from, to, WRITTEN_PROTECT, written_see, &seen) == 0 && seen.runs == 0;
  *(volatile unsigned char *)(p + 2 * page) = 2;
  works = works && written_ask(w, from, to, WRITTEN_PROTECT, written_see, &seen) == 0;
  enum written_reason why = works ? WRITTEN_FINE : WRITTEN_TOO_OLD;
  if (works && (seen.runs != 1 || seen.from != from + 2 * page || seen.to != from + 3 * page))
    why = WRITTEN_WRONG;
  mid_os_unmap(p, 4 * page);
  return why;
}

static enum written_reason written_mark_process(struct mid_written *w) {
  w->here = mid_os_map(NULL, mid_os_page_bytes());
  if (w->here == NULL) return WRITTEN_NO_MEMORY;
  *w->here = 1;
  long failed = mid_call(SYS_madvise, w->here, mid_os_page_bytes(), MADV_WIPEONFORK);
  return failed == 0 ? WRITTEN_FINE : WRITTEN_TOO_OLD;
}

bool mid_written_open(struct mid_written *w, const char **why) {
  *w = (struct mid_written){.faults = {.fd = -1}, .map = {.fd = -1}};
  enum written_reason reason = written_mark_process(w);
  if (reason == WRITTEN_FINE) reason = written_open_both(w);
  if (reason == WRITTEN_FINE) reason = written_try(w);
  if (reason == WRITTEN_FINE) return true;
  mid_written_close(w);
  *why = written_clause[reason];
  return false;
}

void mid_written_close(struct mid_written *w) {
  written_drop(&w->faults);
  written_drop(&w->map);
  if (w->here != NULL) mid_os_unmap(w->here, mid_os_page_bytes());
  w->here = NULL;
}
