// feed/feed_test.c -- the feed file as another process finds it, and what may go wrong around it.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "feed/feed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"
#include "test.h"

// The heap that this program itself may run on writes a feed by the same functions: start again,
// with that turned off.
__attribute__((constructor)) static void start_without_the_heaps_feed(
    __attribute__((unused)) int argc, char **argv) {
  if (getenv("MIDDEN_OPTIONS") != NULL) return;
  setenv("MIDDEN_OPTIONS", "feed=0", 1);
  execv("/proc/self/exe", argv);
  abort();
}

// The kernel's fallocate, or the failure that a test asks for.
static int fallocate_error;
static int fallocate_calls;
int mid_os_file_room(int fd, uint64_t from, uint64_t bytes) {
  fallocate_calls++;
  if (fallocate_error != 0) return -fallocate_error;
  return syscall(SYS_fallocate, fd, 0, from, bytes) == 0 ? 0 : -errno;
}

static const struct mid_feed_class classes[3] = {{16, 65536}, {32, 65536}, {48, 65536}};

// ---- a runtime folder of our own, and what is in it ----

static char runtime[64];

static void runtime_open(void) {
  if (mid_feed_is_open()) fail_msg("the heap has opened the feed: set MIDDEN_OPTIONS=feed=0");
  strcpy(runtime, "/tmp/midden-feed-XXXXXX");
  if (mkdtemp(runtime) == NULL) abort();
  setenv("XDG_RUNTIME_DIR", runtime, 1);
}

static void runtime_close(void) {
  char command[128];
  mid_feed_end(false);
  mid_feed_forget();
  unsetenv("XDG_RUNTIME_DIR");
  snprintf(command, sizeof command, "rm -rf %s", runtime);
  if (system(command) != 0) abort();
}

static bool open_feed(void) { return mid_feed_open(7, 0, classes, 3); }

// When this process was started, in the kernel's words: a number that a dead one had may be ours
// now.
static unsigned long long start_ticks(void) {
  char line[1024] = "";
  unsigned long long ticks = 0;
  FILE *file = fopen("/proc/self/stat", "r");
  if (file == NULL || fgets(line, sizeof line, file) == NULL) abort();
  fclose(file);
  sscanf(strrchr(line, ')') + 2,
         "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
         &ticks);
  return ticks;
}

// Whether this process has a feed in `folder`, and then its path in `path`.
static size_t feeds_in(const char *folder, char path[256]) {
  char where[256];
  snprintf(where, sizeof where, "%s/%d.%llu.feed", folder, (int)getpid(), start_ticks());
  if (access(where, F_OK) != 0) return 0;
  strcpy(path, where);
  return 1;
}

static size_t own_feeds(char path[256]) {
  char where[256];
  snprintf(where, sizeof where, "%s/midden", runtime);
  return feeds_in(where, path);
}

static size_t feeds_anywhere(char path[256]) {
  char shm[64], tmp[64];
  snprintf(shm, sizeof shm, "/dev/shm/midden-%d", (int)geteuid());
  snprintf(tmp, sizeof tmp, "/tmp/midden-%d", (int)geteuid());
  return own_feeds(path) + feeds_in(shm, path) + feeds_in(tmp, path);
}

// ---- a reader that knows only format.h's header, section and field records ----

struct view {
  const char *bytes;
  size_t size;
};

static struct view view_open(const char *path) {
  struct stat s;
  int fd = open(path, O_RDONLY);
  assert_true(fd >= 0 && fstat(fd, &s) == 0);
  struct view v = {mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_SHARED, fd, 0), (size_t)s.st_size};
  close(fd);
  assert_true(v.bytes != MAP_FAILED);
  return v;
}

static struct view view_own(void) {
  char path[256];
  CHECK_EQ(own_feeds(path), 1);
  return view_open(path);
}

static void view_close(struct view v) { munmap((void *)(uintptr_t)v.bytes, v.size); }

static const struct mid_feed_header *view_header(struct view v) { return (const void *)v.bytes; }

static const struct mid_feed_section *view_section(struct view v, const char *name) {
  const struct mid_feed_section *s = (const void *)(v.bytes + view_header(v)->header_bytes);
  for (uint32_t i = 0; i < view_header(v)->sections; i++)
    if (strcmp(s[i].name, name) == 0) return &s[i];
  fail_msg("no section %s", name);
  return NULL;
}

static const struct mid_feed_field *view_field(struct view v, const char *section,
                                               const char *name) {
  const struct mid_feed_section *first = (const void *)(v.bytes + view_header(v)->header_bytes);
  const struct mid_feed_field *f = (const void *)(first + view_header(v)->sections);
  const struct mid_feed_section *in = view_section(v, section);
  for (uint32_t i = 0; i < view_header(v)->fields; i++)
    if (&first[f[i].section] == in && strcmp(f[i].name, name) == 0) return &f[i];
  fail_msg("no field %s in section %s", name, section);
  return NULL;
}

typedef const _Atomic uint64_t view_word;

static view_word *view_at(struct view v, uint64_t at) {
  assert_true(at % 8 == 0 && at + 8 <= v.size);
  return (view_word *)(const void *)(v.bytes + at);
}

static uint64_t view_load(view_word *word) {
  return atomic_load_explicit(word, memory_order_acquire);
}

static uint64_t view_get(struct view v, const char *section, uint64_t record, const char *field) {
  const struct mid_feed_section *s = view_section(v, section);
  assert_true(record < s->records && s->inside == 0);
  return view_load(
      view_at(v, s->offset + record * s->stride + view_field(v, section, field)->offset));
}

static uint64_t view_count(struct view v, uint64_t slot, uint64_t klass, const char *field) {
  const struct mid_feed_section *heap = view_section(v, "heap"), *count = view_section(v, "count");
  assert_true(slot < heap->records && klass < count->records);
  assert_true(
      heap ==
      (const struct mid_feed_section *)(const void *)(v.bytes + view_header(v)->header_bytes) +
          count->inside - 1);
  return view_load(view_at(v, heap->offset + slot * heap->stride + count->offset +
                                  klass * count->stride + view_field(v, "count", field)->offset));
}

// ---- what the file says ----

TEST(a_reader_finds_values_by_name_from_the_file_alone)
{
  runtime_open();
  CHECK(open_feed());
  mid_feed_publish_process(&(struct mid_feed_process){.mapped = 11, .end_span_rss = 12});
  CHECK(mid_feed_place_open() != NULL);
  struct mid_feed_place *place = mid_feed_place_open();
  mid_feed_publish_requests(place, 23);
  mid_feed_publish_heap(place, &(struct mid_feed_heap){.thread = 21, .adopted = 22});
  mid_feed_publish_count(place, 2, &(struct mid_feed_count){.allocated = 31, .asked_bytes = 32});
  struct view v = view_own();
  CHECK_EQ(view_get(v, "process", 0, "mapped"), 11);
  CHECK_EQ(view_get(v, "process", 0, "end_span_rss"), 12);
  CHECK_EQ(view_get(v, "class", 1, "block_bytes"), 32);
  CHECK_EQ(view_get(v, "class", 2, "span_bytes"), 65536);
  CHECK_EQ(view_section(v, "heap")->records, 2);
  CHECK_EQ(view_get(v, "heap", 1, "thread"), 21);
  CHECK_EQ(view_get(v, "heap", 1, "adopted"), 22);
  CHECK_EQ(view_get(v, "heap", 1, "requests"), 23);  // its own writer's
  CHECK_EQ(view_get(v, "heap", 0, "thread"), 0);
  CHECK_EQ(view_count(v, 1, 2, "allocated"), 31);
  CHECK_EQ(view_count(v, 1, 2, "asked_bytes"), 32);
  CHECK_EQ(view_count(v, 1, 1, "allocated"), 0);
  view_close(v);
  runtime_close();
}

TEST(every_field_has_a_unit_and_lies_within_its_record)
{
  runtime_open();
  CHECK(open_feed());
  struct view v = view_own();
  const struct mid_feed_section *first = (const void *)(v.bytes + view_header(v)->header_bytes);
  const struct mid_feed_field *f = (const void *)(first + view_header(v)->sections);
  for (uint32_t i = 0; i < view_header(v)->fields; i++) {
    CHECK(f[i].name[0] != 0 && f[i].name[sizeof f[i].name - 1] == 0);
    CHECK(f[i].unit[0] != 0 && f[i].unit[sizeof f[i].unit - 1] == 0);
    CHECK(f[i].section < view_header(v)->sections);
    CHECK(f[i].offset + 8 <= first[f[i].section].stride);
  }
  CHECK_STR(view_field(v, "process", "mapped")->unit, "bytes");
  CHECK_STR(view_field(v, "process", "map_root")->unit, "address");
  CHECK_STR(view_field(v, "count", "asked_samples")->unit, "calls");
  view_close(v);
  runtime_close();
}

TEST(the_header_names_the_process)
{
  runtime_open();
  CHECK(open_feed());
  struct view v = view_own();
  const struct mid_feed_header *h = view_header(v);
  CHECK(memcmp(h->magic, MID_FEED_MAGIC, 8) == 0);
  CHECK_EQ(h->version, MID_FEED_VERSION);
  CHECK_EQ(h->pid, getpid());
  CHECK_EQ(h->run, 7);
  CHECK(strncmp(h->command, program_invocation_name, strlen(program_invocation_name)) == 0);
  CHECK(h->start_ticks > 0);
  CHECK_EQ(h->start_ticks, start_ticks());
  view_close(v);
  runtime_close();
}

// ---- who may read it ----

TEST(folder_and_file_are_for_the_owner_only)
{
  runtime_open();
  CHECK(open_feed());
  char path[256], folder[128];
  struct stat s;
  CHECK_EQ(own_feeds(path), 1);
  CHECK(stat(path, &s) == 0);
  CHECK_EQ(s.st_mode & 07777, 0600);
  snprintf(folder, sizeof folder, "%s/midden", runtime);
  CHECK(stat(folder, &s) == 0);
  CHECK_EQ(s.st_mode & 07777, 0700);
  runtime_close();
}

TEST(a_folder_that_is_a_symlink_is_not_followed)
{
  runtime_open();
  char link[128], target[128], path[256] = "";
  snprintf(link, sizeof link, "%s/midden", runtime);
  snprintf(target, sizeof target, "%s/elsewhere", runtime);
  CHECK(mkdir(target, 0700) == 0 && symlink(target, link) == 0);
  CHECK(open_feed());
  CHECK_EQ(feeds_in(target, path), 0);
  CHECK_EQ(feeds_anywhere(path), 1);
  runtime_close();
}

TEST(a_folder_that_others_may_enter_is_not_used)
{
  runtime_open();
  char folder[128], path[256] = "";
  snprintf(folder, sizeof folder, "%s/midden", runtime);
  CHECK(mkdir(folder, 0700) == 0 && chmod(folder, 0750) == 0);
  CHECK(open_feed());
  CHECK_EQ(own_feeds(path), 0);
  CHECK_EQ(feeds_anywhere(path), 1);
  runtime_close();
}

TEST(a_relative_runtime_folder_is_not_used)
{
  runtime_open();
  CHECK(chdir(runtime) == 0);  // where nothing else is called midden
  setenv("XDG_RUNTIME_DIR", ".", 1);
  CHECK(open_feed());
  CHECK(access("midden", F_OK) != 0);
  CHECK(chdir("/") == 0);
  runtime_close();
}

// ---- room ----

TEST(slots_grow_and_keep_what_is_in_them)
{
  runtime_open();
  CHECK(open_feed());
  enum { SLOTS = 300 };
  for (uint64_t i = 0; i < SLOTS; i++) {
    struct mid_feed_place *place = mid_feed_place_open();
    CHECK(place != NULL);
    mid_feed_publish_heap(place, &(struct mid_feed_heap){.thread = i, .adopted = ~i});
    for (uint32_t k = 0; k < 3; k++)
      mid_feed_publish_count(place, k,
                             &(struct mid_feed_count){.allocated = i * 3 + k, .asked_bytes = i});
  }
  struct view v = view_own();
  CHECK_EQ(view_section(v, "heap")->records, SLOTS);
  for (uint64_t i = 0; i < SLOTS; i++) {
    CHECK_EQ(view_get(v, "heap", i, "thread"), i);
    CHECK_EQ(view_get(v, "heap", i, "adopted"), ~i);
    for (uint32_t k = 0; k < 3; k++) CHECK_EQ(view_count(v, i, k, "allocated"), i * 3 + k);
  }
  CHECK_EQ(mid_feed_lost(), 0);
  view_close(v);
  runtime_close();
}

TEST(slots_have_cache_lines_of_their_own)
{
  runtime_open();
  CHECK(open_feed());
  struct view v = view_own();
  CHECK_EQ(view_section(v, "heap")->offset % 64, 0);
  CHECK_EQ(view_section(v, "heap")->stride % 64, 0);
  view_close(v);
  runtime_close();
}

// Use up a feed of the most classes, touching all of it; the number of slots that it had.
static uint64_t fill_feed(uint64_t tries) {
  static const struct mid_feed_class many[MID_FEED_CLASSES];
  uint64_t slots = 0;
  if (!mid_feed_open(1, 0, many, MID_FEED_CLASSES)) return 0;
  for (uint64_t i = 0; i < tries; i++) {
    struct mid_feed_place *place = mid_feed_place_open();
    slots += place != NULL;
    mid_feed_publish_heap(place, &(struct mid_feed_heap){.thread = i});
    for (uint32_t k = 0; k < MID_FEED_CLASSES; k++)
      mid_feed_publish_count(place, k, &(struct mid_feed_count){.allocated = i});
  }
  return slots;
}

TEST(when_no_more_room_is_given_slots_are_lost_and_counted)
{
  runtime_open();
  CHECK(open_feed());
  fallocate_error = ENOSPC;
  uint64_t slots = 0;
  for (int i = 0; i < 20; i++) slots += mid_feed_place_open() != NULL;
  CHECK(slots > 0 && slots < 20);
  CHECK_EQ(mid_feed_lost(), 20 - slots);
  fallocate_error = 0;
  CHECK(mid_feed_place_open() != NULL);  // room again: the feed goes on
  runtime_close();
}

TEST(without_room_anywhere_there_is_no_feed_and_nothing_stays_behind)
{
  runtime_open();
  char path[256];
  fallocate_error = ENOSPC;
  CHECK(!open_feed());
  CHECK(!mid_feed_is_open());
  CHECK(mid_feed_place_open() == NULL);
  mid_feed_publish_process(&(struct mid_feed_process){.mapped = 1});
  mid_feed_publish_heap(NULL, &(struct mid_feed_heap){.thread = 1});
  mid_feed_publish_requests(NULL, 1);
  mid_feed_publish_count(NULL, 0, &(struct mid_feed_count){.allocated = 1});
  CHECK_EQ(feeds_anywhere(path), 0);
  fallocate_error = 0;
  runtime_close();
}

TEST(where_fallocate_is_unknown_zeros_are_written)
{
  runtime_open();
  fallocate_error = EOPNOTSUPP;
  fallocate_calls = 0;
  CHECK_EQ(fill_feed(20), 20);
  CHECK(fallocate_calls > 1);
  fallocate_error = 0;
  char path[256];
  struct stat s;
  CHECK_EQ(own_feeds(path), 1);
  CHECK(stat(path, &s) == 0);
  CHECK(s.st_blocks * 512 >= s.st_size);  // no holes
  struct view v = view_own();
  CHECK_EQ(view_get(v, "heap", 19, "thread"), 19);
  view_close(v);
  runtime_close();
}

// Run `body` in a child that `split` makes; its status as wait gives it.
static int in_child_by(pid_t (*split)(void), int (*body)(void)) {
  pid_t child = split();
  if (child == 0) _exit(body());
  int status = -1;
  assert_true(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}

static int in_child(int (*body)(void)) { return in_child_by(fork, body); }

static int under_a_file_limit(void) {
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){1024, 1024});
  return mid_feed_open(7, 0, classes, 3) ? 1 : 0;
}

TEST(a_limit_on_file_sizes_means_no_feed_and_no_signal)
{
  runtime_open();
  CHECK_EQ(in_child(under_a_file_limit), 0);
  runtime_close();
}

enum { NO_MOUNT = 77 };

static void write_file(const char *path, const char *words) {
  int fd = open(path, O_WRONLY);
  if (fd >= 0 && write(fd, words, strlen(words)) < 0) perror(path);
  close(fd);
}

// Mounts of our own: as root at once, else as root of a user namespace.
static bool mount_tmpfs(const char *at, const char *size) {
  char map[64];
  snprintf(map, sizeof map, "0 %d 1", (int)geteuid());
  if (geteuid() == 0 ? unshare(CLONE_NEWNS) : unshare(CLONE_NEWUSER | CLONE_NEWNS)) return false;
  if (geteuid() != 0) write_file("/proc/self/uid_map", map);
  return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount("tmpfs", at, "tmpfs", 0, size) == 0;
}

static void check_beside_tmpfs(int (*body)(void)) {
  runtime_open();
  int status = in_child(body);
  runtime_close();
  if (WIFEXITED(status) && WEXITSTATUS(status) == NO_MOUNT) {
    print_message("skipped: this user may not mount a tmpfs, also not in a user namespace\n");
    skip();
  }
  CHECK_EQ(status, 0);
}

static int on_a_tiny_tmpfs(void) {
  if (!mount_tmpfs(runtime, "size=64k,mode=700")) return NO_MOUNT;
  uint64_t slots = fill_feed(50);
  char path[256];
  struct stat s;
  if (own_feeds(path) != 1 || stat(path, &s) != 0) return 1;
  if (slots < 4 || slots >= 16 || mid_feed_lost() != 50 - slots) return 2;
  return s.st_size <= 65536 ? 0 : 3;
}

TEST(a_tmpfs_of_64_KiB_holds_a_smaller_feed_without_SIGBUS)
{ check_beside_tmpfs(on_a_tiny_tmpfs); }

static int beside_a_full_tmpfs(void) {
  char path[256], link[64];
  struct stat feed, other;
  if (!mount_tmpfs(runtime, "size=64k,mode=700")) return NO_MOUNT;
  if (!open_feed() || own_feeds(path) != 1 || stat(path, &feed) != 0) return 1;
  if (mid_feed_beside(".7.ring", 65536) != -ENOSPC) return 2;
  int fd = mid_feed_beside_or_elsewhere(".7.ring", 65536);
  if (fd < 0 || fstat(fd, &other) != 0 || other.st_dev == feed.st_dev) return 3;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t bytes = readlink(link, path, sizeof path - 1);
  if (bytes < 0) return 4;
  path[bytes] = 0;
  return unlink(path) == 0 && other.st_size == 65536 && (other.st_mode & 077) == 0 ? 0 : 5;
}

TEST(what_a_full_tmpfs_has_no_room_for_goes_to_another_folder)
{ check_beside_tmpfs(beside_a_full_tmpfs); }

// ---- what the program must not notice ----

static size_t open_descriptors(void) {
  size_t count = 0;
  DIR *d = opendir("/proc/self/fd");
  while (readdir(d) != NULL) count++;
  closedir(d);
  return count;
}

TEST(no_descriptor_stays_open)
{
  runtime_open();
  size_t before = open_descriptors();
  CHECK(open_feed());
  for (int i = 0; i < 20; i++) CHECK(mid_feed_place_open() != NULL);
  CHECK_EQ(open_descriptors(), before);
  mid_feed_end(false);
  CHECK_EQ(open_descriptors(), before);
  runtime_close();
}

TEST(errno_is_kept)
{
  runtime_open();
  char folder[128];
  snprintf(folder, sizeof folder, "%s/midden", runtime);
  CHECK(symlink("/nowhere", folder) == 0);  // the first place fails
  errno = 1234;
  CHECK(open_feed());
  fallocate_error = ENOSPC;
  for (int i = 0; i < 20; i++) mid_feed_place_open();
  mid_feed_publish_process(&(struct mid_feed_process){.mapped = 1});
  fallocate_error = 0;
  mid_feed_end(true);
  mid_feed_end(false);
  mid_feed_end(false);  // nothing there any more
  mid_feed_forget();
  CHECK_EQ(errno, 1234);
  runtime_close();
}

static void *use_feed_when_cancelled(void *used) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  pthread_cancel(pthread_self());
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  bool *done = used;
  *done = open_feed();
  for (int i = 0; i < 20; i++) *done = *done && mid_feed_place_open() != NULL;
  return NULL;
}

TEST(a_pending_cancellation_of_the_thread_waits)
{
  runtime_open();
  pthread_t thread;
  bool done = false;
  CHECK_EQ(pthread_create(&thread, NULL, use_feed_when_cancelled, &done), 0);
  pthread_join(thread, NULL);
  CHECK(done);
  runtime_close();
}

// ---- from the first program to the last ----

static int make_own_feed(void) {
  char path[256];
  mid_feed_forget();
  if (mid_feed_is_open() || !open_feed()) return 1;
  mid_feed_publish_process(&(struct mid_feed_process){.mapped = 2});
  mid_feed_place_open();
  mid_feed_end(true);
  return own_feeds(path) == 1 ? 0 : 2;
}

TEST(a_forked_child_makes_its_own_and_leaves_its_parents_alone)
{
  runtime_open();
  CHECK(open_feed());
  mid_feed_publish_process(&(struct mid_feed_process){.mapped = 1});
  CHECK_EQ(in_child(make_own_feed), 0);
  struct view v = view_own();
  CHECK_EQ(view_get(v, "process", 0, "mapped"), 1);
  CHECK_EQ(view_section(v, "heap")->records, 0);
  view_close(v);
  runtime_close();
}

static int end_only(void) {
  mid_feed_end(false);
  return 0;
}

TEST(a_child_that_was_not_told_of_the_fork_does_not_remove_its_parents)
{
  runtime_open();
  char path[256];
  CHECK(open_feed());
  CHECK_EQ(in_child_by(_Fork, end_only), 0);  // calls no handler
  CHECK_EQ(own_feeds(path), 1);
  runtime_close();
}

TEST(the_end_removes_the_file_unless_it_is_kept)
{
  runtime_open();
  char path[256];
  CHECK(open_feed());
  mid_feed_end(true);
  CHECK_EQ(own_feeds(path), 1);
  mid_feed_end(false);
  CHECK_EQ(own_feeds(path), 0);
  mid_feed_publish_process(&(struct mid_feed_process){.mapped = 1});  // still mapped: no crash
  runtime_close();
}

TEST(the_program_after_exec_replaces_the_file_of_the_one_before)
{
  runtime_open();
  CHECK(open_feed());
  mid_feed_publish_process(&(struct mid_feed_process){.mapped = 1});
  struct view before = view_own();
  mid_feed_forget();
  CHECK(open_feed());
  struct view after = view_own();
  CHECK_EQ(view_get(before, "process", 0, "mapped"), 1);
  CHECK_EQ(view_get(after, "process", 0, "mapped"), 0);
  view_close(before);
  view_close(after);
  runtime_close();
}

TEST(a_file_of_another_in_our_place_is_neither_grown_nor_removed)
{
  runtime_open();
  char path[256];
  struct stat s;
  CHECK(open_feed());
  CHECK_EQ(own_feeds(path), 1);
  struct view held = view_open(path);  // so that its inode is not used again
  CHECK(unlink(path) == 0);
  int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
  CHECK(fd >= 0);
  close(fd);
  for (int i = 0; i < 20; i++) mid_feed_place_open();
  CHECK(mid_feed_lost() > 0);
  mid_feed_end(false);
  CHECK(stat(path, &s) == 0);
  CHECK_EQ(s.st_size, 0);
  view_close(held);
  runtime_close();
}

// ---- a writer and a reader at once ----

static _Atomic bool writer_stops;

static void *publish_equal_numbers(__attribute__((unused)) void *none) {
  struct mid_feed_process values;
  for (uint64_t n = 1; !atomic_load(&writer_stops); n++) {
    for (size_t i = 0; i < sizeof values / 8; i++) memcpy((char *)&values + i * 8, &n, 8);
    mid_feed_publish_process(&values);
  }
  return NULL;
}

// The process record, whole: all numbers were published together.
static void read_whole(struct view v, uint64_t *values, size_t count) {
  view_word *sequence = &view_header(v)->sequence;
  view_word *record = view_at(v, view_section(v, "process")->offset);
  uint64_t before, after;
  do {
    before = view_load(sequence);
    for (size_t i = 0; i < count; i++) values[i] = view_load(&record[i]);
    after = view_load(sequence);
  } while (before != after || before % 2 == 1);
}

TEST(a_reader_sees_the_process_record_whole)
{
  runtime_open();
  CHECK(open_feed());
  struct view v = view_own();
  pthread_t writer;
  uint64_t values[sizeof(struct mid_feed_process) / 8], last = 0;
  atomic_store(&writer_stops, false);
  CHECK_EQ(pthread_create(&writer, NULL, publish_equal_numbers, NULL), 0);
  for (int i = 0; i < 20000 || last < 100; i++) {
    read_whole(v, values, sizeof values / 8);
    for (size_t k = 1; k < sizeof values / 8; k++) CHECK_EQ(values[k], values[0]);
    CHECK(values[0] >= last);
    last = values[0];
  }
  atomic_store(&writer_stops, true);
  pthread_join(writer, NULL);
  view_close(v);
  runtime_close();
}

// Two pages, the second closed until it is first written to: what the first held then is seen.
static char *pages;
static size_t page_bytes;
static uint64_t seen_allocated;

static uint64_t *last_word_of_first_page(void) {
  return (uint64_t *)(void *)(pages + page_bytes) - 1;
}

static void open_second_page(__attribute__((unused)) int signal) {
  seen_allocated = *last_word_of_first_page();
  mprotect(pages + page_bytes, page_bytes, PROT_READ | PROT_WRITE);
}

TEST(what_rises_is_published_before_what_falls)
{
  page_bytes = mid_os_page_bytes();
  pages = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(pages != MAP_FAILED && mprotect(pages + page_bytes, page_bytes, PROT_NONE) == 0);
  struct sigaction fault = {.sa_handler = open_second_page}, before;
  CHECK(sigaction(SIGSEGV, &fault, &before) == 0);
  char *allocated = (char *)last_word_of_first_page();  // and freed is the first of the second page
  char *slot = allocated - offsetof(struct mid_feed_slot, count) -
               offsetof(struct mid_feed_count, allocated);
  runtime_open();
  CHECK(open_feed());
  mid_feed_publish_count((struct mid_feed_place *)slot, 0,
                         &(struct mid_feed_count){9, 8, 7, 6, 5, 4, 3, 2});
  runtime_close();
  sigaction(SIGSEGV, &before, NULL);
  CHECK_EQ(seen_allocated, 9);
  CHECK_EQ(last_word_of_first_page()[1], 8);
  munmap(pages, 2 * page_bytes);
}
