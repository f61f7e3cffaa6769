// tests/conformance/returns.c -- memory goes back to the system by the free that makes it free: no
// timer, no further call.  Measured page by page with mincore, which is exact, and as resident
// size.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

#define TOTAL (SANITIZED ? 64 * MIB : 200 * MIB)

// What may stay of free memory in a heap that has not breathed: a tenth of what lives (nothing, or
// nearly), and per size class and thread a span that is kept at hand.  A heap that breathes may
// keep up to a quarter of its recent peak, so each test has a process of its own.
#define KEPT (8 * MIB)

static unsigned char *crowd[200 * 1024 * 1024 / 64];
static size_t crowd_count;

static bool take_crowd(size_t bytes) {
  crowd_count = TOTAL / bytes;
  if (crowd_count > sizeof crowd / sizeof crowd[0]) crowd_count = sizeof crowd / sizeof crowd[0];
  for (size_t i = 0; i < crowd_count; i++) {
    HOLDS((crowd[i] = midden_malloc(bytes)) != NULL);
    for (size_t k = 0; k < bytes; k += PAGE) crowd[i][k] = 1;
    crowd[i][bytes - 1] = 1;
  }
  return true;
}

// Resident pages of the crowd: the one that each block's first byte is on.  Of small blocks each
// page counts once: just one of those that begin on it does so within a block of the page's start.
static size_t crowd_resident(size_t bytes) {
  size_t pages = 0;
  for (size_t i = 0; i < crowd_count; i++)
    if (bytes >= PAGE || (uintptr_t)crowd[i] % PAGE < bytes) pages += test_resident(crowd[i]);
  return pages * PAGE;
}

static void shuffle_crowd(void) {
  uint64_t seed = 6;
  for (size_t i = crowd_count - 1; i > 0; i--) {
    size_t k = test_random(&seed) % (i + 1);
    unsigned char *swap = crowd[i];
    crowd[i] = crowd[k], crowd[k] = swap;
  }
}

static bool returned(size_t bytes, size_t rss_before) {
  size_t rss = test_rss_bytes(), resident = crowd_resident(bytes);
  dprintf(1, "  freed blocks of %zu: %zu KiB resident, process %+ld KiB\n", bytes, resident / 1024,
          ((long)rss - (long)rss_before) / 1024);
  return resident <= KEPT && (SANITIZED || rss <= rss_before + KEPT);
}

// Touches the array itself, so that it does not count as growth.
static size_t rss_at_start(void) {
  memset(crowd, 0, sizeof crowd);
  midden_malloc_trim();
  return test_rss_bytes();
}

TEST_IN_CHILD(freeing_everything_gives_small_blocks_back) {
  size_t before = rss_at_start();
  HOLDS(take_crowd(64));
  for (size_t i = 0; i < crowd_count; i++) midden_free(crowd[i]);
  return returned(64, before);
}

TEST_IN_CHILD(freeing_everything_gives_medium_blocks_back) {
  size_t before = rss_at_start();
  HOLDS(take_crowd(3000));
  for (size_t i = crowd_count; i > 0; i--) midden_free(crowd[i - 1]);
  return returned(3000, before);
}

TEST_IN_CHILD(freeing_everything_gives_large_blocks_back) {
  size_t before = rss_at_start();
  HOLDS(take_crowd(300000));
  for (size_t i = 0; i < crowd_count; i++) midden_free(crowd[i]);
  return returned(300000, before);
}

TEST_IN_CHILD(blocks_freed_in_random_order_go_back_too) {
  size_t before = rss_at_start();
  HOLDS(take_crowd(200));
  shuffle_crowd();
  for (size_t i = 0; i < crowd_count; i++) midden_free(crowd[i]);
  return returned(200, before);
}

static void *free_crowd(void *with) {
  for (size_t i = 0; i < crowd_count; i++) midden_free(crowd[i]);
  return with;
}

TEST_IN_CHILD(blocks_freed_by_another_thread_go_back_too) {
  size_t before = rss_at_start();
  HOLDS(take_crowd(1000));
  pthread_t thread;
  HOLDS(pthread_create(&thread, NULL, free_crowd, NULL) == 0);
  HOLDS(pthread_join(thread, NULL) == 0);
  return returned(1000, before);
}

static void *take_and_die(void *with) { return take_crowd(1000) ? with : crowd; }

TEST_IN_CHILD(blocks_of_a_dead_thread_go_back_too) {
  size_t before = rss_at_start();
  pthread_t thread;
  HOLDS(pthread_create(&thread, NULL, take_and_die, NULL) == 0);
  HOLDS(pthread_join(thread, NULL) == 0);
  free_crowd(NULL);
  return returned(1000, before);
}

// The bound holds after every free: look again and again while blocks live on.
TEST_IN_CHILD(what_is_kept_stays_within_a_share_of_what_lives) {
  rss_at_start();
  HOLDS(take_crowd(20000));
  size_t live = crowd_count * 20000;
  for (size_t i = 0; i < crowd_count; i++) {
    midden_free(crowd[i]);
    live -= 20000;
    if (i % (crowd_count / 20) != 0) continue;
    size_t resident = 0;
    for (size_t k = 0; k <= i; k++)
      resident += test_resident_pages(crowd[k] + PAGE, 3 * PAGE) * PAGE * 5 / 3;
    HOLDS(resident <= live / 4 + KEPT);
  }
  return true;
}

TEST_IN_CHILD(a_trim_gives_back_all_of_it) {
  rss_at_start();
  for (size_t bytes = 16; bytes <= 300000; bytes = bytes * 2 + 8) {
    HOLDS(take_crowd(bytes < 64 ? 64 : bytes));
    free_crowd(NULL);
    midden_malloc_trim();
    HOLDS(crowd_resident(bytes) <= 512 * 1024);
  }
  HOLDS(midden_malloc_trim() == 0);  // there is nothing left to give
  return true;
}

TEST_IN_CHILD(a_trim_keeps_live_blocks_whole) {
  HOLDS(take_crowd(5000));
  for (size_t i = 0; i < crowd_count; i++) {
    if (i % 10 == 0)
      test_fill(crowd[i], 5000, i);
    else
      midden_free(crowd[i]);
  }
  midden_malloc_trim();
  for (size_t i = 0; i < crowd_count; i += 10) {
    HOLDS(test_filled(crowd[i], 5000, i));
    midden_free(crowd[i]);
  }
  return true;
}

TEST_IN_CHILD(a_hundred_rounds_of_the_same_work_do_not_grow) {
  size_t settled = 0;
  for (int round = 0; round < 100; round++) {
    uint64_t seed = 7;  // every round asks for the same
    crowd_count = 20000;
    for (size_t i = 0; i < crowd_count; i++) {
      size_t bytes = 8 + test_random_size(&seed, 8000);
      HOLDS((crowd[i] = midden_malloc(bytes)) != NULL);
      memset(crowd[i], 1, bytes);
    }
    shuffle_crowd();
    free_crowd(NULL);
    if (round == 10) settled = test_rss_bytes();
  }
  return SANITIZED || test_rss_bytes() < settled + KEPT;
}

TEST_IN_CHILD(a_heap_that_breathes_keeps_at_most_a_quarter_of_its_peak) {
  size_t before = rss_at_start();
  for (int breath = 0; breath < 30; breath++) {
    HOLDS(take_crowd(1000));
    free_crowd(NULL);
    HOLDS(crowd_resident(1000) <= TOTAL / 4 + KEPT);
    HOLDS(SANITIZED || test_rss_bytes() <= before + TOTAL / 4 + KEPT);
  }
  return true;
}

// Sizes change from phase to phase: memory of one class must serve the next.
TEST_IN_CHILD(memory_of_one_size_serves_another) {
  size_t before = rss_at_start(), most = 0;
  for (size_t bytes = 64; bytes < 200000; bytes = bytes * 3 / 2) {
    HOLDS(take_crowd(bytes));
    size_t rss = test_rss_bytes();
    if (rss > most) most = rss;
    free_crowd(NULL);
  }
  return SANITIZED || most - before < TOTAL + TOTAL / 4 + KEPT;
}
