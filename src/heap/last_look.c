// heap/last_look.c -- see last_look.h.
// SPDX-License-Identifier: MIT
#include "heap/last_look.h"

#include <sys/stat.h>

#include "base/check.h"
#include "base/options.h"
#include "base/text.h"
#include "feed/bell.h"
#include "feed/feed.h"
#include "os/call.h"
#include "os/os.h"

// An observer may be about to look at some large process before this one.
enum { MOMENT_MS = 50, MOST_MOMENTS = 200 };

static struct mid_bell *bell;

MID_RARELY static struct mid_bell *bell_map(int fd) {
  struct stat s;
  if (mid_call(SYS_fstat, fd, &s) != 0 || s.st_size < (off_t)sizeof *bell) return NULL;
  struct mid_bell *found =
      mid_call_map(NULL, sizeof *bell, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (found == NULL || (found->magic == MID_BELL_MAGIC && found->run == mid_options.run))
    return found;
  mid_call_unmap(found, sizeof *bell);
  return NULL;
}

void mid_last_look_open(void) {
  // A feed that is removed at the exit would be found by nobody.
  if (!mid_options.last_look || mid_options.feed != MID_OPTION_FEED_KEEP || bell != NULL) return;
  char room[48];
  struct mid_text name = mid_text_open(room, sizeof room);
  mid_text_number(&name, mid_options.run);
  mid_text_add(&name, ".bell");
  int fd = mid_feed_neighbour(room);
  if (fd < 0) return;
  bell = bell_map(fd);
  mid_call(SYS_close, fd);
}

static void bell_ring(void) {
  atomic_fetch_add_explicit(&bell->rung, 1, memory_order_release);
  mid_os_word_wake(&bell->rung);
}

MID_RARELY void mid_last_look_ask(void) {
  _Atomic uint32_t *word = bell != NULL ? mid_feed_last_look() : NULL;
  if (word == NULL) return;
  uint32_t none = MID_LAST_NONE;
  atomic_compare_exchange_strong_explicit(word, &none, MID_LAST_WAITS, memory_order_acq_rel,
                                          memory_order_relaxed);
  for (int moments = 0; moments < MOST_MOMENTS && mid_bell_is_heard(bell); moments++) {
    uint32_t now = atomic_load_explicit(word, memory_order_acquire);
    if (now == MID_LAST_DONE) return;
    if (now == MID_LAST_WAITS) bell_ring();
    if (now == MID_LAST_LOOKS) moments = 0;
    mid_os_word_wait(word, now, MOMENT_MS);
  }
}
