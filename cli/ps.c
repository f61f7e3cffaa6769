// cli/ps.c -- `midden ps`: this user's processes that run on Midden.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "observe/figures.h"
#include "observe/folders.h"
#include "observe/words.h"

struct row {
  pid_t pid;
  struct mid_proc_memory memory;
  uint64_t live, threads;
  double age;
  char command[256];
};

struct table {
  struct row *row;
  size_t count;
  struct mid_feed_room room;
};

static void visit(void *self, const struct mid_feed_file *file) {
  struct table *table = self;
  struct mid_feed_image image;
  struct mid_proc_stat stat;
  struct row row = {.pid = file->pid, .age = mid_proc_age(file->start_ticks)};
  if (!mid_proc_lives(file->pid, file->start_ticks)) return;
  int fd = mid_feed_file_open(file);
  if (fd < 0) return;
  const char *wrong = mid_feed_read(fd, &table->room, &image);
  close(fd);
  if (wrong != NULL || !mid_proc_memory_read(file->pid, &row.memory)) return;
  row.live = mid_image_live(&image);
  row.threads = mid_proc_stat_read(file->pid, &stat) ? stat.threads : 0;
  mid_proc_command(file->pid, row.command, sizeof row.command);
  struct row *more = realloc(table->row, (table->count + 1) * sizeof row);
  if (more == NULL) return;
  table->row = more;
  table->row[table->count++] = row;
}

static int by_pid(const void *a, const void *b) {
  const struct row *x = a, *y = b;
  return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void print_process(const struct row *row, unsigned columns) {
  struct mid_words rss, live, age;
  int most = (int)columns - 59;
  printf("%8d  %10s  %10s  %7" PRIu64 "  %12s  %.*s\n", (int)row->pid,
         mid_words_size(row->memory.rss, &rss), mid_words_size(row->live, &live), row->threads,
         mid_words_seconds(row->age, &age), most < 10 ? 10 : most, row->command);
}

int cli_ps(int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  while (cli_args_next(&args) >= 0) continue;
  cli_args_end(&args);
  mid_folders_sweep();
  struct table table = {0};
  mid_folders_walk(visit, &table);
  if (table.count > 0) qsort(table.row, table.count, sizeof *table.row, by_pid);
  printf("%8s  %10s  %10s  %7s  %12s  %s\n", "PID", "RSS", "LIVE HEAP", "THREADS", "UP", "COMMAND");
  // What is read by another program is not cut.
  unsigned columns = isatty(STDOUT_FILENO) ? cli_columns(STDOUT_FILENO) : 4096;
  for (size_t i = 0; i < table.count; i++) print_process(&table.row[i], columns);
  free(table.row);
  mid_feed_room_close(&table.room);
  return 0;
}
