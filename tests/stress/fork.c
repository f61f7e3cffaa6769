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

// Of the entries that others were at work on the child knows nothing: it forgets them.  All others
// were whole at the fork, since Linux stops writers at one moment.
static void forget_busy(void) {
  for (int i = 0; i < ENTRIES; i++)
    if (atomic_load(&model[i].busy)) model[i] = (struct entry){0};
}

// The child goes on with the heap as its parent had it, and with a thread of its own.
static const char *live_on(uint64_t seed) {
  forget_busy();
  const char *wrong = model_broken();
  if (wrong == NULL) wrong = model_steps(STEPS, &seed);
  if (wrong == NULL) wrong = model_broken();
  pthread_t thread;
  void *found = NULL;
  atomic_store(&stop, false);
  if (wrong == NULL && !SANITIZED) {  // TSan's children start no threads
    if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)9) != 0) return "no thread";
    wrong = model_steps(STEPS, &seed);
    atomic_store(&stop, true);
    pthread_join(thread, &found);
    if (wrong == NULL) wrong = found;
  }
  for (int i = 0; i < ENTRIES && wrong == NULL; i++) midden_free(model[i].p), model[i].p = NULL;
  midden_malloc_trim();
  return wrong != NULL ? wrong : model_broken();
}

static int child_life(uint64_t seed) {
  alarm(60);
  const char *wrong = live_on(seed);
  if (wrong != NULL) dprintf(2, "in a forked child: %s\n", wrong);
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
    if (child == 0) _exit(child_life(i << 32));
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
