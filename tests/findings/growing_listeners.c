// tests/findings/growing_listeners.c -- each connection adds a listener, and none is ever removed.
// SPDX-License-Identifier: MIT
//
// expect: growing possible add_listener
// variants: plain inlined
#include <stdlib.h>
#include <string.h>

#include "plant.h"

struct listener {
  struct listener *next;
  int connection;
  char room[500];
};

static struct listener *listeners;

PLANT void add_listener(int connection) {
  struct listener *listener = malloc(sizeof *listener);  // HERE
  listener->connection = connection;
  memset(listener->room, 1, sizeof listener->room);
  listener->next = listeners;
  listeners = listener;
}

static void remove_listener(void) {
#ifdef MENDED
  struct listener *first = listeners;
  listeners = first->next;
  free(first);
#endif
}

static int talk(int connection) {
  char *buffer = malloc(1000);
  memset(buffer, connection, 1000);
  plant_sleep_us(1000);
  int sum = buffer[3];
  free(buffer);
  return sum;
}

int main(void) {
  int sum = 0;
  for (int i = 0; i < 3000; i++) {
    add_listener(i);
    sum += talk(i);
    remove_listener();
  }
  return sum == 1;
}
