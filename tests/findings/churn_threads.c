// tests/findings/churn_threads.c -- four threads allocate and free a small block for every item.
// SPDX-License-Identifier: MIT
//
// expect: churn|temporary possible score_item
// build: -pthread
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

PLANT unsigned score_item(unsigned item) {
#ifdef MENDED
  char key[48];
#else
  char *key = malloc(48);  // HERE
#endif
  snprintf(key, 48, "item-%u", item);
  unsigned score = 0;
  for (char *c = key; *c != 0; c++) score = score * 31 + (unsigned char)*c;
#ifndef MENDED
  free(key);
#endif
  return score;
}

static void *work(void *argument) {
  unsigned *sum = argument;
  for (unsigned i = 0; i < 600000; i++) *sum += score_item(i);
  return NULL;
}

int main(void) {
  pthread_t thread[4];
  unsigned sum[4] = {0};
  for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, work, &sum[i]);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  return sum[0] != sum[3];
}
