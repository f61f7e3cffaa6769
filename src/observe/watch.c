// observe/watch.c -- see watch.h.
// SPDX-License-Identifier: MIT
#include "observe/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/text.h"
#include "observe/figures.h"
#include "observe/folders.h"
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

void mid_watch_close(struct mid_watch *w) {
  for (size_t i = 0; i < w->count; i++) free(w->process[i]);
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
  }
  p->peak_live = mid_max(p->peak_live, mid_image_live(image));
  p->peak_rss = mid_max(p->peak_rss, image->process.end_rss);
  p->peak_rss = mid_max(p->peak_rss, image->process.end_peak_rss);
  if (is_too_late(p, image)) return;
  p->has_feed = true;
  p->image = *image;
  memcpy(p->command, image->command, sizeof p->command);
  note_rate(p, now);
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

static void note_kernel(const struct mid_watch *w, struct mid_process *p) {
  struct mid_proc_stat s;
  struct mid_proc_memory memory;
  if (!p->lives || p->looked == w->looks) return;
  p->looked = w->looks;
  double now = mid_watch_seconds(w);
  bool known = mid_proc_stat_read(p->pid, &s) && s.start_ticks == p->start_ticks;
  if (known) p->cpu_seconds = s.cpu_seconds;
  if (!known || s.state == 'Z' || s.state == 'X') {
    p->lives = false;
    p->ended = now;
    return;
  }
  p->met = true;
  p->peak_threads = mid_max(p->peak_threads, s.threads);
  if (!mid_proc_memory_read(p->pid, &memory)) return;
  p->memory = memory;
  p->peak_rss = mid_max(p->peak_rss, memory.peak_rss);
  p->seen = now;
  note_huge(w, p);
}

// ---- feeds --------------------------------------------------------------------------------------

static bool is_stranger(const struct mid_watch *w, const struct mid_feed_file *file) {
  for (size_t i = 0; i < w->strangers; i++)
    if (w->stranger[i].pid == file->pid && w->stranger[i].start_ticks == file->start_ticks)
      return true;
  return false;
}

static void add_stranger(struct mid_watch *w, const struct mid_feed_file *file) {
  w->stranger = array_grow(w->stranger, w->strangers, sizeof *w->stranger);
  w->stranger[w->strangers++] = (struct mid_feed_stranger){file->pid, file->start_ticks};
}

static bool read_feed(struct mid_watch *w, const struct mid_feed_file *file,
                      struct mid_feed_image *image) {
  int fd = mid_feed_file_open(file);
  if (fd < 0) return false;
  bool ok = mid_feed_read(fd, &w->feed_room, image) == NULL;
  close(fd);
  return ok;
}

// A process is looked at before its feed: what a dead one's feed says then is its last word.
static void visit(void *self, const struct mid_feed_file *file) {
  struct mid_watch *w = self;
  struct mid_feed_image image;
  // What started before the first process is of no concern: folders may be full of such.
  if (file->start_ticks < w->process[0]->start_ticks) return;
  struct mid_process *p = watch_find(w, file->pid, file->start_ticks);
  if (p == NULL && is_stranger(w, file)) return;
  if (p != NULL) note_kernel(w, p);
  if (!read_feed(w, file, &image)) return;  // perhaps not whole yet
  if (image.run != w->run) {
    if (p == NULL) add_stranger(w, file);
    return;
  }
  if (p == NULL) {
    p = watch_add(w, file->pid, file->start_ticks);
    note_kernel(w, p);
    if (!read_feed(w, file, &image)) return;
  }
  note_feed(p, &image, mid_watch_seconds(w));
  // One that was never met alive may run where its number means another process than here.
  if (!p->lives && (p->met || image.process.ended)) mid_feed_file_remove(file);
}

// Those without a feed, or whose feed was taken away, come last.
void mid_watch_look(struct mid_watch *w) {
  w->looks++;
  mid_folders_walk(visit, w);
  for (size_t i = 0; i < w->count; i++) note_kernel(w, w->process[i]);
}

static void visit_last(void *self, const struct mid_feed_file *file) {
  struct mid_watch *w = self;
  struct mid_process *p = watch_find(w, file->pid, file->start_ticks);
  if (p != NULL && !p->lives) mid_feed_file_remove(file);
}

void mid_watch_finish(struct mid_watch *w) {
  mid_watch_look(w);
  mid_folders_walk(visit_last, w);
}
