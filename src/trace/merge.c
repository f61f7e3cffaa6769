// trace/merge.c -- see merge.h.
// SPDX-License-Identifier: MIT
#include "trace/merge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "feed/ring.h"
#include "observe/words.h"
#include "os/os.h"
#include "trace/births.h"
#include "trace/format.h"

struct merge_module {
  uint64_t start, end, offset;
  uint32_t name;
};

// What is kept of a thread from one of its rings to the next.
struct merge_thread {
  uint32_t number;
  struct mid_births_held held;
};

struct mid_merge_process {
  pid_t pid;
  uint64_t parent;
  char command[sizeof((struct mid_ring *)0)->command + 1];
  uint32_t number;  // in the trace; 0: not there yet
  bool ended;
  struct mid_births ledger;
  struct merge_thread **thread;  // by number; NULL: not seen yet
  uint32_t threads;
  struct mid_table stacks;  // rows of the trace, by the numbers of the process
  struct merge_module *module;
  size_t modules;
  uint64_t unloads;  // how often all modules were forgotten
  uint64_t maps_at;  // the tick of the last look at its maps
  struct mid_merge_process *next;
};

struct mid_merge_ring {
  struct mid_merge_process *process;
  uint64_t *word;  // not merged yet: [at, count)
  size_t at, count, room;
  uint64_t time;     // of the event at `at`
  size_t now_words;  // that it has
  struct merge_thread *thread;
  uint64_t site, unloads;  // the last one, and its row
  uint32_t stack;
  bool broken, last, queued;
};

struct mid_merge {
  struct mid_writer *writer;
  struct mid_merge_process *processes;
  pthread_mutex_t lock;  // of `processes`

  struct mid_merge_ring **heap;  // rings with events, the earliest first
  size_t heaped, heap_room;

  // Ring time to ticks: (time - zero) * rate / 2^32.
  uint64_t zero, rate;
  struct timespec zero_at;

  // x: written here, read by who asks for figures; relaxed
  _Atomic uint64_t events, lost, bytes;
  _Atomic int error;
};

// ---- batches ----

struct mid_merge_batch *mid_merge_batch_open(struct mid_merge_batch *spare) {
  struct mid_merge_batch *b = spare != NULL ? spare : calloc(1, sizeof *b);
  if (b == NULL) abort();
  b->words = b->parts = b->ends = 0;
  b->next = NULL;
  b->until = mid_os_ticks() >> MID_RING_TICK_SHIFT;
  return b;
}

void mid_merge_batch_close(struct mid_merge_batch *b) {
  free(b->word);
  free(b->part);
  free(b->ended);
  free(b);
}

static struct mid_merge_part *part_add(struct mid_merge_batch *b, struct mid_merge_part part) {
  b->part = mid_grown(b->part, b->parts, sizeof *b->part);
  b->part[b->parts] = part;
  return &b->part[b->parts++];
}

uint64_t *mid_merge_room(struct mid_merge_batch *b, struct mid_merge_ring *ring, size_t words,
                         uint64_t lost) {
  if (b->room - b->words < words) {
    b->room = 2 * b->room > b->words + words ? 2 * b->room : b->words + words;
    b->word = realloc(b->word, b->room * sizeof *b->word);
    if (b->word == NULL) abort();
  }
  if (words > 0 || lost > 0)
    part_add(b, (struct mid_merge_part){.ring = ring, .words = words, .lost = lost});
  b->words += words;
  return b->word == NULL ? NULL : b->word + b->words - words;
}

void mid_merge_end(struct mid_merge_batch *b, struct mid_merge_ring *ring) {
  part_add(b, (struct mid_merge_part){.ring = ring, .last = true});
}

void mid_merge_exit(struct mid_merge_batch *b, struct mid_merge_process *process) {
  b->ended = mid_grown(b->ended, b->ends, sizeof *b->ended);
  b->ended[b->ends++] = process;
}

// ---- processes and rings ----

struct mid_merge_process *mid_merge_process(struct mid_merge *m, pid_t pid, uint64_t parent,
                                            const char *command) {
  struct mid_merge_process *p = calloc(1, sizeof *p);
  if (p == NULL) abort();
  p->pid = pid;
  p->parent = parent;
  memcpy(p->command, command, sizeof p->command - 1);
  mid_words_tame(p->command);
  pthread_mutex_lock(&m->lock);
  p->next = m->processes;
  m->processes = p;
  pthread_mutex_unlock(&m->lock);
  return p;
}

struct mid_merge_ring *mid_merge_ring(struct mid_merge_process *process) {
  struct mid_merge_ring *r = calloc(1, sizeof *r);
  if (r == NULL) abort();
  r->process = process;
  return r;
}

struct mid_drain_figures mid_merge_figures(const struct mid_merge *m) {
  return (struct mid_drain_figures){
      .events = atomic_load_explicit(&m->events, memory_order_relaxed),
      .lost = atomic_load_explicit(&m->lost, memory_order_relaxed),
      .bytes = atomic_load_explicit(&m->bytes, memory_order_relaxed),
      .error = atomic_load_explicit(&m->error, memory_order_relaxed)};
}

// ---- time ----

static double seconds_since(const struct timespec *then) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

// Twenty milliseconds tell the rate to a few millionths.  They pass while the program starts.
static void know_rate(struct mid_merge *m) {
  double seconds;
  while ((seconds = seconds_since(&m->zero_at)) < 0.02) usleep(1000);
  double times = (double)((mid_os_ticks() >> MID_RING_TICK_SHIFT) - m->zero);
  m->rate = (uint64_t)(seconds * MID_TRACE_TICKS_A_SECOND / times * 4294967296.0);
}

static uint64_t tick_of(const struct mid_merge *m, uint64_t time) {
  if (time <= m->zero) return 0;
  return (uint64_t)(((unsigned __int128)(time - m->zero) * m->rate) >> 32);
}

// ---- where a return address lies ----

static void module_add(struct mid_merge *m, struct mid_merge_process *p, struct merge_module module,
                       const char *name, const struct mid_trace_id *id) {
  p->module = mid_grown(p->module, p->modules, sizeof *p->module);
  module.name = mid_writer_module(m->writer, name, id);
  p->module[p->modules++] = module;
}

// The latest that has it: an address may have been another module's before.
static const struct merge_module *module_of(const struct mid_merge_process *p, uint64_t address) {
  for (size_t i = p->modules; i-- > 0;)
    if (address >= p->module[i].start && address < p->module[i].end) return &p->module[i];
  return NULL;
}

// What was loaded since the process told of its modules.
static void maps_read(struct mid_merge *m, struct mid_merge_process *p) {
  char path[64], line[4096];
  snprintf(path, sizeof path, "/proc/%d/maps", (int)p->pid);
  FILE *maps = fopen(path, "re");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    struct merge_module module = {0};
    char access[8], *name = strchr(line, '/');
    unsigned long start, end, offset;
    if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, access, &offset) != 4) continue;
    if (name == NULL || access[2] != 'x' || module_of(p, start) != NULL) continue;
    name[strcspn(name, "\n")] = 0;
    module.start = start, module.end = end, module.offset = offset;
    module_add(m, p, module, name, &(struct mid_trace_id){0});
  }
  if (maps != NULL) fclose(maps);
}

// The row of a frame at `address` that `caller` called.
static uint32_t stack_make(struct mid_merge *m, struct mid_merge_process *p, uint64_t address,
                           uint32_t caller, uint64_t tick) {
  const struct merge_module *module = module_of(p, address);
  if (module == NULL && tick >= p->maps_at) {
    p->maps_at = tick + MID_TRACE_TICKS_A_SECOND / 10;
    maps_read(m, p);
    module = module_of(p, address);
  }
  if (module == NULL) return mid_writer_stack(m->writer, caller, 0, address);
  return mid_writer_stack(m->writer, caller, module->name,
                          address - module->start + module->offset);
}

static uint32_t stack_told(const struct mid_merge_process *p, uint64_t number) {
  const uint32_t *row = mid_table_find(&p->stacks, number);
  return row == NULL ? 0 : *row;
}

static uint32_t stack_of(struct mid_merge *m, struct mid_merge_ring *r, uint64_t site,
                         uint64_t tick) {
  struct mid_merge_process *p = r->process;
  if (site == r->site && r->unloads == p->unloads) return r->stack;
  r->site = site;
  r->unloads = p->unloads;
  if ((site & MID_RING_IS_STACK) != 0) return r->stack = stack_told(p, site & ~MID_RING_IS_STACK);
  uint32_t *row = mid_table_add(&p->ledger.sites, site);
  if (*row == 0) *row = stack_make(m, p, site, 0, tick);
  return r->stack = *row;
}

// The frames of a stack, the innermost first.  Where it was cut, a frame that is not known called
// the outermost.
static void stack_add(struct mid_merge *m, struct mid_merge_ring *r, const uint64_t *word,
                      size_t words) {
  struct mid_merge_process *p = r->process;
  uint64_t tick = tick_of(m, r->time);
  uint32_t row = 0;
  if ((word[1] & MID_RING_IS_CUT) != 0) row = mid_writer_stack(m->writer, 0, 0, 0);
  for (size_t i = words; i-- > MID_RING_STACK_HEAD;) row = stack_make(m, p, word[i], row, tick);
  *(uint32_t *)mid_table_add(&p->stacks, word[1] & ~MID_RING_IS_CUT) = row;
}

// ---- events ----

static void process_end(struct mid_merge *m, struct mid_merge_process *p) {
  struct mid_trace_event event = {.kind = MID_TRACE_EXIT, .process = p->number};
  if (p->number == 0 || p->ended) return;
  p->ended = true;
  mid_writer_add(m->writer, &event);
}

// What else has its number has called exec.
static void process_begin(struct mid_merge *m, struct mid_merge_process *p) {
  if (p->number != 0) return;
  pthread_mutex_lock(&m->lock);
  for (struct mid_merge_process *other = m->processes; other != NULL; other = other->next)
    if (other->pid == p->pid) process_end(m, other);
  pthread_mutex_unlock(&m->lock);
  p->number = mid_writer_process(m->writer, (uint64_t)p->pid, p->parent, p->command);
  p->ledger = mid_births_open(m->writer, p->number);
  p->stacks = mid_table_open(sizeof(uint32_t));
}

// How many words the event that begins with `word` has; 0: it is none.
static size_t event_words(const uint64_t *word) {
  unsigned op = word[0] & 15, more = word[0] >> MID_RING_ALIGN_SHIFT & 63;
  switch (op) {
    case MID_RING_TAKE:
    case MID_RING_CALLOC:
    case MID_RING_ALIGNED:
    case MID_RING_RESIZED:
      return word[1] >> MID_RING_BLOCK_BITS == MID_RING_SIZE_APART ? 4 : 3;
    case MID_RING_GIVE:
    case MID_RING_THREAD:
      return 3;
    case MID_RING_RESIZING:
      return 2;
    case MID_RING_MODULE:
      return more <= MID_RING_PATH_WORDS ? MID_RING_MODULE_HEAD + more : 0;
    case MID_RING_STACK:
      return MID_RING_STACK_HEAD + more;
    default:
      return 0;
  }
}

static uint64_t address_of(uint64_t word) {
  return (word & (((uint64_t)1 << MID_RING_BLOCK_BITS) - 1)) * 16;
}

static void merge_add_module(struct mid_merge *m, struct mid_merge_ring *r, const uint64_t *word,
                             size_t words) {
  struct mid_merge_process *p = r->process;
  char name[MID_RING_PATH_WORDS * sizeof *word + 1] = {0};
  memcpy(name, word + MID_RING_MODULE_HEAD, (words - MID_RING_MODULE_HEAD) * sizeof *word);
  mid_words_tame(name);
  struct mid_trace_id id = {.bytes = word[4] < sizeof id.at ? (uint8_t)word[4] : sizeof id.at};
  memcpy(id.at, &word[5], id.bytes);
  if (word[2] != 0)
    return module_add(m, p, (struct merge_module){word[1], word[2], word[3], 0}, name, &id);
  p->modules = 0;
  mid_table_close(&p->ledger.sites);
  p->ledger.sites = mid_table_open(sizeof(uint32_t));
  p->unloads++;
}

enum { THREADS_MOST = 1 << 22 };  // the kernel's own limit

static struct merge_thread *merge_thread_of(struct mid_merge_process *p, uint64_t number) {
  if (number >= THREADS_MOST) return NULL;
  if (number >= p->threads) {
    uint32_t count =
        (uint32_t)(number + 1) > 2 * p->threads ? (uint32_t)number + 1 : 2 * p->threads;
    p->thread = realloc(p->thread, count * sizeof *p->thread);
    if (p->thread == NULL) abort();
    memset(p->thread + p->threads, 0, (count - p->threads) * sizeof *p->thread);
    p->threads = count;
  }
  if (p->thread[number] == NULL) {
    if ((p->thread[number] = calloc(1, sizeof(struct merge_thread))) == NULL) abort();
    p->thread[number]->number = (uint32_t)number;
  }
  return p->thread[number];
}

static uint8_t kind_of(unsigned op) {
  return op == MID_RING_TAKE     ? MID_TRACE_MALLOC
         : op == MID_RING_CALLOC ? MID_TRACE_CALLOC
                                 : MID_TRACE_ALIGNED;
}

static void merge_event(struct mid_merge *m, struct mid_merge_ring *r, const uint64_t *word,
                        size_t words) {
  struct mid_merge_process *p = r->process;
  unsigned op = word[0] & 15;
  if (op == MID_RING_THREAD) {
    process_begin(m, p);  // here, so that processes are numbered as they come
    r->thread = merge_thread_of(p, word[1]);
    return;
  }
  if (op == MID_RING_MODULE) return merge_add_module(m, r, word, words);
  if (op == MID_RING_STACK) return stack_add(m, r, word, words);
  if (r->thread == NULL) return;  // its program wrote over the first event
  uint64_t address = address_of(word[1]);
  if (op == MID_RING_RESIZING) return mid_births_lift(&p->ledger, &r->thread->held, address);
  uint64_t tick = tick_of(m, r->time);
  struct mid_trace_event event = {.tick = tick,
                                  .bytes = words == 4 ? word[2] : word[1] >> MID_RING_BLOCK_BITS,
                                  .thread = r->thread->number,
                                  .stack = stack_of(m, r, word[words - 1], tick),
                                  .align = word[0] >> MID_RING_ALIGN_SHIFT & 63};
  if (op == MID_RING_GIVE) return mid_births_free(&p->ledger, &event, address);
  if (op == MID_RING_RESIZED)
    return mid_births_resize(&p->ledger, &event, &r->thread->held, address);
  event.kind = kind_of(op);
  mid_births_birth(&p->ledger, &event, address);
}

// ---- the order ----

// Find the next event of `r`; false when it has none.  What makes no sense ends the ring: its
// program wrote over it.
static bool ring_ready(struct mid_merge_ring *r) {
  if (r->broken || r->at == r->count) return false;
  // Of a ring that is used by a thread after the other, and between processors, time may step back.
  uint64_t time = r->word[r->at] >> MID_RING_TIME_SHIFT;
  if (time > r->time) r->time = time;
  size_t left = r->count - r->at;
  r->now_words = left < 2 ? 0 : event_words(&r->word[r->at]);
  r->broken = r->now_words == 0 || r->now_words > left;
  return !r->broken;
}

static bool ring_is_before(const struct mid_merge_ring *a, const struct mid_merge_ring *b) {
  return a->time < b->time;
}

static void heap_sink(struct mid_merge *m, size_t i) {
  struct mid_merge_ring *moving = m->heap[i];
  for (size_t child; (child = 2 * i + 1) < m->heaped; i = child) {
    if (child + 1 < m->heaped && ring_is_before(m->heap[child + 1], m->heap[child])) child++;
    if (!ring_is_before(m->heap[child], moving)) break;
    m->heap[i] = m->heap[child];
  }
  m->heap[i] = moving;
}

static void heap_add(struct mid_merge *m, struct mid_merge_ring *r) {
  if (m->heaped == m->heap_room) {
    m->heap_room = m->heap_room == 0 ? 16 : 2 * m->heap_room;
    m->heap = realloc(m->heap, m->heap_room * sizeof *m->heap);
    if (m->heap == NULL) abort();
  }
  size_t i = m->heaped++;
  for (; i > 0 && ring_is_before(r, m->heap[(i - 1) / 2]); i = (i - 1) / 2)
    m->heap[i] = m->heap[(i - 1) / 2];
  m->heap[i] = r;
  r->queued = true;
}

static void heap_drop_first(struct mid_merge *m) {
  m->heap[0]->queued = false;
  m->heap[0] = m->heap[--m->heaped];
  if (m->heaped > 0) heap_sink(m, 0);
}

static void ring_free(struct mid_merge_ring *r) {
  free(r->word);
  free(r);
}

// All events of the first ring that come before those of others, and not after `until`.
static void merge_first(struct mid_merge *m, uint64_t until) {
  struct mid_merge_ring *r = m->heap[0];
  for (size_t i = 1; i < 3 && i < m->heaped; i++)
    if (m->heap[i]->time < until) until = m->heap[i]->time;
  bool more;
  do {
    merge_event(m, r, &r->word[r->at], r->now_words);
    r->at += r->now_words;
    more = ring_ready(r);
  } while (more && r->time <= until);
  if (more) return heap_sink(m, 0);
  heap_drop_first(m);
  if (r->last) ring_free(r);
}

static void ring_add(struct mid_merge *m, struct mid_merge_ring *r, const uint64_t *word,
                     size_t count) {
  memmove(r->word, r->word + r->at, (r->count - r->at) * sizeof *word);
  r->count -= r->at;
  r->at = 0;
  if (r->room - r->count < count) {
    r->room = r->count + count;
    r->word = realloc(r->word, r->room * sizeof *word);
    if (r->word == NULL) abort();
  }
  memcpy(r->word + r->count, word, count * sizeof *word);
  r->count += count;
  if (!r->queued && ring_ready(r)) heap_add(m, r);
}

static void take_part(struct mid_merge *m, const struct mid_merge_part *part,
                      const uint64_t *word) {
  if (part->lost > 0) {
    process_begin(m, part->ring->process);
    mid_writer_lost(m->writer, part->ring->process->number, part->lost);
  }
  if (part->words > 0) ring_add(m, part->ring, word, part->words);
  part->ring->last = part->last;
  if (part->last && !part->ring->queued) ring_free(part->ring);
}

static void show_figures(struct mid_merge *m) {
  const struct mid_writer *w = m->writer;
  atomic_store_explicit(&m->events, mid_writer_events(w), memory_order_relaxed);
  atomic_store_explicit(&m->lost, mid_writer_lost_all(w), memory_order_relaxed);
  atomic_store_explicit(&m->bytes, mid_writer_bytes(w), memory_order_relaxed);
  atomic_store_explicit(&m->error, mid_writer_error(w), memory_order_relaxed);
}

void mid_merge_add(struct mid_merge *m, struct mid_merge_batch *b) {
  if (m->rate == 0) know_rate(m);
  const uint64_t *word = b->word;
  for (size_t i = 0; i < b->parts; word += b->part[i++].words) take_part(m, &b->part[i], word);
  while (m->heaped > 0 && m->heap[0]->time <= b->until) merge_first(m, b->until);
  for (size_t i = 0; i < b->ends; i++) process_end(m, b->ended[i]);
  // A ring's last events may come with a later batch's time.
  if (b->until != UINT64_MAX) mid_writer_tick(m->writer, tick_of(m, b->until));
  show_figures(m);
}

// ---- open and close ----

struct mid_merge *mid_merge_open(struct mid_writer *writer) {
  struct mid_merge *m = calloc(1, sizeof *m);
  if (m == NULL) abort();
  m->writer = writer;
  pthread_mutex_init(&m->lock, NULL);
  clock_gettime(CLOCK_MONOTONIC_RAW, &m->zero_at);
  m->zero = mid_os_ticks() >> MID_RING_TICK_SHIFT;
  return m;
}

void mid_merge_close(struct mid_merge *m) {
  for (struct mid_merge_process *p = m->processes, *next; p != NULL; p = next) {
    next = p->next;
    if (p->number != 0) mid_births_close(&p->ledger), mid_table_close(&p->stacks);
    for (uint32_t i = 0; i < p->threads; i++) free(p->thread[i]);
    free(p->thread);
    free(p->module);
    free(p);
  }
  free(m->heap);
  free(m);
}
