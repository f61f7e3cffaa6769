// cli/ps.c -- `midden ps`: this user's processes that run on Midden.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "live/running.h"
#include "observe/folders.h"
#include "observe/words.h"

static void print_process(const struct mid_running_row *row, unsigned columns) {
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
  struct mid_running running = {0};
  mid_running_read(&running);
  printf("%8s  %10s  %10s  %7s  %12s  %s\n", "PID", "RSS", "LIVE HEAP", "THREADS", "UP", "COMMAND");
  // What is read by another program is not cut.
  unsigned columns = isatty(STDOUT_FILENO) ? cli_columns(STDOUT_FILENO) : 4096;
  for (size_t i = 0; i < running.count; i++) print_process(&running.row[i], columns);
  mid_running_close(&running);
  return 0;
}
