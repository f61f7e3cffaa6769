// region/scratch.c -- an arena of each thread for what a function needs while it runs.
// SPDX-License-Identifier: MIT
//
// The second arena is a child of the first, and goes with it when the thread ends.
#include "midden/scratch.h"

#include <errno.h>
#include <stdbool.h>
#include <threads.h>

#include "base/check.h"

static __thread midden_arena *scratch_own[2];

static once_flag scratch_key_once = ONCE_FLAG_INIT;
static tss_t scratch_key;
static bool scratch_key_made;

// Destructors of other keys may begin a scratch after this: then it is called once more.
static void scratch_thread_ended(void *first) {
  scratch_own[0] = scratch_own[1] = NULL;
  midden_arena_close(first);
}

static void scratch_make_key(void) {
  scratch_key_made = tss_create(&scratch_key, scratch_thread_ended) == thrd_success;
}

static bool scratch_open_both(void) {
  call_once(&scratch_key_once, scratch_make_key);
  midden_arena *first, *second;
  if (!scratch_key_made || midden_arena_open(NULL, 0, &first) != MIDDEN_OK) return false;
  if (midden_arena_child(first, &second) != MIDDEN_OK ||
      tss_set(scratch_key, first) != thrd_success)
    return midden_arena_close(first), false;
  scratch_own[0] = first, scratch_own[1] = second;
  return true;
}

midden_scratch midden_scratch_begin(const midden_arena *avoid) {
  midden_scratch scratch = {NULL, NULL};
  if (scratch_own[0] == NULL && !scratch_open_both()) return errno = ENOMEM, scratch;
  midden_arena *arena = scratch_own[avoid == scratch_own[0]];
  scratch.mark = midden_arena_here(arena);
  if (scratch.mark != NULL) scratch.arena = arena;
  return scratch;
}

void midden_scratch_end(midden_scratch *scratch) {
  if (scratch->mark == NULL) return;
  MID_REQUIRE(scratch->arena == scratch_own[0] || scratch->arena == scratch_own[1],
              "a scratch ended by another thread", scratch->arena,
              "the thread that began it must end it");
  midden_arena_back_past(scratch->arena, scratch->mark);
  *scratch = (midden_scratch){NULL, NULL};
}
