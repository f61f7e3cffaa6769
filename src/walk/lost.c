// walk/lost.c -- see lost.h.
// SPDX-License-Identifier: MIT
#include "walk/lost.h"

#include <time.h>

#include "walk/samples.h"

// Between two looks at a process that runs: what is younger is not called lost.
static const struct timespec lost_wait = {1, 0};

const char *mid_lost_take(const struct mid_target *target, const struct mid_blocks *blocks,
                          struct mid_symbols *symbols, struct mid_lost_look *out) {
  *out = (struct mid_lost_look){0};
  out->no_profile = mid_target_profile(target, &out->profile);
  struct mid_profile *known = out->no_profile == NULL ? &out->profile : NULL;
  const char *wrong = mid_leaks_find(target, blocks, known, symbols, &out->leaks);
  if (wrong != NULL) mid_lost_close(out);
  return wrong;
}

static const char *lost_look(pid_t pid, struct mid_symbols *symbols, struct mid_lost_look *out) {
  struct mid_target target;
  struct mid_blocks blocks;
  const char *wrong = mid_target_copy(pid, &target);
  if (wrong != NULL) return wrong;
  if ((wrong = mid_blocks_read(&target, &blocks)) == NULL) {
    wrong = mid_lost_take(&target, &blocks, symbols, out);
    mid_blocks_close(&blocks);
  }
  mid_target_close(&target);
  return wrong;
}

const char *mid_lost_again(pid_t pid, struct mid_symbols *symbols, struct mid_lost_look *look) {
  struct mid_lost_look now;
  if (look->leaks.count == 0) return NULL;
  nanosleep(&lost_wait, NULL);
  const char *wrong = lost_look(pid, symbols, &now);
  if (wrong == NULL) mid_leaks_keep(&now.leaks, &look->leaks);
  mid_lost_close(look);
  if (wrong == NULL) *look = now;
  return wrong;
}

void mid_lost_close(struct mid_lost_look *look) {
  mid_leaks_close(&look->leaks);
  mid_profile_close(&look->profile);
}
