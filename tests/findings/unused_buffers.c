// tests/findings/unused_buffers.c -- each client has a buffer of a MiB, of which it uses a page.
// SPDX-License-Identifier: MIT
//
// expect: unused likely open_client
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { CLIENTS = 60 };
#ifdef MENDED
enum { ROOM = 4096 };
#else
enum { ROOM = 1 << 20 };
#endif

static struct client { char *room; } client[CLIENTS];

PLANT void open_client(struct client *c) {
  c->room = malloc(ROOM);  // HERE
  memset(c->room, 1, 3000);
}

int main(void) {
  for (int i = 0; i < CLIENTS; i++) open_client(&client[i]);
  plant_sleep_us(300000);
  for (int i = 0; i < CLIENTS; i++) free(client[i].room);
  return 0;
}
