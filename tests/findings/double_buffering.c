// tests/findings/double_buffering.c -- a message is held as it came and as an equal copy.
// SPDX-License-Identifier: MIT
//
// expect: double-buffering likely receive_message|keep_message
// mended: nothing
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { MESSAGES = 300 };

static struct message {
  char *raw, *text;
  size_t bytes;
} message[MESSAGES];

__attribute__((noinline)) char *receive_message(int number, size_t bytes) {
  char *raw = malloc(bytes);  // HERE
  for (size_t i = 0; i < bytes; i++) raw[i] = (char)((unsigned)number * 2654435761u >> (i % 24));
  return raw;
}

PLANT void keep_message(struct message *m) {
#ifdef MENDED
  m->text = m->raw;
#else
  m->text = malloc(m->bytes);  // HERE
  memcpy(m->text, m->raw, m->bytes);
#endif
}

int main(void) {
  for (int i = 0; i < MESSAGES; i++) {
    struct message *m = &message[i];
    m->bytes = 9000 + 16 * (size_t)i;
    m->raw = receive_message(i, m->bytes);
    keep_message(m);
  }
  plant_sleep_us(300000);
  return message[7].text[0] == 1;
}
