// os/os_linux_proc.c -- os.h on Linux: limits and figures, read from /proc and the cgroup files.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/text.h"
#include "os/call.h"
#include "os/os.h"

extern char **environ;
extern void *__libc_stack_end;  // set by the loader before anything runs: argc is there

// argc, the arguments, NULL, the environment, NULL, the auxiliary vector.
static char **first_environment(void) {
  long argc;
  memcpy(&argc, __libc_stack_end, sizeof argc);
  return (char **)__libc_stack_end + 1 + argc + 1;
}

// As getauxval, which lies where a start touches nothing else of libc.
static bool read_secure(void) {
  char **at = first_environment();
  while (*at != NULL) at++;
  while (*at == NULL) at++;  // unsetenv leaves more of them
  for (ElfW(auxv_t) *row = (void *)at; row->a_type != AT_NULL; row++)
    if (row->a_type == AT_SECURE) return row->a_un.a_val != 0;
  return true;  // not known
}

// Read once, at the start: programs may do with what they find there as they like.
bool mid_os_is_secure(void) {
  enum { UNKNOWN, NO, YES };
  static _Atomic int secure;
  if (atomic_load_explicit(&secure, memory_order_relaxed) == UNKNOWN)
    atomic_store_explicit(&secure, read_secure() ? YES : NO, memory_order_relaxed);
  return atomic_load_explicit(&secure, memory_order_relaxed) == YES;
}

const char *mid_os_environment(const char *name) {
  if (mid_os_is_secure()) return NULL;
  size_t bytes = strlen(name);
  char **at = environ != NULL ? environ : first_environment();
  for (; *at != NULL; at++)
    if (strncmp(*at, name, bytes) == 0 && (*at)[bytes] == '=') return *at + bytes + 1;
  return NULL;
}

size_t mid_os_file_read(const char *path, char *room, size_t bytes) {
  long file = mid_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC), n = 0;
  size_t have = 0;
  while (file >= 0 && have < bytes - 1) {
    n = mid_call(SYS_read, file, room + have, bytes - 1 - have);
    if (n > 0) have += (size_t)n;
    if (n == 0 || (n < 0 && n != -EINTR)) break;
  }
  if (file >= 0) mid_call(SYS_close, file);
  room[have] = 0;
  return have;
}

__attribute__((weak)) int mid_os_file_room(int fd, uint64_t from, uint64_t bytes) {
  long answer;
  do answer = mid_call(SYS_fallocate, fd, 0, from, bytes);
  while (answer == -EINTR);
  return (int)answer;
}

static bool number_at(const char *at, uint64_t *out) {
  at += strspn(at, " \t");
  size_t digits = strspn(at, "0123456789");
  return digits > 0 && mid_text_read_size(at, digits, out);
}

MID_RARELY uint64_t mid_os_mapping_limit(void) {
  char room[32];
  uint64_t n;
  bool read =
      mid_os_file_read("/proc/sys/vm/max_map_count", room, sizeof room) != 0 && number_at(room, &n);
  return read ? n : 65530;  // the kernel's default
}

uint64_t mid_os_address_limit(void) {
  struct rlimit space = {RLIM_INFINITY, 0}, data = {RLIM_INFINITY, 0};
  mid_call(SYS_prlimit64, 0, RLIMIT_AS, NULL, &space);
  mid_call(SYS_prlimit64, 0, RLIMIT_DATA, NULL, &data);
  return mid_min(space.rlim_cur, data.rlim_cur);
}

MID_RARELY bool mid_os_in_break(const void *p) {
  char room[1024];
  uint64_t start = 0;
  if (mid_os_file_read("/proc/self/stat", room, sizeof room) == 0) return false;
  char *at = strrchr(room, ')');  // the name before it may hold anything
  for (int field = 2; at != NULL && field < 47; field++) at = strchr(at + 1, ' ');
  if (at == NULL || !number_at(at, &start)) return false;
  uintptr_t now = (uintptr_t)mid_call(SYS_brk);
  return start != 0 && (uintptr_t)p >= start && (uintptr_t)p < now;
}

static uint64_t kib_after(const char *text, const char *name) {
  uint64_t n = 0;
  const char *at = strstr(text, name);
  return at != NULL && number_at(at + strlen(name), &n) ? n * 1024 : 0;
}

MID_RARELY bool mid_os_resident_read(struct mid_os_resident *out) {
  char room[2048];
  if (mid_os_file_read("/proc/self/smaps_rollup", room, sizeof room) == 0) return false;
  out->rss = kib_after(room, "\nRss:");
  out->anonymous = kib_after(room, "\nAnonymous:");
  out->huge = kib_after(room, "\nAnonHugePages:");
  out->swap = kib_after(room, "\nSwap:");
  (void)mid_os_file_read("/proc/self/status", room, sizeof room);
  out->peak_rss = kib_after(room, "\nVmHWM:");
  return true;
}

uint64_t mid_os_resident_in(const void *base, size_t bytes) {
  unsigned char in[1024];
  uint64_t pages = 0;
  size_t page = mid_os_page_bytes();
  for (size_t done = 0; done < bytes; done += sizeof in * page) {
    size_t part = mid_min(bytes - done, sizeof in * page);
    if (mid_call(SYS_mincore, (char *)(uintptr_t)base + done, part, in) != 0) break;
    for (size_t i = 0; i < part / page; i++) pages += in[i] & 1;
  }
  return pages * page;
}

// ---- cgroups ----

static bool cgroup_number(const char *folder, const char *name, uint64_t *out) {
  char path_room[1200], room[64];
  struct mid_text path = mid_text_open(path_room, sizeof path_room);
  mid_text_add(&path, folder);
  mid_text_add(&path, name);
  return !path.cut && mid_os_file_read(path_room, room, sizeof room) != 0 && number_at(room, out);
}

// File pages that the kernel would drop before it killed: used, but not in the way.
static uint64_t cgroup_spare(const char *folder) {
  char path_room[1200], room[4096];
  struct mid_text path = mid_text_open(path_room, sizeof path_room);
  mid_text_add(&path, folder);
  mid_text_add(&path, "/memory.stat");
  if (path.cut || mid_os_file_read(path_room, room, sizeof room) == 0) return 0;
  const char *name = "\ntotal_inactive_file ", *at = strstr(room, name);  // v1
  if (at == NULL) name = "\ninactive_file ", at = strstr(room, name);
  uint64_t n = 0;
  return at != NULL && number_at(at + strlen(name), &n) ? n : 0;
}

// Go from the process's group up to the root, and keep the one with least room.
static bool cgroup_climb(char *folder, size_t root_bytes, const char *limit_name,
                         const char *used_name, struct mid_os_cgroup *out) {
  bool found = false;
  for (;;) {
    struct mid_os_cgroup here;
    if (cgroup_number(folder, limit_name, &here.limit) && here.limit < 1ull << 60 &&
        cgroup_number(folder, used_name, &here.used)) {
      here.used -= mid_min(here.used, cgroup_spare(folder));
      uint64_t room = here.limit > here.used ? here.limit - here.used : 0;
      if (!found || room < (out->limit > out->used ? out->limit - out->used : 0)) *out = here;
      found = true;
    }
    char *slash = strrchr(folder, '/');
    if (slash == NULL || (size_t)(slash - folder) < root_bytes) return found;
    *slash = 0;
  }
}

// `line` of /proc/self/cgroup is "4:memory:/path" (v1) or "0::/path" (v2).
static bool cgroup_of_line(const char *list, const char *mark, const char *const *roots,
                           const char *limit_name, const char *used_name,
                           struct mid_os_cgroup *out) {
  const char *line = strstr(list, mark);
  if (line == NULL) return false;
  const char *group = line + strlen(mark);
  size_t group_bytes = strcspn(group, "\n");
  for (; *roots != NULL; roots++) {
    char room[1100];
    size_t root_bytes = strlen(*roots);
    if (root_bytes + group_bytes >= sizeof room) continue;
    memcpy(room, *roots, root_bytes);
    memcpy(room + root_bytes, group, group_bytes);
    room[root_bytes + group_bytes] = 0;
    if (group_bytes == 1) room[root_bytes] = 0;  // "/"
    if (cgroup_climb(room, root_bytes, limit_name, used_name, out)) return true;
  }
  return false;
}

MID_RARELY bool mid_os_cgroup_read(struct mid_os_cgroup *out) {
  static const char *const v1[] = {"/sys/fs/cgroup/memory", NULL};
  static const char *const v2[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL};
  char list[4096];
  if (mid_os_file_read("/proc/self/cgroup", list, sizeof list) == 0) return false;
  return cgroup_of_line(list, ":memory:", v1, "/memory.limit_in_bytes", "/memory.usage_in_bytes",
                        out) ||
         cgroup_of_line(list, "0::", v2, "/memory.max", "/memory.current", out);
}
