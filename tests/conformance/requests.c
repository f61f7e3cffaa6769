// tests/conformance/requests.c -- a thread for each request, whose result outlives it.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

enum { REQUESTS = 2000, SETTLED = 200, OBJECTS = 200 };

static void *serve(void *with) {
  void **result = with;
  for (int i = 0; i < OBJECTS; i++) {
    void *temporary = midden_malloc(512);
    result[i] = midden_malloc(256);
    if (temporary == NULL || result[i] == NULL) return with;
    test_fill(result[i], 256, (uint64_t)i);
    midden_free(temporary);
  }
  return NULL;
}

TEST(results_of_threads_that_ended_do_not_pile_up_once_they_are_freed)
{
  static void *result[OBJECTS];
  size_t settled = 0;
  for (int request = 0; request < REQUESTS; request++) {
    pthread_t thread;
    void *failed;
    CHECK(pthread_create(&thread, NULL, serve, result) == 0);
    CHECK(pthread_join(thread, &failed) == 0 && failed == NULL);
    for (int i = 0; i < OBJECTS; i++) {
      CHECK(test_filled(result[i], 256, (uint64_t)i));
      midden_free(result[i]);
    }
    if (request == SETTLED) settled = test_rss_bytes();
  }
  if (!SANITIZED) CHECK(test_rss_bytes() < settled + 8 * MIB);
}
