// cli/keep.c -- see keep.h.
// SPDX-License-Identifier: MIT
#include "keep.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cli.h"
#include "export/store.h"
#include "observe/diagnosis.h"
#include "observe/page.h"

// The peak is that of the largest process, since two may not have been at the same time; what was
// live at the end, and the findings, are those of all.
static struct mid_store_run row_of(const struct mid_run_story *story, double started) {
  const struct mid_process *first = story->watch->process[0];
  int status = story->status;
  struct mid_figures f;
  mid_figures_make(first, &f);
  struct mid_store_run row = {.started = started,
                              .command = first->command,
                              .pid = first->pid,
                              .exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                              .signal = WIFSIGNALED(status) ? WTERMSIG(status) : -1,
                              .seconds = f.seconds,
                              .processes = (int64_t)story->watch->count};
  for (size_t i = 0; i < story->watch->count; i++) {
    const struct mid_process *p = story->watch->process[i];
    mid_figures_make(p, &f);
    if ((int64_t)f.peak_rss > row.peak_rss) row.peak_rss = (int64_t)f.peak_rss;
    row.live_bytes += (int64_t)f.live;
    if (p->diagnosis != NULL) row.findings += (int64_t)p->diagnosis->findings.count;
  }
  return row;
}

void cli_run_keep(const struct mid_run_story *story, double started, bool quiet) {
  char wrong[PATH_MAX + 256];
  int64_t id = 0;
  struct mid_store *store = mid_store_open(true, wrong, sizeof wrong);
  char *data = store != NULL ? mid_page_data(story) : NULL;
  const struct mid_store_run row = row_of(story, started);
  if (data != NULL) id = mid_store_keep(store, &row, data);
  if (store != NULL && id == 0)
    snprintf(wrong, sizeof wrong, "%s", data != NULL ? mid_store_wrong(store) : "no memory");
  if (!quiet && id > 0 && isatty(STDERR_FILENO))
    cli_say("this run is kept as r%" PRId64 ": 'midden report r%" PRId64 "' makes a page of it", id,
            id);
  if (!quiet && id == 0) cli_say("this run is not kept: %s", wrong);
  free(data);
  if (store != NULL) mid_store_close(store);
}
