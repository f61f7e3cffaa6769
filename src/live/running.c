// live/running.c -- see running.h.
// SPDX-License-Identifier: MIT
#include "live/running.h"

#include <stdlib.h>
#include <unistd.h>

#include "observe/figures.h"
#include "observe/folders.h"

static void running_visit(void *self, const struct mid_feed_file *file) {
  struct mid_running *r = self;
  struct mid_feed_image image;
  struct mid_proc_stat stat;
  struct mid_running_row row = {.pid = file->pid, .age = mid_proc_age(file->start_ticks)};
  if (!mid_proc_lives(file->pid, file->start_ticks)) return;
  int fd = mid_feed_file_open(file);
  if (fd < 0) return;
  const char *wrong = mid_feed_read(fd, &r->room, &image);
  close(fd);
  if (wrong != NULL || !mid_proc_memory_read(file->pid, &row.memory)) return;
  row.live = mid_image_live(&image);
  row.threads = mid_proc_stat_read(file->pid, &stat) ? stat.threads : 0;
  mid_proc_command(file->pid, row.command, sizeof row.command);
  struct mid_running_row *more = realloc(r->row, (r->count + 1) * sizeof row);
  if (more == NULL) return;
  r->row = more;
  r->row[r->count++] = row;
}

static int running_by_pid(const void *a, const void *b) {
  const struct mid_running_row *x = a, *y = b;
  return x->pid < y->pid ? -1 : x->pid > y->pid;
}

void mid_running_read(struct mid_running *r) {
  r->count = 0;
  mid_folders_walk(running_visit, r);
  if (r->count > 0) qsort(r->row, r->count, sizeof *r->row, running_by_pid);
}

void mid_running_close(struct mid_running *r) {
  free(r->row);
  mid_feed_room_close(&r->room);
  *r = (struct mid_running){0};
}
