// walk/core_test.c -- a core file tells what the process told, or says what is wrong with it.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "support.h"
#include "test.h"
#include "walk/victim_test.h"

static char core[64];

static void core_make(struct victim *v) {
  char command[200];
  int pid = atomic_load(&v->pid);
  snprintf(core, sizeof core, "walk-core.%d", pid);
  snprintf(command, sizeof command, "gcore -o walk-core %d >%s.log 2>&1", pid, core);
  if (system(command) != 0) fail_msg("gcore failed: see tests/%s.log", core);
}

static void core_remove(void) {
  char log[80];
  snprintf(log, sizeof log, "%s.log", core);
  unlink(core);
  unlink(log);
}

static void *thread_waits(void *argument) {
  (void)victim_take(argument, 5000);
  pause();
  return NULL;
}

static void take_and_wait(struct victim *v) {
  pthread_t thread;
  uint64_t random = 1;
  for (int i = 0; i < 20000; i++) (void)victim_take(v, test_random_size(&random, 20000));
  for (size_t i = 0; i < 20000; i++)
    if (i % 3 != 0) victim_give(v, i);
  test_fill(victim_take(v, 3 * MIB), 3 * MIB, 7);
  for (int i = 0; i < 3; i++)
    if (pthread_create(&thread, NULL, thread_waits, v) != 0) abort();
  while (atomic_load(&v->count) < 20004) usleep(1000);
}

static struct victim *process;

// A core of a sanitizer's process is as large as its shadow memory.
static void started(void) {
  if (SANITIZED) skip();
  if (process != NULL) return;
  process = victim_start(NULL, take_and_wait);
  victim_work(process);
  core_make(process);
}

static void check_threads(const struct mid_target *live, const struct mid_target *dead) {
  CHECK_EQ(live->threads, 4);
  CHECK_EQ(dead->threads, 4);
  CHECK_EQ(live->pid, dead->pid);
  for (size_t i = 0; i < 4; i++)
    for (size_t k = 0; k < 4; k++) {
      const struct mid_target_thread *a = &live->thread[i], *b = &dead->thread[k];
      if (a->tid != b->tid) continue;
      CHECK_EQ(a->sp, b->sp);
      CHECK_EQ(a->pc, b->pc);
      CHECK_EQ(a->tp, b->tp);
      CHECK(memcmp(a->vector, b->vector, sizeof a->vector[0] * 32) == 0);
    }
}

TEST(a_core_has_the_blocks_of_its_process)
{
  struct mid_target live, dead;
  struct mid_blocks a, b;
  static char bytes[3 * MIB], same[3 * MIB];
  started();
  CHECK_WHOLE(mid_target_copy(atomic_load(&process->pid), &live));
  CHECK_WHOLE(mid_blocks_read(&live, &a));
  CHECK_WHOLE(mid_target_core(core, &dead));
  CHECK(dead.incomplete == NULL && !dead.live && !dead.stopped);
  CHECK_WHOLE(mid_blocks_read(&dead, &b));
  check_threads(&live, &dead);
  struct set x = set_of(&a), y = set_of(&b);
  CHECK_EQ(x.count, y.count);
  CHECK(memcmp(x.at, y.at, x.count * sizeof *x.at) == 0);
  CHECK_EQ(a.blocks, b.blocks);
  CHECK_EQ(b.torn, 0);
  uint64_t big = (uintptr_t)atomic_load(&process->block[20000]);
  CHECK(set_has(&y, big));
  CHECK(mid_target_read(&dead, big, bytes, sizeof bytes));
  CHECK(test_filled(bytes, sizeof bytes, 7));
  CHECK(mid_target_read(&live, big, same, sizeof same));
  CHECK(memcmp(bytes, same, sizeof bytes) == 0);
  free(x.at);
  free(y.at);
  mid_blocks_close(&a);
  mid_blocks_close(&b);
  mid_target_close(&live);
  mid_target_close(&dead);
}

// Code is not in the core, but in the file that it was mapped from.
TEST(what_the_core_left_out_is_read_from_the_file)
{
  struct mid_target dead;
  char there[64], here[64];
  started();
  CHECK_WHOLE(mid_target_core(core, &dead));
  uint64_t code = (uintptr_t)&core_make;  // the process is a fork of this one
  CHECK(mid_target_mapping_at(&dead, code) != NULL);
  CHECK(!mid_target_touched(&dead, code & ~(uint64_t)4095));
  CHECK(mid_target_read(&dead, code, there, sizeof there));
  memcpy(here, (const void *)(uintptr_t)code, sizeof here);
  CHECK(memcmp(here, there, sizeof here) == 0);
  CHECK(!mid_target_read(&dead, 16, there, sizeof there));
  mid_target_close(&dead);
}

// All that a core holds, or the start of it.
static char *core_bytes(size_t *size) {
  FILE *file = fopen(core, "r");
  CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  *size = (size_t)ftell(file);
  char *bytes = malloc(*size);
  rewind(file);
  CHECK_EQ(fread(bytes, 1, *size, file), *size);
  fclose(file);
  return bytes;
}

static void file_write(const char *path, const char *bytes, size_t size) {
  FILE *file = fopen(path, "w");
  CHECK(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

TEST(a_core_that_was_cut_short_says_so_and_is_read_as_far_as_it_goes)
{
  struct mid_target dead;
  size_t size;
  started();
  char *bytes = core_bytes(&size);
  file_write("walk-cut", bytes, size - size / 8);
  CHECK_WHOLE(mid_target_core("walk-cut", &dead));
  CHECK(dead.incomplete != NULL && strstr(dead.incomplete, "cut short") != NULL);
  // gcore writes notes last.
  CHECK(strstr(dead.incomplete, "threads") != NULL || dead.threads == 4);
  mid_target_close(&dead);
  for (size_t cut = size; cut > 0; cut -= 1 + cut / 2) {
    struct mid_blocks b;
    CHECK_EQ(truncate("walk-cut", (off_t)cut), 0);
    if (mid_target_core("walk-cut", &dead) != NULL) continue;
    if (mid_blocks_read(&dead, &b) == NULL) mid_blocks_close(&b);
    mid_target_close(&dead);
  }
  unlink("walk-cut");
  free(bytes);
}

// Nothing in a core is believed.
TEST(a_damaged_core_ends_in_a_sentence_or_in_blocks)
{
  enum { FLIPS = 64 };
  started();
  int file = open(core, O_RDWR);
  uint64_t random = 5, size = (uint64_t)lseek(file, 0, SEEK_END);
  for (int round = 0; round < 100; round++) {
    struct mid_target dead;
    struct mid_blocks b;
    char was[FLIPS];
    off_t at[FLIPS];
    // Its head, its end, and what lies between.
    for (int i = 0; i < FLIPS; i++) {
      uint64_t within = test_random(&random) % (i % 4 == 0 ? size : 20000);
      at[i] = (off_t)(i % 2 == 0 ? within : size - 1 - within);
      if (at[i] < 4) at[i] = 100;
      char wrong = (char)test_random(&random);
      CHECK_EQ(pread(file, &was[i], 1, at[i]), 1);
      CHECK_EQ(pwrite(file, &wrong, 1, at[i]), 1);
    }
    if (mid_target_core(core, &dead) == NULL) {
      if (mid_blocks_read(&dead, &b) == NULL) mid_blocks_close(&b);
      mid_target_close(&dead);
    }
    for (int i = FLIPS - 1; i >= 0; i--) CHECK_EQ(pwrite(file, &was[i], 1, at[i]), 1);
  }
  close(file);
}

TEST(what_is_no_core_gets_a_sentence)
{
  struct mid_target dead;
  CHECK(strstr(mid_target_core("walk-is-not-there", &dead), "No such file") != NULL);
  CHECK(strstr(mid_target_core("/proc/self/exe", &dead), "give its core file") != NULL);
  CHECK(strstr(mid_target_core("/", &dead), "it is no core file") != NULL);
  CHECK(strstr(mid_target_core("/dev/null", &dead), "it is no core file") != NULL);
  file_write("walk-packed", "\x28\xb5\x2f\xfd and so on", 14);
  CHECK(strstr(mid_target_core("walk-packed", &dead), "zstd -d") != NULL);
  unlink("walk-packed");
}

// The last.
TEST(the_process_went_on_all_the_while)
{
  started();
  core_remove();
  CHECK(victim_end(process));
}
