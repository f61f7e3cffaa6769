// tests/stress/fork.c -- fork amid random operations: the child's heap is whole, every block has
// its contents, and all operations go on in it.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "model.h"

enum { THREADS = 3, FORKS = SANITIZED ? 20 : 200, STEPS = 2000 };

static atomic_bool stop;

static void *work(void *with) {
  uint64_t seed = (uintptr_t)with << 40;
  const char *wrong = NULL;
  while (wrong == NULL && !atomic_load(&stop)) wrong = model_steps(100, &seed);
  return (void *)(uintptr_t)wrong;
}

static void say(const char *wrong) { dprintf(2, "in a forked child: %s\n", wrong); }

// The one thread of the child: the entries that others were busy with are lost to it, no more.
static int live_on(uint64_t seed) {
  alarm(60);
  const char *wrong = model_broken();
  if (wrong == NULL) wrong = model_steps(STEPS, &seed);
  if (wrong == NULL) wrong = model_broken();
  if (wrong == NULL && !SANITIZED) {  // TSan's children start no threads
    pthread_t thread;
    void *found = NULL;
    atomic_store(&stop, true);
    if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)9) != 0) wrong = "no thread";
    if (wrong == NULL) pthread_join(thread, &found), wrong = found;
  }
  for (int i = 0; i < ENTRIES && wrong == NULL; i++)
    if (!atomic_load(&model[i].busy)) midden_free(model[i].p), model[i].p = NULL;
  midden_malloc_trim();
  if (wrong == NULL) wrong = model_broken();
  if (wrong != NULL) say(wrong);
  return wrong != NULL;
}

TEST(children_forked_amid_random_operations_have_a_whole_heap)
{
  model_open();
  pthread_t thread[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(i + 1)), 0);
  for (uint64_t i = 0; i < FORKS; i++) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) _exit(live_on(i << 32));
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    if (status != 0) fail_msg("child %d ended with 0x%x", (int)i, (unsigned)status);
  }
  atomic_store(&stop, true);
  for (int i = 0; i < THREADS; i++) {
    void *wrong;
    CHECK_EQ(pthread_join(thread[i], &wrong), 0);
    CHECK_WHOLE((const char *)wrong);
  }
  CHECK_WHOLE(model_broken());
  model_close();
}
