// trace/drain.c -- see drain.h.
// SPDX-License-Identifier: MIT
#include "trace/drain.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "feed/format.h"
#include "feed/ring.h"
#include "observe/folders.h"
#include "observe/proc.h"
#include "trace/merge.h"
#include "trace/table.h"

// What waits for the merging thread at most: more of it stays in the rings, whose threads wait.
#define QUEUE_MOST ((size_t)256 << 20)

enum {
  LIFE_LOOKS = 32,    // between looks whether a process lives
  LAST_LOOKS = 5000,  // after the end; a millisecond each
};

struct drain_process {
  pid_t pid;
  uint64_t start_ticks, image;
  bool ended, told;
  struct mid_merge_process *merge;
};

struct drain_source {
  struct mid_ring *ring;
  size_t bytes;
  uint64_t tail, lost;
  struct drain_process *process;
  struct mid_merge_ring *merge;
};

struct mid_drain {
  uint64_t recording, looks;
  struct drain_source *source;
  size_t sources, source_room;
  struct drain_process **process;
  size_t processes;
  ino_t stranger[64];  // files that are no rings of ours, the last ones seen
  size_t strangers;
  struct mid_folders_seen seen;
  bool unripe;  // a new file was met that is no ring yet
  struct mid_merge *merge;

  pthread_t thread;
  pthread_mutex_t lock;  // of all below
  pthread_cond_t more;
  struct mid_merge_batch *first, **last;
  struct mid_merge_batch *spare;  // used up; their pages are there already
  size_t queued;                  // bytes
  bool closing;
};

// ---- the merging thread ----

static struct mid_merge_batch *batch_wait(struct mid_drain *d) {
  pthread_mutex_lock(&d->lock);
  while (d->first == NULL && !d->closing) pthread_cond_wait(&d->more, &d->lock);
  struct mid_merge_batch *batch = d->first;
  if (batch != NULL) {
    d->first = batch->next;
    if (d->first == NULL) d->last = &d->first;
  }
  pthread_mutex_unlock(&d->lock);
  return batch;
}

static void *drain_merge(void *self) {
  struct mid_drain *d = self;
  for (struct mid_merge_batch *batch; (batch = batch_wait(d)) != NULL;) {
    size_t bytes = batch->words * sizeof(uint64_t);
    mid_merge_add(d->merge, batch);
    pthread_mutex_lock(&d->lock);
    d->queued -= bytes;
    batch->next = d->spare;
    d->spare = batch;
    pthread_mutex_unlock(&d->lock);
  }
  return NULL;
}

static struct mid_merge_batch *batch_open(struct mid_drain *d) {
  pthread_mutex_lock(&d->lock);
  struct mid_merge_batch *spare = d->spare;
  if (spare != NULL) d->spare = spare->next;
  pthread_mutex_unlock(&d->lock);
  return mid_merge_batch_open(spare);
}

static size_t queue_room(struct mid_drain *d) {
  pthread_mutex_lock(&d->lock);
  size_t room = d->queued < QUEUE_MOST ? QUEUE_MOST - d->queued : 0;
  pthread_mutex_unlock(&d->lock);
  return room;
}

static void queue_add(struct mid_drain *d, struct mid_merge_batch *batch) {
  pthread_mutex_lock(&d->lock);
  d->queued += batch->words * sizeof(uint64_t);
  *d->last = batch;
  d->last = &batch->next;
  pthread_cond_signal(&d->more);
  pthread_mutex_unlock(&d->lock);
}

// ---- finding rings ----

static struct drain_process *drain_process_of(struct mid_drain *d, const struct mid_feed_file *file,
                                              const struct mid_ring *ring) {
  for (size_t i = d->processes; i-- > 0;)
    if (d->process[i]->image == ring->image && d->process[i]->pid == file->pid)
      return d->process[i];
  struct drain_process *p = calloc(1, sizeof *p);
  if (p == NULL) abort();
  p->pid = file->pid;
  p->start_ticks = file->start_ticks;
  p->image = ring->image;
  p->merge = mid_merge_process(d->merge, file->pid, ring->parent, ring->command);
  d->process = mid_grown(d->process, d->processes, sizeof(struct drain_process *));
  return d->process[d->processes++] = p;
}

// Whether what is mapped is whole: the numbers are read once, as the process may change them.
static bool ring_fits(const struct mid_ring *ring, size_t bytes, uint64_t *words) {
  *words = ring->words;
  return ring->version == MID_RING_VERSION && *words > 0 && (*words & (*words - 1)) == 0 &&
         *words == (bytes - MID_RING_HEAD_BYTES) / sizeof(uint64_t);
}

static bool is_ours(struct mid_drain *d, const struct mid_ring *ring, size_t bytes) {
  uint64_t words;
  return ring->recording == d->recording && ring_fits(ring, bytes, &words);
}

static void source_add(struct mid_drain *d, const struct mid_feed_file *file, struct mid_ring *ring,
                       size_t bytes) {
  if (d->sources == d->source_room) {
    d->source_room = d->source_room == 0 ? 16 : 2 * d->source_room;
    d->source = realloc(d->source, d->source_room * sizeof *d->source);
    if (d->source == NULL) abort();
  }
  struct drain_process *p = drain_process_of(d, file, ring);
  d->source[d->sources++] = (struct drain_source){
      .ring = ring, .bytes = bytes, .process = p, .merge = mid_merge_ring(p->merge)};
}

static bool is_stranger(const struct mid_drain *d, ino_t inode) {
  for (size_t i = 0; i < sizeof d->stranger / sizeof *d->stranger; i++)
    if (d->stranger[i] == inode) return true;
  return false;
}

// Map the ring, whose file goes at once: nobody else needs its name.
static void ring_take(struct mid_drain *d, const struct mid_feed_file *file, int fd,
                      const struct stat *s) {
  bool is_new = time(NULL) - s->st_mtime < 2;
  d->unripe |= is_new && s->st_size <= MID_RING_HEAD_BYTES;
  if (s->st_size <= MID_RING_HEAD_BYTES) return;
  size_t bytes = (size_t)s->st_size;
  struct mid_ring *ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) return;
  bool whole = atomic_load_explicit(&ring->xmagic, memory_order_acquire) == MID_RING_MAGIC;
  if (whole && is_ours(d, ring, bytes)) {
    unlinkat(file->folder, file->name, 0);
    return source_add(d, file, ring, bytes);
  }
  size_t places = sizeof d->stranger / sizeof *d->stranger;
  if (whole) d->stranger[d->strangers++ % places] = s->st_ino;
  d->unripe |= is_new && !whole;
  munmap(ring, bytes);
}

static void visit_ring(void *self, const struct mid_feed_file *file) {
  struct mid_drain *d = self;
  struct stat s;
  if (fstatat(file->folder, file->name, &s, AT_SYMLINK_NOFOLLOW) != 0 || is_stranger(d, s.st_ino))
    return;
  int fd = mid_feed_file_open_to_write(file);
  if (fd < 0) return;
  if (fstat(fd, &s) == 0) ring_take(d, file, fd, &s);
  close(fd);
}

// ---- taking what they hold ----

static uint64_t ring_words(const struct drain_source *s) {
  return (s->bytes - MID_RING_HEAD_BYTES) / sizeof(uint64_t);
}

// Copy the words of `s` behind the batch's; at most `room`.  A head that cannot be is of a program
// that wrote over its ring: nothing more is taken.
static void source_take(struct drain_source *s, struct mid_merge_batch *batch, uint64_t room) {
  uint64_t words = ring_words(s), head;
  head = atomic_load_explicit(&s->ring->xhead, memory_order_acquire);
  uint64_t count = head - s->tail,
           lost = atomic_load_explicit(&s->ring->xlost, memory_order_relaxed);
  if (count > words) return;
  // An event must not be cut in two: of a ring that has more than there is room for, none is taken.
  if (count > room) count = 0;
  uint64_t from = s->tail & (words - 1), part = words - from < count ? words - from : count;
  uint64_t *to = mid_merge_room(batch, s->merge, count, lost - s->lost);
  const char *at = (const char *)s->ring + MID_RING_HEAD_BYTES;
  if (count > 0) memcpy(to, at + from * sizeof *to, part * sizeof *to);
  if (count > part) memcpy(to + part, at, (count - part) * sizeof *to);
  s->lost = lost;
  s->tail += count;
  atomic_store_explicit(&s->ring->xtail, s->tail, memory_order_release);
}

static void note_ends(struct mid_drain *d) {
  for (size_t i = 0; i < d->processes; i++)
    if (!d->process[i]->ended)
      d->process[i]->ended = !mid_proc_lives(d->process[i]->pid, d->process[i]->start_ticks);
}

static bool source_has_ended(const struct drain_source *s, bool closed) {
  if (!closed && !s->process->ended) return false;
  uint64_t left = atomic_load_explicit(&s->ring->xhead, memory_order_acquire) - s->tail;
  return left == 0 || left > ring_words(s);
}

static void take_all(struct mid_drain *d, struct mid_merge_batch *batch, size_t room) {
  size_t kept = 0;
  for (size_t i = 0; i < d->sources; i++) {
    struct drain_source *s = &d->source[i];
    bool closed = atomic_load_explicit(&s->ring->xclosed, memory_order_acquire) != 0;
    source_take(s, batch, room > batch->words ? room - batch->words : 0);
    if (source_has_ended(s, closed)) {
      mid_merge_end(batch, s->merge);
      munmap(s->ring, s->bytes);
    } else {
      d->source[kept++] = *s;
    }
  }
  d->sources = kept;
}

static bool has_rings(const struct mid_drain *d, const struct drain_process *p) {
  for (size_t i = 0; i < d->sources; i++)
    if (d->source[i].process == p) return true;
  return false;
}

static void tell_ends(struct mid_drain *d, struct mid_merge_batch *batch) {
  for (size_t i = 0; i < d->processes; i++) {
    struct drain_process *p = d->process[i];
    if (!p->ended || p->told || has_rings(d, p)) continue;
    p->told = true;
    mid_merge_exit(batch, p->merge);
  }
}

bool mid_drain_look(struct mid_drain *d) {
  size_t room = queue_room(d) / sizeof(uint64_t);
  if (room == 0) return true;
  if (d->looks++ % LIFE_LOOKS == 0) note_ends(d);
  struct mid_merge_batch *batch = batch_open(d);
  if (d->unripe) d->seen = (struct mid_folders_seen){0};
  d->unripe = false;
  mid_folders_walk_rings(visit_ring, d, &d->seen);
  take_all(d, batch, room);
  tell_ends(d, batch);
  bool any = batch->words > 0;
  queue_add(d, batch);
  return any;
}

// ---- open and close ----

struct mid_drain *mid_drain_open(uint64_t recording, struct mid_writer *writer) {
  struct mid_drain *d = calloc(1, sizeof *d);
  if (d == NULL) abort();
  d->recording = recording;
  d->last = &d->first;
  d->merge = mid_merge_open(writer);
  pthread_mutex_init(&d->lock, NULL);
  pthread_cond_init(&d->more, NULL);
  if (pthread_create(&d->thread, NULL, drain_merge, d) != 0) abort();
  return d;
}

struct mid_drain_figures mid_drain_figures(const struct mid_drain *d) {
  struct mid_drain_figures f = mid_merge_figures(d->merge);
  f.processes = (uint32_t)d->processes;
  return f;
}

struct mid_drain_figures mid_drain_close(struct mid_drain *d) {
  // Two looks without anything, unless a process that was not told to stop goes on for ever.
  for (int looks = 0, idle = 0; idle < 2 && looks < LAST_LOOKS; looks++) {
    idle = mid_drain_look(d) ? 0 : idle + 1;
    usleep(1000);
  }
  struct mid_merge_batch *end = batch_open(d);
  end->until = UINT64_MAX;  // nobody adds what would have to come before
  note_ends(d);
  for (size_t i = 0; i < d->sources; i++) mid_merge_end(end, d->source[i].merge);
  for (size_t i = 0; i < d->sources; i++) munmap(d->source[i].ring, d->source[i].bytes);
  d->sources = 0;
  tell_ends(d, end);
  queue_add(d, end);
  pthread_mutex_lock(&d->lock);
  d->closing = true;
  pthread_cond_signal(&d->more);
  pthread_mutex_unlock(&d->lock);
  pthread_join(d->thread, NULL);
  struct mid_drain_figures figures = mid_drain_figures(d);
  mid_merge_close(d->merge);
  for (struct mid_merge_batch *b = d->spare, *next; b != NULL; b = next) {
    next = b->next;
    mid_merge_batch_close(b);
  }
  for (size_t i = 0; i < d->processes; i++) free(d->process[i]);
  free(d->process);
  free(d->source);
  free(d);
  return figures;
}

// ---- asking ----

struct drain_asked {
  uint64_t recording;
  pid_t pid;
  bool on;
  int count;
};

static void visit_feed(void *self, const struct mid_feed_file *file) {
  struct drain_asked *asked = self;
  struct mid_feed_header h;
  uint64_t ours = asked->recording * 2 + 1, word = asked->on ? ours : ours - 1;
  if (asked->pid != 0 && file->pid != asked->pid) return;
  int fd = mid_feed_file_open_to_write(file);
  if (fd < 0) return;
  bool fits = pread(fd, &h, sizeof h, 0) == sizeof h &&
              memcmp(h.magic, MID_FEED_MAGIC, sizeof h.magic) == 0 &&
              h.version == MID_FEED_VERSION && h.header_bytes >= sizeof h &&
              mid_proc_lives(file->pid, file->start_ticks);
  if (fits && (asked->pid != 0 || h.recording == ours) &&
      pwrite(fd, &word, sizeof word, offsetof(struct mid_feed_header, recording)) == sizeof word)
    asked->count++;
  close(fd);
}

int mid_drain_ask(uint64_t recording, pid_t pid, bool on) {
  struct drain_asked asked = {recording, pid, on, 0};
  mid_folders_walk(visit_feed, &asked);
  return asked.count;
}

static void discard_ring(void *self, const struct mid_feed_file *file) {
  const uint64_t *recording = self;
  struct mid_ring ring;
  int fd = mid_feed_file_open(file);
  if (fd < 0) return;
  bool ours = pread(fd, &ring, sizeof ring, 0) == sizeof ring && ring.recording == *recording;
  close(fd);
  if (ours) unlinkat(file->folder, file->name, 0);
}

void mid_drain_discard(uint64_t recording) {
  mid_drain_ask(recording, 0, false);
  mid_folders_walk_rings(discard_ring, &recording, NULL);
}
