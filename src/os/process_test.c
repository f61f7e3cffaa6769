// os/process_test.c -- what os.h tells of the process: figures, cgroup, environment, threads.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "os/os.h"
#include "support.h"
#include "test.h"

static char *map_small_pages(size_t bytes) {
  char *p = mid_os_map(NULL, bytes);
  CHECK(p != NULL);
  CHECK_EQ(madvise(p, bytes, MADV_NOHUGEPAGE), 0);
  return p;
}

// ---- resident figures ----

TEST(resident_pages_are_counted_one_by_one_over_any_length)
{
  size_t page = mid_os_page_bytes(), pages = 2500;  // the kernel is asked for 1024 at a time
  static const size_t touched[] = {0, 1, 1022, 1023, 1024, 1025, 2047, 2048, 2499};
  size_t count = sizeof touched / sizeof *touched;
  char *p = map_small_pages(pages * page);
  CHECK_EQ(mid_os_resident_in(p, pages * page), 0);
  for (size_t i = 0; i < count; i++) {
    p[touched[i] * page] = 1;
    CHECK_EQ(mid_os_resident_in(p, pages * page), (i + 1) * page);
  }
  CHECK_EQ(mid_os_resident_in(p + 1023 * page, 2 * page), 2 * page);
  CHECK_EQ(mid_os_resident_in(p + 2 * page, page), 0);
  mid_os_unmap(p, pages * page);
}

TEST(what_is_not_mapped_is_not_resident_and_errno_stays)
{
  size_t page = mid_os_page_bytes();
  char *p = map_small_pages(page);
  mid_os_unmap(p, page);
  errno = 33;
  CHECK_EQ(mid_os_resident_in(p, page), 0);
  CHECK_EQ(errno, 33);
}

TEST(touched_memory_is_in_the_processs_figures_and_its_peak_outlives_it)
{
  enum { BYTES = 32 << 20 };
  struct mid_os_resident before, during, after;
  CHECK(mid_os_resident_read(&before));
  char *p = map_small_pages(BYTES);
  memset(p, 1, BYTES);
  CHECK(mid_os_resident_read(&during));
  mid_os_unmap(p, BYTES);
  CHECK(mid_os_resident_read(&after));
  size_t most = BYTES / 32;  // what else happens meanwhile
  CHECK(during.rss >= before.rss + BYTES - most);
  CHECK(during.rss <= before.rss + BYTES + most || SANITIZED);  // which keep a shadow of it
  CHECK(during.anonymous >= before.anonymous + BYTES - most);
  CHECK(during.anonymous <= during.rss && during.huge <= during.anonymous);
  CHECK(after.rss + BYTES - most <= during.rss);
  CHECK(after.peak_rss + most >= during.rss);
  CHECK(during.rss >= test_rss_bytes() / 2);
}

// ---- limits ----

TEST_IN_CHILD(the_smaller_of_the_limits_on_address_space_and_data_counts) {
  struct rlimit space = {(rlim_t)8 << 40, RLIM_INFINITY}, data = {(rlim_t)4 << 40, RLIM_INFINITY};
  HOLDS(setrlimit(RLIMIT_AS, &space) == 0 || SANITIZED);
  HOLDS(setrlimit(RLIMIT_DATA, &data) == 0);
  HOLDS(mid_os_address_limit() == (uint64_t)4 << 40);
  data.rlim_cur = RLIM_INFINITY;
  HOLDS(setrlimit(RLIMIT_DATA, &data) == 0);
  HOLDS(mid_os_address_limit() == (uint64_t)8 << 40 || SANITIZED);
  space.rlim_cur = RLIM_INFINITY;
  HOLDS(setrlimit(RLIMIT_AS, &space) == 0);
  HOLDS(mid_os_address_limit() == UINT64_MAX);
  return true;
}

static unsigned long long number_in(const char *path) {
  unsigned long long n = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%llu", &n) != 1) n = 0;
  fclose(file);
  return n;
}

TEST(the_most_mappings_are_the_kernels_figure)
{
  unsigned long long most = number_in("/proc/sys/vm/max_map_count");
  CHECK_EQ(mid_os_mapping_limit(), most != 0 ? most : 65530);
}

// ---- the cgroup ----

// The folder of this process's group that has `file`, "" when there is none.  Version 1 first.
static void group_folder(char *folder, size_t bytes, const char *file) {
  static const char *const roots[] = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup",
                                      "/sys/fs/cgroup/unified"};
  char line[512];
  FILE *list = fopen("/proc/self/cgroup", "r");
  *folder = 0;
  while (list != NULL && fgets(line, sizeof line, list) != NULL) {
    line[strcspn(line, "\n")] = 0;
    char *kind = strchr(line, ':') + 1, *path = strchr(kind, ':') + 1;
    bool memory = strncmp(kind, "memory:", 7) == 0;
    for (int i = memory ? 0 : 1; (memory && i < 1) || (*kind == ':' && i < 3); i++) {
      char name[1024];
      snprintf(name, sizeof name, "%s%s/%s", roots[i], path, file);
      if (access(name, R_OK) == 0) snprintf(folder, bytes, "%s%s", roots[i], path);
    }
  }
  if (list != NULL) fclose(list);
}

TEST(the_cgroup_is_no_wider_than_the_processs_own_and_uses_something)
{
  char folder[512], name[600];
  struct mid_os_cgroup group;
  bool found = mid_os_cgroup_read(&group);
  if (found) CHECK(group.limit > 0 && group.limit < (uint64_t)1 << 60 && group.used > 0);
  static const char *const files[] = {"memory.limit_in_bytes", "memory.max"};
  for (int i = 0; i < 2; i++) {
    group_folder(folder, sizeof folder, files[i]);
    if (*folder == 0) continue;
    snprintf(name, sizeof name, "%s/%s", folder, files[i]);
    unsigned long long limit = number_in(name);  // 0: "max"
    if (limit == 0 || limit >= 1ull << 60) continue;
    CHECK(found);
    // A group above may have less room by a higher limit, but then it uses more.
    CHECK(group.limit <= limit || group.used > limit / 2);
  }
}

// ---- the environment ----

extern char **environ;

TEST(the_environment_is_read_without_libc_as_it_was_at_the_start)
{
  static char start[1 << 17];
  int file = open("/proc/self/environ", O_RDONLY);
  ssize_t bytes = read(file, start, sizeof start - 1);
  close(file);
  CHECK(bytes >= 0);
  char **kept = environ;
  for (char *at = start; at < start + bytes; at += strlen(at) + 1) {
    char name[256];
    size_t name_bytes = strcspn(at, "=");
    if (name_bytes >= sizeof name || at[name_bytes] == 0) continue;
    snprintf(name, sizeof name, "%.*s", (int)name_bytes, at);
    environ = NULL;  // as before libc is ready
    const char *value = mid_os_environment(name);
    environ = kept;
    if (value == NULL || strcmp(value, at + name_bytes + 1) != 0)
      fail_msg("%s is '%s', not '%s'", name, value ? value : "unset", at + name_bytes + 1);
  }
  environ = NULL;
  const char *none = mid_os_environment("MIDDEN_TEST_OF_NO_ONE");
  environ = kept;
  CHECK(none == NULL);
}

TEST(a_variable_is_found_by_its_whole_name_only)
{
  char made_of[][24] = {"MIDDEN=1", "MIDDEN_TEST_LONG=2", "MIDDEN_TEST=3", "MIDDEN_TEST_EMPTY="};
  char *made[] = {made_of[0], made_of[1], made_of[2], made_of[3], NULL};
  char **kept = environ;
  environ = made;
  const char *value = mid_os_environment("MIDDEN_TEST"), *part = mid_os_environment("MIDDEN_T");
  const char *empty = mid_os_environment("MIDDEN_TEST_EMPTY");
  environ = kept;
  CHECK_STR(value, "3");
  CHECK(part == NULL);
  CHECK_STR(empty, "");
}

// ---- threads ----

enum { THREADS = 4 };
static pthread_barrier_t barrier;

struct seen {
  uintptr_t self;
  uint64_t id;
};

static void *look_around(void *with) {
  struct seen *seen = with;
  *seen = (struct seen){mid_os_self(), mid_os_thread_id()};
  pthread_barrier_wait(&barrier);  // all live at once
  return NULL;
}

TEST(each_living_thread_has_a_pointer_and_a_number_of_its_own)
{
  pthread_t thread[THREADS];
  struct seen seen[THREADS + 1] = {{mid_os_self(), mid_os_thread_id()}};
  CHECK_EQ(seen[0].id, getpid());
  CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
  for (int i = 0; i < THREADS; i++)
    CHECK_EQ(pthread_create(&thread[i], NULL, look_around, &seen[i + 1]), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
  pthread_barrier_destroy(&barrier);
  for (int i = 0; i <= THREADS; i++) {
    CHECK(seen[i].self != 0 && seen[i].self % 16 == 0);
    for (int k = 0; k < i; k++) CHECK(seen[i].self != seen[k].self && seen[i].id != seen[k].id);
  }
  CHECK_EQ(mid_os_self(), seen[0].self);
}

static struct mid_lock body_done = {1};
static uint64_t body_thread;
static int body_open_signals;

static void body(void) {
  sigset_t blocked;
  body_thread = mid_os_thread_id();
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  body_open_signals = !sigismember(&blocked, SIGTERM) + !sigismember(&blocked, SIGALRM);
  mid_lock_give(&body_done);
}

TEST(a_thread_of_ours_runs_beside_the_program_and_takes_no_signals_of_it)
{
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  CHECK(mid_os_thread_start(body));
  mid_lock_take(&body_done);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  CHECK(body_thread != 0 && body_thread != mid_os_thread_id());
  CHECK_EQ(body_open_signals, 0);
  for (int i = 1; i < 32; i++) CHECK_EQ(sigismember(&before, i), sigismember(&after, i));
}

// ---- whose code, whose memory ----

// Check every loaded object's code, and count the loaders among them.
static int check_object(struct dl_phdr_info *object, size_t bytes, void *loaders) {
  (void)bytes;
  bool loader = strstr(object->dlpi_name, "/ld-linux") != NULL;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || part->p_memsz == 0) continue;
    const char *at = (const char *)(object->dlpi_addr + part->p_vaddr);
    CHECK_EQ(mid_os_in_loader(at), loader);
    CHECK_EQ(mid_os_in_loader(at + part->p_memsz - 1), loader);
  }
  *(int *)loaders += loader;
  return 0;
}

TEST(only_code_of_the_loader_is_in_the_loader)
{
  int here, loaders = 0;
  dl_iterate_phdr(check_object, &loaders);
  CHECK_EQ(loaders, 1);
  CHECK(!mid_os_in_loader(NULL));
  CHECK(!mid_os_in_loader(&here));
  CHECK(!mid_os_in_loader((void *)UINTPTR_MAX));
}

TEST(only_what_sbrk_gave_is_in_the_break)
{
  static int global;
  int here;
  char *mapped = map_small_pages(4096);
  CHECK(!mid_os_in_break(NULL));
  CHECK(!mid_os_in_break(&here));
  CHECK(!mid_os_in_break(&global));
  CHECK(!mid_os_in_break(mapped));
  CHECK(!mid_os_in_break((void *)UINTPTR_MAX));
  char *start = sbrk(65536);
  CHECK(start != (void *)-1);
  CHECK(mid_os_in_break(start));
  CHECK(mid_os_in_break(start + 65535));
  CHECK(!mid_os_in_break((char *)sbrk(0) + 1));
  mid_os_unmap(mapped, 4096);
}

TEST(random_numbers_differ)
{
  uint64_t some[16], together = 0, apart = 0;
  for (int i = 0; i < 16; i++) {
    some[i] = mid_os_random();
    together |= some[i];
    apart |= some[i] ^ some[0];
    for (int k = 0; k < i; k++) CHECK(some[i] != some[k]);
  }
  CHECK(__builtin_popcountll(together) > 50 && __builtin_popcountll(apart) > 50);
}
