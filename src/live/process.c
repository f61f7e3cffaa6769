// live/process.c -- see process.h.
// SPDX-License-Identifier: MIT
#include "live/process.h"

#include <time.h>
#include <unistd.h>

#include "observe/folders.h"

double mid_live_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// ---- its feed -----------------------------------------------------------------------------------

// Counts of refills are steady over half a second.
static void process_rate(struct mid_live *p) {
  uint64_t count = mid_image_allocations(&p->image);
  double seconds = p->looked - p->rate_at;
  if (p->rate_at != 0 && !p->is_anew && seconds < 0.5) return;
  bool known =
      p->rate_at != 0 && count >= p->rate_count && p->requests >= p->rate_requests && !p->is_anew;
  p->live_rate = known ? (double)(count - p->rate_count) / seconds : 0;
  p->request_rate = known ? (double)(p->requests - p->rate_requests) / seconds : 0;
  p->rate_at = p->looked;
  p->rate_count = count;
  p->rate_requests = p->requests;
}

static void process_visit(void *self, const struct mid_feed_file *file) {
  struct mid_live *p = self;
  if (file->pid != p->pid || file->start_ticks != p->start_ticks) return;
  uint64_t opened_ns = p->image.opened_ns;
  int fd = mid_feed_file_open(file);
  if (fd < 0) return;
  if (mid_feed_read(fd, &p->room, &p->image) == NULL) {
    p->is_anew = p->has_feed && p->image.opened_ns != opened_ns;
    p->has_feed = true;
    p->live = mid_image_live(&p->image);
    p->free_share = mid_image_fragmentation(&p->image);
    p->requests = mid_image_requests(&p->image);
    p->request = mid_image_request(&p->image);
    process_rate(p);
  }
  close(fd);
}

// ---- what the kernel says -----------------------------------------------------------------------

static void process_limit(struct mid_live *p) {
  static uint64_t machine;
  if (machine == 0) machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  mid_cgroup_follow(p->pid, &p->cgroup);
  p->limit = machine;
  p->limit_of = "machine";
  if (p->cgroup.limit != 0 && p->cgroup.limit < p->limit) {
    p->limit = p->cgroup.limit;
    p->limit_of = "cgroup";
  }
  uint64_t heap = p->has_feed ? p->image.process.limit : 0;
  if (heap != 0 && heap < p->limit) {
    p->limit = heap;
    p->limit_of = "heap limit";
  }
}

static bool process_kernel(struct mid_live *p) {
  struct mid_proc_stat s;
  struct mid_proc_memory memory;
  bool known = mid_proc_stat_read(p->pid, &s) && s.start_ticks == p->start_ticks;
  if (!known || s.state == 'Z' || s.state == 'X') return false;
  if (!mid_proc_memory_read(p->pid, &memory)) return false;
  double now = mid_live_seconds(), seconds = now - p->looked;
  if (p->looked != 0 && seconds > 0) p->cpu_share = (s.cpu_seconds - p->cpu_seconds) / seconds;
  p->cpu_seconds = s.cpu_seconds;
  p->threads = s.threads;
  p->memory = memory;
  p->looked = now;
  return true;
}

void mid_live_look(struct mid_live *p) {
  if (!p->lives) return;
  p->is_anew = false;
  if (!process_kernel(p)) {
    p->lives = false;
    p->ended = mid_live_seconds();
    return;
  }
  mid_folders_walk(process_visit, p);
  if (p->is_anew) mid_proc_command(p->pid, p->command, sizeof p->command);
  process_limit(p);
}

bool mid_live_open(struct mid_live *p, pid_t pid) {
  struct mid_proc_stat s;
  *p = (struct mid_live){.pid = pid, .lives = true, .limit_of = "machine"};
  if (!mid_proc_stat_read(pid, &s)) return false;
  p->start_ticks = s.start_ticks;
  mid_proc_command(pid, p->command, sizeof p->command);
  mid_live_look(p);
  return p->lives;
}

void mid_live_close(struct mid_live *p) {
  mid_feed_room_close(&p->room);
  *p = (struct mid_live){0};
}
