// os/written_range_test.h -- what the tests of written pages share: a range and a model of it.
// SPDX-License-Identifier: MIT
//
// Where the kernel cannot do this the tests say so and are skipped; whether it can they find out by
// themselves, so that a tracker that refuses wrongly is not skipped over.
#ifndef MID_OS_WRITTEN_RANGE_TEST_H
#define MID_OS_WRITTEN_RANGE_TEST_H

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "os/os.h"
#include "os/written.h"

enum { PAGES = 64, MOST = 4096 };

// A followed range, what was written there since the last question, and what was told by it.
struct range {
  struct mid_written w;
  unsigned char *p;
  size_t pages, bytes;
  bool written[MOST], told[MOST];
};

static inline void tell(void *range, uintptr_t from, uintptr_t to) {
  struct range *r = range;
  size_t start = (from - (uintptr_t)r->p) / mid_os_page_bytes();
  size_t end = (to - (uintptr_t)r->p) / mid_os_page_bytes();
  for (size_t i = start; i < end; i++) r->told[i] = true;
}

static inline bool ask(struct range *r) {
  memset(r->told, 0, sizeof r->told);
  return mid_written_scan(&r->w, r->p, r->bytes, tell, r);
}

// What was written is told, and nothing else when it has to be exact.  It is old from here on.
static inline bool told_right(struct range *r, bool exact) {
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

static inline unsigned char *page_of(struct range *r, size_t page) {
  return r->p + page * mid_os_page_bytes();
}

static inline void put(struct range *r, size_t page) {
  (*(volatile unsigned char *)page_of(r, page))++;
  r->written[page] = true;
}

// By the kernel: read(2) copies into the page.
static inline void put_by_kernel(struct range *r, size_t page) {
  int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  if (zero < 0 || read(zero, page_of(r, page), 8) != 8) abort();
  close(zero);
  r->written[page] = true;
}

static inline bool kernel_can(void) {
  struct uffdio_api api = {.api = UFFD_API, .features = 1 << 15};  // UFFD_FEATURE_WP_ASYNC
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  bool can = fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0;
  if (fd >= 0) close(fd);
  if (!can) print_message("skipped: this kernel has no userfaultfd that notes writes by itself\n");
  return can;
}

// A range of which every page was touched and asked for.  false: not on this kernel.
static inline bool follow(struct range *r, size_t pages) {
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

static inline void unfollow(struct range *r) {
  mid_os_unmap(r->p, r->bytes);
  mid_written_close(&r->w);
}

static struct range a;

#define FOLLOWED(range, pages) \
  if (!follow(range, pages)) skip()
#define FOLLOWED_IN_CHILD(range, pages) \
  if (!follow(range, pages)) return true

#endif
