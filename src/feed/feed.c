// feed/feed.c -- the writer of the feed file.
// SPDX-License-Identifier: MIT
//
//   file     | header .. classes | slot 0 .. slot 3 | slot 4 .. slot 7 | ...
//   mapped   |<------------ piece 0 --------------->|<---- piece 1 --->|
//
// A piece is given room in the file before it is mapped, so that touching it never meets a full
// file system (SIGBUS).  Where a piece begins inside a page, that page is mapped by two pieces.
// No descriptor stays open, since programs close and count theirs: to grow, the file is opened
// again by its path and must still be the same file.
//
//   bytes = slots_at + (used + ready) * stride
//
// Everything shared is stored with release and in order: on x86-64 that is a plain store, and a
// reader that loads with acquire needs no fence.
#define _GNU_SOURCE
#include "feed/feed.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "base/text.h"
#include "os/call.h"
#include "os/os.h"

enum {
  FEED_FOLDERS = 3,
  FEED_FIRST_SLOTS = 4,  // in piece 0, and the least in any other
  FEED_GROWTH = 4,       // another piece has 1/4 of the slots so far: at most 1/5 is never used ...
  FEED_PIECES = 48,      // ... and this many hold over 100 000 slots
};

static struct {
  struct mid_feed_header *header;  // at the start of piece 0; NULL: no feed
  uint64_t slots_at, stride;       // of slots in the file
  uint32_t classes;
  uint64_t bytes;        // of the file, that have room
  uint64_t used, ready;  // slots given out, and the rest
  char *next;            // the first of the ready ones
  uint64_t lost;
  uint64_t forked_ticks;
  dev_t device;
  ino_t inode;
  char folder[256], name[48];
  size_t pieces;
  struct feed_piece {
    char *start;
    size_t bytes;
  } piece[FEED_PIECES];
} feed;

_Atomic(_Atomic uint64_t *) mid_feed_recording_at;
// x: set with release once the feed is whole, for those who publish without the lock.
static _Atomic(struct feed_head *) feed_ready;

enum {
  FEED_IN_PROCESS,
  FEED_IN_CLASS,
  FEED_IN_HEAP,
  FEED_IN_COUNT,
  FEED_IN_GC,
  FEED_IN_GC_WORK,
  FEED_IN_GC_PAUSE,
  FEED_IN_GC_WINDOW,
  FEED_IN_GC_LAST,
  FEED_SECTIONS
};

#define FEED_FIELD(where, type, field, unit) {#field, unit, where, offsetof(struct type, field)},
static const struct mid_feed_field feed_fields[] = {
#define X(field, unit, ...) FEED_FIELD(FEED_IN_PROCESS, mid_feed_process, field, unit)
    MID_FEED_PROCESS(X)
#undef X
#define X(field, unit, ...) FEED_FIELD(FEED_IN_CLASS, mid_feed_class, field, unit)
        MID_FEED_CLASS(X)
#undef X
#define X(field, unit, ...) FEED_FIELD(FEED_IN_HEAP, mid_feed_heap, field, unit)
            MID_FEED_HEAP(X)
#undef X
#define X(field, unit, ...) FEED_FIELD(FEED_IN_COUNT, mid_feed_count, field, unit)
                MID_FEED_COUNT(X)
#undef X
#define X(field, unit, ...) FEED_FIELD(FEED_IN_GC, mid_feed_gc, field, unit)
                    MID_FEED_GC(X)
#undef X
#define X(field, unit, ...) FEED_FIELD(FEED_IN_GC_WORK, mid_feed_gc_work, field, unit)
                        MID_FEED_GC_WORK(X)
#undef X
#define X(field, unit, ...) FEED_FIELD(FEED_IN_GC_PAUSE, mid_feed_gc_pause, field, unit)
                            MID_FEED_GC_PAUSE(X)
#undef X
#define X(field, unit, ...) FEED_FIELD(FEED_IN_GC_WINDOW, mid_feed_gc_window, field, unit)
                                MID_FEED_GC_WINDOW(X)
#undef X
#define X(field, unit, ...) FEED_FIELD(FEED_IN_GC_LAST, mid_feed_gc_last, field, unit)
                                    MID_FEED_GC_LAST(X)
#undef X
};

_Static_assert(offsetof(struct mid_feed_heap, requests) + sizeof(uint64_t) ==
                   sizeof(struct mid_feed_heap),
               "mid_feed_publish_heap stores what is before it");

// What stands before the slots.
struct feed_head {
  struct mid_feed_header header;
  struct mid_feed_section section[FEED_SECTIONS];
  struct mid_feed_field field[sizeof feed_fields / sizeof *feed_fields];
  struct mid_feed_process process;
  struct mid_feed_gc gc;
  struct mid_feed_gc_all gc_all;
  struct mid_feed_class klass[];
};

// A fall is published after the rise that came before it.
_Static_assert(
    offsetof(struct mid_feed_count, allocated) < offsetof(struct mid_feed_count, freed) &&
        offsetof(struct mid_feed_count, carved) < offsetof(struct mid_feed_count, dropped) &&
        offsetof(struct mid_feed_count, opened) < offsetof(struct mid_feed_count, closed),
    "feed_store publishes fields in their order");

// ---- the folder ------------------------------------------------------------------------------

// The k-th place that may hold feeds; false when there is no such place.
static bool feed_folder_name(int k, char *room) {
  struct mid_text t = mid_text_open(room, sizeof feed.folder);
  if (k == 0) {
    const char *runtime = mid_os_environment("XDG_RUNTIME_DIR");
    if (runtime == NULL || runtime[0] != '/') return false;
    mid_text_add(&t, runtime);
    mid_text_add(&t, "/midden");
  } else {
    mid_text_add(&t, k == 1 ? "/dev/shm/midden-" : "/tmp/midden-");
    mid_text_number(&t, (uint64_t)mid_call(SYS_geteuid));
  }
  return !t.cut;
}

static int feed_open_at(int folder, const char *path, int how) {
  return (int)mid_call(SYS_openat, folder, path, how | O_NOFOLLOW | O_CLOEXEC, 0600);
}
static void feed_close(int fd) { mid_call(SYS_close, fd); }

// A folder that is ours alone; negative when there is none.
static int feed_folder_open(const char *path, bool make) {
  int fd = feed_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (fd == -ENOENT && make) {
    long made = mid_call(SYS_mkdirat, AT_FDCWD, path, 0700);
    if (made == 0 || made == -EEXIST) fd = feed_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  }
  if (fd < 0) return fd;
  struct stat s;
  if (mid_call(SYS_fstat, fd, &s) == 0 && s.st_uid == (uid_t)mid_call(SYS_geteuid) &&
      (s.st_mode & 077) == 0)
    return fd;
  feed_close(fd);
  return -EPERM;
}

// ---- the file --------------------------------------------------------------------------------

// When this process was started: field 22 of /proc/self/stat; 0 where there is no /proc.  The
// second field, the program's name in parentheses, may itself hold blanks and parentheses.
static uint64_t feed_start_ticks(void) {
  char room[512];
  (void)mid_os_file_read("/proc/self/stat", room, sizeof room);
  const char *at = strrchr(room, ')');
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  uint64_t ticks = 0;
  for (; at != NULL && at[1] >= '0' && at[1] <= '9'; at++)
    ticks = ticks * 10 + (uint64_t)(at[1] - '0');
  return ticks;
}

static void feed_file_name(uint64_t start_ticks) {
  struct mid_text t = mid_text_open(feed.name, sizeof feed.name);
  mid_text_number(&t, (uint64_t)mid_call(SYS_getpid));
  mid_text_add(&t, ".");
  mid_text_number(&t, start_ticks);
  mid_text_add(&t, ".feed");
}

// The feed's name, but for its ending.
static void feed_beside_name(const char *ending, char *room, size_t bytes) {
  struct mid_text name = mid_text_open(room, bytes);
  mid_text_add(&name, feed.name);
  *strrchr(room, '.') = 0;
  name.at = strrchr(room, 0);
  mid_text_add(&name, ending);
}

// And the samples beside it.
static bool feed_file_remove(int folder) {
  char room[sizeof feed.name + 32];
  feed_beside_name(".samples", room, sizeof room);
  mid_call(SYS_unlinkat, folder, room, 0);
  return mid_call(SYS_unlinkat, folder, feed.name, 0) == 0;
}

// What already has this name is of the program that called exec, or of a reused process number.
static int feed_file_create(int folder) {
  const int how = O_RDWR | O_CREAT | O_EXCL;
  int fd = feed_open_at(folder, feed.name, how);
  if (fd == -EEXIST && feed_file_remove(folder)) fd = feed_open_at(folder, feed.name, how);
  return fd;
}

static bool feed_file_is_ours(const struct stat *s) {
  return s->st_dev == feed.device && s->st_ino == feed.inode;
}

MID_RARELY static int feed_file_open(void) {
  int folder = feed_folder_open(feed.folder, false);
  if (folder < 0) return folder;
  int fd = feed_open_at(folder, feed.name, O_RDWR);
  feed_close(folder);
  struct stat s;
  if (fd < 0 || (mid_call(SYS_fstat, fd, &s) == 0 && feed_file_is_ours(&s))) return fd;
  feed_close(fd);
  return -ESTALE;
}

// Room by zeros, where the file system knows no other way.
MID_RARELY static bool feed_file_fill(int fd, uint64_t from, uint64_t to) {
  static const char zeros[512];
  while (from < to) {
    uint64_t most = to - from < sizeof zeros ? to - from : sizeof zeros;
    long n = mid_call(SYS_pwrite64, fd, zeros, most, from);
    if (n > 0)
      from += (uint64_t)n;
    else if (n != -EINTR)
      return false;
  }
  return true;
}

static bool feed_file_grow(int fd, uint64_t from, uint64_t to) {
  struct rlimit most;  // passing it would not only fail, but send SIGXFSZ
  if (mid_call(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &most) != 0 || to > most.rlim_cur)
    return false;
  int answer = mid_os_file_room(fd, from, to - from);
  return answer == 0 || (answer == -EOPNOTSUPP && feed_file_fill(fd, from, to));
}

// Make the file `to` bytes long and map what that adds; NULL where there is no room.
static char *feed_piece_open(int fd, uint64_t to) {
  if (feed.pieces == FEED_PIECES || !feed_file_grow(fd, feed.bytes, to)) return NULL;
  uint64_t in_page = feed.bytes % mid_os_page_bytes(), from = feed.bytes - in_page;
  char *start = mid_call_map(NULL, to - from, PROT_READ | PROT_WRITE, MAP_SHARED, fd, from);
  if (start == NULL) return NULL;
  feed.piece[feed.pieces++] = (struct feed_piece){start, to - from};
  feed.bytes = to;
  return start + in_page;
}

// ---- publishing ------------------------------------------------------------------------------

static void feed_store(void *to, const void *from, size_t bytes) {
  _Atomic uint64_t *word = to;
  const uint64_t *value = from;
  for (size_t i = 0; i < bytes / sizeof *value; i++)
    atomic_store_explicit(&word[i], value[i], memory_order_release);
}

static struct feed_head *feed_head(void) { return (struct feed_head *)feed.header; }

void mid_feed_publish_process(const struct mid_feed_process *values) {
  if (feed.header == NULL) return;
  _Atomic uint64_t *sequence = &feed.header->sequence;
  uint64_t before = atomic_load_explicit(sequence, memory_order_relaxed);
  atomic_store_explicit(sequence, before + 1, memory_order_relaxed);  // feed_store keeps it before
  feed_store(&feed_head()->process, values, sizeof *values);
  atomic_store_explicit(sequence, before + 2, memory_order_release);
}

void mid_feed_publish_heap(struct mid_feed_place *place, const struct mid_feed_heap *values) {
  if (place != NULL) feed_store(place, values, offsetof(struct mid_feed_heap, requests));
}

void mid_feed_publish_requests(struct mid_feed_place *place, uint64_t requests) {
  if (place != NULL)
    feed_store(&((struct mid_feed_slot *)place)->heap.requests, &requests, sizeof requests);
}

void mid_feed_publish_count(struct mid_feed_place *place, uint32_t klass,
                            const struct mid_feed_count *values) {
  MID_ASSERT(place == NULL || klass < feed.classes);
  if (place != NULL)
    feed_store(&((struct mid_feed_slot *)place)->count[klass], values, sizeof *values);
}

void mid_feed_publish_gc(const struct mid_feed_gc *values) {
  struct feed_head *head = atomic_load_explicit(&feed_ready, memory_order_acquire);
  if (head != NULL) feed_store(&head->gc, values, sizeof *values);
}

void mid_feed_publish_gc_all(const struct mid_feed_gc_all *values) {
  struct feed_head *head = atomic_load_explicit(&feed_ready, memory_order_acquire);
  if (head != NULL) feed_store(&head->gc_all, values, sizeof *values);
}

// ---- open, grow, end -------------------------------------------------------------------------

static void feed_write_sections(struct mid_feed_section *section) {
  section[FEED_IN_PROCESS] = (struct mid_feed_section){
      "process", offsetof(struct feed_head, process), sizeof(struct mid_feed_process), 0, 1};
  section[FEED_IN_CLASS] = (struct mid_feed_section){
      "class", offsetof(struct feed_head, klass), sizeof(struct mid_feed_class), 0, feed.classes};
  section[FEED_IN_HEAP] = (struct mid_feed_section){"heap", feed.slots_at, feed.stride, 0, 0};
  section[FEED_IN_COUNT] =
      (struct mid_feed_section){"count", offsetof(struct mid_feed_slot, count),
                                sizeof(struct mid_feed_count), 1 + FEED_IN_HEAP, feed.classes};
#define FEED_SECTION(name, member, records)                           \
  (struct mid_feed_section){name, offsetof(struct feed_head, member), \
                            sizeof(((struct feed_head *)0)->member) / (records), 0, (records)}
  section[FEED_IN_GC] = FEED_SECTION("gc", gc, 1);
  section[FEED_IN_GC_WORK] = FEED_SECTION("gc_work", gc_all.work, 1);
  section[FEED_IN_GC_PAUSE] = FEED_SECTION("gc_pause", gc_all.pause, MID_FEED_PAUSES);
  section[FEED_IN_GC_WINDOW] = FEED_SECTION("gc_window", gc_all.window, MID_FEED_WINDOWS);
  section[FEED_IN_GC_LAST] = FEED_SECTION("gc_last", gc_all.last, MID_FEED_LAST);
#undef FEED_SECTION
}

static void feed_write_command(struct mid_feed_header *h) {
  size_t bytes = mid_os_file_read("/proc/self/cmdline", h->command, sizeof h->command);
  while (bytes > 0 && h->command[bytes - 1] == 0) bytes--;
  for (size_t i = 0; i < bytes; i++)
    if (h->command[i] == 0) h->command[i] = ' ';
}

// The magic goes last: until then a reader finds zeros, a feed that is not there yet.
static void feed_write_head(uint64_t start_ticks, uint64_t run, uint64_t recording,
                            const struct mid_feed_class *classes) {
  struct feed_head *head = feed_head();
  struct mid_feed_header *h = &head->header;
  struct timespec now;
  mid_call(SYS_clock_gettime, CLOCK_REALTIME, &now);
  h->version = MID_FEED_VERSION;
  h->header_bytes = sizeof *h;
  h->sections = FEED_SECTIONS;
  h->fields = sizeof feed_fields / sizeof *feed_fields;
  h->pid = (uint64_t)mid_call(SYS_getpid);
  h->start_ticks = start_ticks;
  h->run = run;
  atomic_store_explicit(&h->recording, recording, memory_order_relaxed);
  h->opened_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  h->forked_ticks = feed.forked_ticks;
  feed_write_command(h);
  feed_write_sections(head->section);
  memcpy(head->field, feed_fields, sizeof feed_fields);
  memcpy(head->klass, classes, feed.classes * sizeof *classes);
  uint64_t magic;
  memcpy(&magic, MID_FEED_MAGIC, sizeof magic);
  feed_store(h->magic, &magic, sizeof magic);
  atomic_store_explicit(&feed_ready, head, memory_order_release);
}

// Slots are whole cache lines, since each has a writer of its own.
static void feed_lay_out(uint32_t class_count) {
  const uint64_t line = 64;
  uint64_t head = sizeof(struct feed_head) + class_count * sizeof(struct mid_feed_class);
  uint64_t slot =
      offsetof(struct mid_feed_slot, count) + class_count * sizeof(struct mid_feed_count);
  feed.classes = class_count;
  feed.slots_at = (head + line - 1) / line * line;
  feed.stride = (slot + line - 1) / line * line;
}

// Make the file and piece 0 in an open folder; nothing stays behind when it fails.
static bool feed_make(int folder) {
  int fd = feed_file_create(folder);
  if (fd < 0) return false;
  struct stat s;
  char *start = NULL;
  if (mid_call(SYS_fstat, fd, &s) == 0)
    start = feed_piece_open(fd, feed.slots_at + FEED_FIRST_SLOTS * feed.stride);
  feed_close(fd);
  if (start == NULL) return feed_file_remove(folder), false;
  feed.device = s.st_dev;
  feed.inode = s.st_ino;
  feed.header = (struct mid_feed_header *)start;
  feed.next = start + feed.slots_at;
  feed.ready = FEED_FIRST_SLOTS;
  return true;
}

MID_RARELY static void feed_hear(const char *sentence) {
  if (mid_feed_last_look() == NULL) return;  // it is another process's
  char *at = feed.header->last_words, *end = at + sizeof feed.header->last_words - 1;
  while (at < end && *sentence != 0 && *sentence != '\n') *at++ = *sentence++;
}

bool mid_feed_open(uint64_t run, uint64_t recording, const struct mid_feed_class *classes,
                   uint32_t class_count) {
  MID_ASSERT(feed.header == NULL && class_count <= MID_FEED_CLASSES);
  if (mid_os_is_secure()) return false;
  uint64_t start_ticks = feed_start_ticks();
  feed_lay_out(class_count);
  feed_file_name(start_ticks);
  for (int k = 0; k < FEED_FOLDERS && feed.header == NULL; k++) {
    int folder = feed_folder_name(k, feed.folder) ? feed_folder_open(feed.folder, true) : -1;
    if (folder < 0) continue;
    if (feed_make(folder)) feed_write_head(start_ticks, run, recording, classes);
    feed_close(folder);
  }
  mid_crime_hears = feed_hear;
  if (feed.header != NULL)
    atomic_store_explicit(&mid_feed_recording_at, &feed.header->recording, memory_order_relaxed);
  return feed.header != NULL;
}

bool mid_feed_is_open(void) { return feed.header != NULL; }
const struct mid_feed_header *mid_feed_header(void) { return feed.header; }

// Open the file of that name in this folder, which is closed then, in the way `how` and give it
// room.
static int feed_beside_in(int folder, const char *ending, int how, uint64_t from, uint64_t bytes) {
  char room[sizeof feed.name + 32];
  feed_beside_name(ending, room, sizeof room);
  int fd = feed_open_at(folder, room, how);
  if (fd >= 0 && !feed_file_grow(fd, from, from + bytes)) {
    if ((how & O_EXCL) != 0) mid_call(SYS_unlinkat, folder, room, 0);
    feed_close(fd);
    fd = -ENOSPC;
  }
  feed_close(folder);
  return fd;
}

static int feed_beside(const char *ending, int how, uint64_t from, uint64_t bytes) {
  int folder = feed.header == NULL ? -ENOENT : feed_folder_open(feed.folder, false);
  return folder < 0 ? folder : feed_beside_in(folder, ending, how, from, bytes);
}

int mid_feed_beside(const char *ending, uint64_t bytes) {
  return feed_beside(ending, O_RDWR | O_CREAT | O_EXCL, 0, bytes);
}

int mid_feed_beside_or_elsewhere(const char *ending, uint64_t bytes) {
  char path[sizeof feed.folder];
  int fd = mid_feed_beside(ending, bytes);
  for (int k = 0; k < FEED_FOLDERS && fd == -ENOSPC; k++) {
    int folder = feed_folder_name(k, path) ? feed_folder_open(path, true) : -1;
    if (folder < 0) continue;
    int other = feed_beside_in(folder, ending, O_RDWR | O_CREAT | O_EXCL, 0, bytes);
    if (other >= 0 || other == -EEXIST) fd = other;
  }
  return fd;
}

int mid_feed_beside_again(const char *ending, uint64_t from, uint64_t bytes) {
  return feed_beside(ending, O_RDWR, from, bytes);
}

MID_RARELY _Atomic uint32_t *mid_feed_last_look(void) {
  // A child that was cloned behind our back still has its parent's feed.
  bool own = feed.header != NULL && feed.header->pid == (uint64_t)mid_call(SYS_getpid);
  return own ? &feed.header->last_look : NULL;
}

MID_RARELY int mid_feed_neighbour(const char *name) {
  int folder = feed_folder_open(feed.folder, false);
  if (folder < 0) return folder;
  int fd = feed_open_at(folder, name, O_RDWR | O_NONBLOCK);
  feed_close(folder);
  return fd;
}

MID_RARELY static void feed_grow(void) {
  int fd = feed_file_open();
  if (fd < 0) return;
  uint64_t more = feed.used / FEED_GROWTH;
  if (more < FEED_FIRST_SLOTS) more = FEED_FIRST_SLOTS;
  char *start = feed_piece_open(fd, feed.bytes + more * feed.stride);
  feed_close(fd);
  if (start == NULL) return;
  feed.next = start;
  feed.ready = more;
}

static struct mid_feed_place *feed_take_slot(void) {
  char *slot = feed.next;
  feed.next += feed.stride;
  feed.ready--;
  feed.used++;
  feed_store(&feed_head()->section[FEED_IN_HEAP].records, &feed.used, sizeof feed.used);
  return (struct mid_feed_place *)slot;
}

struct mid_feed_place *mid_feed_place_open(void) {
  if (feed.header != NULL && feed.ready == 0) {
    feed_grow();
  }
  if (feed.ready > 0) return feed_take_slot();
  feed.lost++;
  return NULL;
}

uint64_t mid_feed_lost(void) { return feed.lost; }

MID_RARELY void mid_feed_forget(void) {
  atomic_store_explicit(&mid_feed_recording_at, NULL, memory_order_relaxed);
  atomic_store_explicit(&feed_ready, NULL, memory_order_relaxed);
  for (size_t i = 0; i < feed.pieces; i++) mid_call_unmap(feed.piece[i].start, feed.piece[i].bytes);
  memset(&feed, 0, sizeof feed);
  feed.forked_ticks = mid_os_ticks();
}

void mid_feed_end(bool keep) {
  // A child that was cloned behind our back still has its parent's file.
  if (feed.header == NULL || keep || feed.header->pid != (uint64_t)mid_call(SYS_getpid)) return;
  int folder = feed_folder_open(feed.folder, false);
  struct stat s;
  if (folder >= 0) {
    if (mid_call(SYS_newfstatat, folder, feed.name, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
        feed_file_is_ours(&s))
      feed_file_remove(folder);
    feed_close(folder);
  }
}
