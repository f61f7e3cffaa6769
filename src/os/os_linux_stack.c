// os/os_linux_stack.c -- os.h on Linux: call stacks, and faults.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/bits.h"
#include "os/call.h"
#include "os/os.h"

// ---- call stacks ----

// The end of the last mapping under `low` that can be accessed, from lines "start-end rwxp ...".
struct below {
  uintptr_t low, end;
};

static uintptr_t hex_at(const char **at) {
  uintptr_t n = 0;
  for (;; (*at)++) {
    char c = **at;
    if (c >= '0' && c <= '9')
      n = n * 16 + (uintptr_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      n = n * 16 + (uintptr_t)(c - 'a' + 10);
    else
      return n;
  }
}

static void below_line(struct below *b, const char *line) {
  uintptr_t start = hex_at(&line), end;
  if (*line++ != '-') return;
  end = hex_at(&line);
  if (start < b->low && strncmp(line, " ---", 4) != 0) b->end = mid_max(b->end, end);
}

// The file is read piece by piece, since it has no bound: what a piece cuts is moved to the front.
static bool read_below(struct below *b) {
  char room[4096];
  size_t have = 0;
  long n, file = mid_call(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  while ((n = mid_call(SYS_read, file, room + have, sizeof room - 1 - have)) > 0) {
    have += (size_t)n;
    room[have] = 0;
    char *line = room;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) below_line(b, line);
    have -= (size_t)(line - room);
    if (have == sizeof room - 1) have = 0;  // the tail of a very long name
    memmove(room, line, have);
  }
  mid_call(SYS_close, file);
  return n == 0;
}

bool mid_os_stack_read(struct mid_os_stack *out) {
  pthread_attr_t attr;
  void *base = NULL;
  size_t bytes = 0;
  int kept = errno;
  bool known = pthread_getattr_np(pthread_self(), &attr) == 0;
  if (known) known = pthread_attr_getstack(&attr, &base, &bytes) == 0, pthread_attr_destroy(&attr);
  errno = kept;
  struct below below = {.low = (uintptr_t)base};
  if (!known || !read_below(&below)) return false;
  size_t guard = below.end >= below.low ? 0 : below.low - below.end;
  *out = (struct mid_os_stack){(uintptr_t)base, (uintptr_t)base + bytes, guard};
  return true;
}

bool mid_os_first_touched(const void *base, size_t bytes, const void **out) {
  // Bits of an entry, one for each page: 63 is present, 62 is swapped out.
  uint64_t entry[256];
  size_t page = mid_os_page_bytes(), pages = bytes / page, first = (uintptr_t)base / page;
  long file = mid_call(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  long n = 0;
  size_t i = 0;
  while (i < pages) {
    size_t most = mid_min(pages - i, sizeof entry / sizeof entry[0]) * sizeof entry[0];
    n = mid_call(SYS_pread64, file, entry, most, (first + i) * sizeof entry[0]);
    if (n <= 0) break;
    size_t got = (size_t)n / sizeof entry[0], k = 0;
    while (k < got && entry[k] >> 62 == 0) k++;
    i += k;
    if (k < got) break;
  }
  mid_call(SYS_close, file);
  if (n < 0) return false;
  *out = (const char *)base + i * page;
  return true;
}

// ---- faults ----

static void (*fault_seen)(const void *address);
static struct sigaction fault_before;

static void fault_handler(int signal, siginfo_t *info, void *context) {
  if (info->si_code > 0) fault_seen(info->si_addr);  // the kernel's, not somebody's kill()
  if (fault_before.sa_flags & SA_SIGINFO)
    fault_before.sa_sigaction(signal, info, context);
  else if (fault_before.sa_handler != SIG_DFL && fault_before.sa_handler != SIG_IGN)
    fault_before.sa_handler(signal);
  else
    sigaction(signal, &fault_before, NULL);  // the instruction faults again, as without us
}

void mid_os_fault_watch(void (*seen)(const void *address)) {
  struct sigaction action = {.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  fault_seen = seen;
  if (sigaction(SIGSEGV, NULL, &fault_before) == 0) sigaction(SIGSEGV, &action, NULL);
}
