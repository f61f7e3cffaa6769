// tests/findings/remote_free_messages.c -- a producer allocates what a consumer frees.
// SPDX-License-Identifier: MIT
//
// expect: remote-free possible make_message
// build: -pthread
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { MESSAGES = 500000, ROOM = 256, BYTES = 200 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char *queue[ROOM];
static unsigned first, last;
#ifdef MENDED
static char slots[2 * ROOM][BYTES];
#endif

PLANT char *make_message(unsigned number) {
#ifdef MENDED
  char *message = slots[number % (2 * ROOM)];
#else
  char *message = malloc(BYTES);  // HERE
#endif
  memset(message, (int)number, BYTES);
  return message;
}

static void done_with(char *message) {
#ifdef MENDED
  (void)message;
#else
  free(message);
#endif
}

static void *consume(void *sum) {
  for (unsigned i = 0; i < MESSAGES; i++) {
    pthread_mutex_lock(&lock);
    while (first == last) pthread_cond_wait(&changed, &lock);
    char *message = queue[first++ % ROOM];
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    *(long *)sum += message[5];
    done_with(message);
  }
  return NULL;
}

int main(void) {
  long sum = 0;
  pthread_t consumer;
  pthread_create(&consumer, NULL, consume, &sum);
  for (unsigned i = 0; i < MESSAGES; i++) {
    char *message = make_message(i);
    pthread_mutex_lock(&lock);
    while (last - first == ROOM) pthread_cond_wait(&changed, &lock);
    queue[last++ % ROOM] = message;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
  }
  pthread_join(consumer, NULL);
  return sum == 1;
}
