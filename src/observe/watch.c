// observe/watch.c -- see watch.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "observe/watch.h"

#include <limits.h>
#include <linux/futex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/text.h"
#include "feed/bell.h"
#include "observe/diagnosis.h"
#include "observe/figures.h"
#include "observe/folders.h"
#include "observe/stacks.h"
#include "observe/words.h"

// A feed that was opened and belongs to another run, or to none.
struct mid_feed_stranger {
  pid_t pid;
  uint64_t start_ticks;
};

static double now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double mid_watch_seconds(const struct mid_watch *watch) { return now_seconds() - watch->opened; }

// Room for one more in an array that doubles; without memory for that the command cannot go on.
static void *array_grow(void *array, size_t count, size_t each) {
  if ((count & (count - 1)) != 0) return array;
  void *more = realloc(array, (count == 0 ? 1 : 2 * count) * each);
  if (more == NULL) abort();
  return more;
}

static struct mid_process *watch_add(struct mid_watch *w, pid_t pid, uint64_t start_ticks) {
  w->process = array_grow(w->process, w->count, sizeof *w->process);
  struct mid_process *p = calloc(1, sizeof *p);
  if (p == NULL) abort();
  p->pid = pid;
  p->start_ticks = start_ticks;
  p->began = p->seen = p->rate_at = mid_watch_seconds(w);
  if (w->count > 0) p->began -= mid_proc_age(start_ticks);  // the first was started just now
  p->lives = true;
  return w->process[w->count++] = p;
}

static struct mid_process *watch_find(struct mid_watch *w, pid_t pid, uint64_t start_ticks) {
  for (size_t i = w->count; i-- > 0;)
    if (w->process[i]->pid == pid && w->process[i]->start_ticks == start_ticks)
      return w->process[i];
  return NULL;
}

void mid_watch_open(struct mid_watch *w, uint64_t run, pid_t first, char *const *words) {
  *w = (struct mid_watch){.run = run, .opened = now_seconds()};
  struct mid_proc_stat s = {0};
  mid_proc_stat_read(first, &s);
  struct mid_process *p = watch_add(w, first, s.start_ticks);
  p->met = true;
  struct mid_text t = mid_text_open(p->command, sizeof p->command);
  for (; *words != NULL; words++) {
    mid_text_add(&t, t.at == t.start ? "" : " ");
    mid_text_add(&t, *words);
  }
  mid_words_tame(p->command);
}

bool mid_watch_attach(struct mid_watch *w, pid_t pid) {
  struct mid_proc_stat s;
  if (!mid_proc_stat_read(pid, &s) || s.state == 'Z') return false;
  mid_watch_open(w, 0, pid, (char *[]){NULL});
  struct mid_process *p = w->process[0];
  mid_proc_command(pid, p->command, sizeof p->command);
  p->began -= mid_proc_age(p->start_ticks);
  return true;
}

static void forget_profile(struct mid_process *p) {
  mid_diagnosis_forget(p);
  if (p->profile != NULL) mid_profile_close(p->profile);
  free(p->profile);
  mid_history_close(p->history);
  p->profile = NULL;
  p->history = NULL;
}

void mid_watch_close(struct mid_watch *w) {
  for (size_t i = 0; i < w->count; i++) {
    forget_profile(w->process[i]);
    free(w->process[i]->near);
    mid_owners_close(&w->process[i]->owners);
    mid_maps_close(&w->process[i]->maps.before);
    mid_maps_close(&w->process[i]->maps.last);
    free(w->process[i]);
  }
  free(w->process);
  free(w->stranger);
  mid_feed_room_close(&w->feed_room);
  *w = (struct mid_watch){0};
}

// ---- one process --------------------------------------------------------------------------------

// Half a second is long enough for counts that come with refills to be steady.
static void note_rate(struct mid_process *p, double now) {
  double seconds = now - p->rate_at;
  if (seconds < 0.5) return;
  uint64_t count = mid_image_allocations(&p->image);
  p->rate = count > p->rate_count ? (double)(count - p->rate_count) / seconds : 0;
  if (p->rate > p->peak_rate) p->peak_rate = p->rate;
  p->rate_at = now;
  p->rate_count = count;
}

// A process that did not reach its exit is told as it was when its memory was last seen: what its
// feed said after that belongs to another time.
static bool is_too_late(const struct mid_process *p, const struct mid_feed_image *image) {
  return !p->lives && !image->process.ended && p->memory.rss > 0 && p->has_feed &&
         p->image.opened_ns == image->opened_ns;
}

static void note_feed(struct mid_process *p, const struct mid_feed_image *image, double now) {
  if (p->has_feed && image->opened_ns != p->image.opened_ns) {  // exec: counts begin anew
    p->rate_count = 0;
    p->rate_at = now;
    p->peak_live = 0;
    forget_profile(p);
  }
  p->peak_live = mid_max(p->peak_live, mid_image_live(image));
  p->peak_rss = mid_max(p->peak_rss, image->process.end_rss);
  p->peak_rss = mid_max(p->peak_rss, image->process.end_peak_rss);
  memcpy(p->image.last_words, image->last_words, sizeof p->image.last_words);
  if (is_too_late(p, image)) return;
  p->has_feed = true;
  p->image = *image;
  memcpy(p->command, image->command, sizeof p->command);
  note_rate(p, now);
}

// What is neither the heap's nor a file's.
static double anonymous_outside(const struct mid_process *p) {
  const struct mid_feed_process *feed = &p->image.process;
  bool final = feed->ended && feed->end_rss > 0;
  uint64_t anonymous = final ? feed->end_anonymous : p->memory.anonymous;
  uint64_t ours = feed->metadata + (final ? feed->end_span_rss : feed->used + feed->dirty);
  return anonymous > ours ? (double)(anonymous - ours) : 0;
}

static struct mid_history_look look_of(const struct mid_process *p, double now) {
  struct mid_figures f;
  mid_figures_make(p, &f);
  return (struct mid_history_look){.when = now - p->began,
                                   .work = (double)mid_image_allocated_bytes(&p->image),
                                   .live = (double)f.live,
                                   .held = (double)(f.live + f.free_blocks + f.uncarved),
                                   .free = (double)f.free_blocks,
                                   .rss = (double)f.resident,
                                   .outside = anonymous_outside(p)};
}

static bool read_profile(struct mid_process *p, const struct mid_feed_file *file) {
  struct mid_profile profile;
  int fd = mid_feed_file_open_samples(file);
  if (fd < 0) return false;
  const char *wrong = mid_profile_read(fd, &profile);
  close(fd);
  if (wrong != NULL) return false;  // it may be in the midst of its first page
  if (p->profile == NULL) p->profile = calloc(1, sizeof *p->profile);
  if (p->profile == NULL) abort();
  mid_diagnosis_forget(p);
  mid_profile_close(p->profile);
  *p->profile = profile;
  return true;
}

static double processor_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// `file` NULL: it has no feed.  What is said of a dead process is its last word; while it lives the
// samples, which may be many, are read as often as a hundredth of the time allows.
static void note_profile(const struct mid_watch *w, struct mid_process *p,
                         const struct mid_feed_file *file) {
  double now = mid_watch_seconds(w), before = processor_seconds();
  struct mid_history_look look = look_of(p, p->lives ? now : p->ended);
  if (p->stood > 0) look.when = fmin(look.when, p->stood - p->began);
  bool wanted = file != NULL && (!p->lives || now >= p->profile_next);
  if (p->history == NULL) p->history = mid_history_open();
  mid_history_add(p->history, &look, wanted && read_profile(p, file) ? p->profile : NULL);
  if (wanted) p->profile_next = now + (now < 1 ? 10 : 100) * (processor_seconds() - before);
}

// The kernel walks the whole of a process for its huge pages, with its address space locked: that
// may cost a hundredth of the time.
static void note_huge(const struct mid_watch *w, struct mid_process *p) {
  double before = mid_watch_seconds(w);
  if (before < p->huge_next) return;
  mid_proc_huge_read(p->pid, &p->huge);
  double after = mid_watch_seconds(w);
  p->huge_next = after + 0.5 + 100 * (after - before);
}

// So may looking for deep stacks, whose threads may end soon.  It is held against the processor
// time that it takes: on a busy machine a look of 0.2 ms lasts 10 ms, and the next came after a
// second.
static void note_stacks(const struct mid_watch *w, struct mid_process *p) {
  struct mid_near_stacks near = {0};
  double now = mid_watch_seconds(w), before = processor_seconds();
  if (now < p->stacks_next) return;
  if (p->near != NULL) near = *p->near;
  mid_stacks_look(p->pid, &near);
  if (near.count > 0) {
    if (p->near == NULL) p->near = malloc(sizeof *p->near);
    if (p->near == NULL) abort();
    *p->near = near;
  }
  p->stacks_next = now + 0.1 + 100 * (processor_seconds() - before);
}

// And so may what is mapped.
static void note_maps(struct mid_watch *w, struct mid_process *p) {
  double before = mid_watch_seconds(w), spent = processor_seconds();
  if (before < p->maps.next) return;
  mid_maps_look(&p->maps, p->pid, before);
  double after = mid_watch_seconds(w), due = after + 100 * (after - before);
  if (p->maps.next < due) p->maps.next = due;
  w->spent -= processor_seconds() - spent;  // it has a hundredth of the time of its own
}

static void note_kernel(struct mid_watch *w, struct mid_process *p) {
  struct mid_proc_stat s;
  struct mid_proc_memory memory;
  if (!p->lives || p->looked == w->looks) return;
  p->looked = w->looks;
  double now = mid_watch_seconds(w);
  bool known = mid_proc_stat_read(p->pid, &s) && s.start_ticks == p->start_ticks;
  if (known) p->cpu_seconds = s.cpu_seconds;
  if (!known || s.ended) {
    p->lives = false;
    p->ended = now;
    return;
  }
  p->met = true;
  p->peak_threads = mid_max(p->peak_threads, s.threads);
  p->major_faults = s.major_faults;
  if (!mid_proc_memory_read(p->pid, &memory)) return;
  p->memory = memory;
  p->peak_rss = mid_max(p->peak_rss, memory.peak_rss);
  p->seen = now;
  if (w->limit > 0 && memory.rss > w->limit / 10 * 8) p->oom_score = mid_proc_oom_score(p->pid);
  note_huge(w, p);
  note_stacks(w, p);
  note_maps(w, p);
}

// ---- feeds --------------------------------------------------------------------------------------

static bool stranger_is_before(const struct mid_feed_stranger *s,
                               const struct mid_feed_file *file) {
  return s->pid != file->pid ? s->pid < file->pid : s->start_ticks < file->start_ticks;
}

// Where it stands among the strangers, or would: they are in order, since there may be thousands,
// and each look asks for all of them.
static size_t stranger_place(const struct mid_watch *w, const struct mid_feed_file *file) {
  size_t first = 0, end = w->strangers;
  while (first < end) {
    size_t middle = first + (end - first) / 2;
    if (stranger_is_before(&w->stranger[middle], file))
      first = middle + 1;
    else
      end = middle;
  }
  return first;
}

static bool is_stranger(const struct mid_watch *w, const struct mid_feed_file *file) {
  size_t at = stranger_place(w, file);
  return at < w->strangers && w->stranger[at].pid == file->pid &&
         w->stranger[at].start_ticks == file->start_ticks;
}

static void add_stranger(struct mid_watch *w, const struct mid_feed_file *file) {
  size_t at = stranger_place(w, file);
  w->stranger = array_grow(w->stranger, w->strangers, sizeof *w->stranger);
  memmove(&w->stranger[at + 1], &w->stranger[at], (w->strangers++ - at) * sizeof *w->stranger);
  w->stranger[at] = (struct mid_feed_stranger){file->pid, file->start_ticks};
}

// Whether it is of another run, by its header alone; false too where it is not whole yet.
static bool turned_away(struct mid_watch *w, const struct mid_feed_file *file) {
  struct mid_feed_header h;
  int fd = mid_feed_file_open(file);
  if (fd < 0) return false;
  bool whole = pread(fd, &h, sizeof h, 0) == sizeof h &&
               memcmp(h.magic, MID_FEED_MAGIC, sizeof h.magic) == 0;
  close(fd);
  if (!whole || h.run == w->run) return false;
  add_stranger(w, file);
  return true;
}

static bool read_feed(struct mid_watch *w, const struct mid_feed_file *file,
                      struct mid_feed_image *image) {
  int fd = mid_feed_file_open(file);
  if (fd < 0) return false;
  bool ok = mid_feed_read(fd, &w->feed_room, image) == NULL;
  close(fd);
  return ok;
}

// A run may be of thousands of compilers, whose profiles have a MiB or so each: of the dead, the
// first ones keep theirs, and some more of those that lost blocks.
static void bound_what_is_kept(struct mid_watch *w, struct mid_process *p) {
  enum { KEPT = 64, KEPT_FOR_LOSSES = 256 };
  bool lost = p->facts != NULL && p->facts->losts > 0;
  if (p->profile == NULL) return;
  if (w->kept < KEPT || (lost && w->kept < KEPT_FOR_LOSSES))
    w->kept++;
  else
    forget_profile(p);
}

// A process is looked at before its feed: what a dead one's feed says then is its last word.
static void watch_visit(void *self, const struct mid_feed_file *file) {
  struct mid_watch *w = self;
  struct mid_feed_image image;
  // What started before the first process is of no concern: folders may be full of such.
  if (file->start_ticks < w->process[0]->start_ticks) return;
  struct mid_process *p = watch_find(w, file->pid, file->start_ticks);
  if (p == NULL && (w->run == 0 || is_stranger(w, file))) return;
  if (p == NULL && turned_away(w, file)) return;
  if (p != NULL) note_kernel(w, p);
  if (!read_feed(w, file, &image)) return;  // perhaps not whole yet
  if (w->run != 0 && image.run != w->run) return;
  if (p == NULL) {
    p = watch_add(w, file->pid, file->start_ticks);
    note_kernel(w, p);
    if (!read_feed(w, file, &image)) return;
  }
  note_feed(p, &image, mid_watch_seconds(w));
  mid_owners_look(&p->owners, &w->feed_room, mid_watch_seconds(w));
  note_profile(w, p, file);
  // One that was never met alive may run where its number means another process than here.
  if (w->run == 0 || p->lives || (!p->met && !image.process.ended)) return;
  mid_feed_file_remove(file);
  bound_what_is_kept(w, p);
}

// Those without a feed, or whose feed was taken away, come last.
void mid_watch_look(struct mid_watch *w) {
  double before = processor_seconds();
  w->looks++;
  mid_folders_walk(watch_visit, w);
  for (size_t i = 0; i < w->count; i++) {
    note_kernel(w, w->process[i]);
    if (w->process[i]->lives && !w->process[i]->has_feed) note_profile(w, w->process[i], NULL);
  }
  w->spent += processor_seconds() - before;
}

double mid_watch_delay(const struct mid_watch *w) {
  static const double head_start = 0.02, share = 0.01, most = 1;
  double now = mid_watch_seconds(w), least = now < 1 ? 0.01 : 0.1;
  double due = (w->spent - head_start) / share - now;
  return due < least ? least : due > most ? most : due;
}

// ---- last looks ---------------------------------------------------------------------------------

struct last_looks {
  struct mid_watch *watch;
  void (*look)(void *self, struct mid_process *process);
  void *self;
};

static bool last_look_put(int fd, uint32_t state) {
  return pwrite(fd, &state, sizeof state, offsetof(struct mid_feed_header, last_look)) ==
         sizeof state;
}

// The mapping is the name of the word for the kernel, and never touched: the file may be cut short.
static void last_look_wake(int fd) {
  char *header = mmap(NULL, sizeof(struct mid_feed_header), PROT_READ, MAP_SHARED, fd, 0);
  if (header == MAP_FAILED) return;
  syscall(SYS_futex, header + offsetof(struct mid_feed_header, last_look), FUTEX_WAKE, INT_MAX,
          NULL, NULL, 0);
  munmap(header, sizeof(struct mid_feed_header));
}

static bool last_look_is_wanted(const struct mid_watch *w, int fd) {
  struct mid_feed_header h;
  return pread(fd, &h, sizeof h, 0) == sizeof h &&
         memcmp(h.magic, MID_FEED_MAGIC, sizeof h.magic) == 0 && h.version == MID_FEED_VERSION &&
         h.header_bytes >= sizeof h && h.run == w->run && h.last_look == MID_LAST_WAITS;
}

static void visit_waiting(void *self, const struct mid_feed_file *file) {
  struct last_looks *looks = self;
  struct mid_watch *w = looks->watch;
  if (file->start_ticks < w->process[0]->start_ticks || is_stranger(w, file)) return;
  int fd = mid_feed_file_open_to_write(file);
  if (fd < 0) return;
  if (last_look_is_wanted(w, fd) && last_look_put(fd, MID_LAST_LOOKS)) {
    struct mid_process *p = watch_find(w, file->pid, file->start_ticks);
    if (p != NULL) {
      p->profile_next = 0;
      p->stood = mid_watch_seconds(w);
    }
    watch_visit(w, file);
    p = watch_find(w, file->pid, file->start_ticks);
    if (p != NULL && p->lives) looks->look(looks->self, p);
    if (last_look_put(fd, MID_LAST_DONE)) last_look_wake(fd);
  }
  close(fd);
}

void mid_watch_last_looks(struct mid_watch *w,
                          void (*look)(void *self, struct mid_process *process), void *self) {
  struct last_looks looks = {w, look, self};
  w->looks++;
  mid_folders_walk(visit_waiting, &looks);
}

// ---- the end ------------------------------------------------------------------------------------

static void visit_last(void *self, const struct mid_feed_file *file) {
  struct mid_watch *w = self;
  struct mid_process *p = watch_find(w, file->pid, file->start_ticks);
  if (p != NULL && !p->lives) mid_feed_file_remove(file);
}

void mid_watch_finish(struct mid_watch *w) {
  mid_watch_look(w);
  mid_folders_walk(visit_last, w);
}
