// base/check.c -- the last words of a program whose heap was misused.
// SPDX-License-Identifier: MIT
#include "base/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

void (*mid_crime_hears)(const char *sentence);

static _Noreturn void say_and_stop(struct mid_text *t) {
  if (mid_crime_hears != NULL) mid_crime_hears(t->start);
  mid_text_say(t);
  abort();
}

void mid_crime(const char *crime, const void *p, const char *advice) {
  char room[512];
  struct mid_text t = mid_text_open(room, sizeof room);
  mid_text_add(&t, "midden: ");
  mid_text_add(&t, crime);
  mid_text_add(&t, " at ");
  mid_text_hex(&t, (uintptr_t)p);
  mid_text_add(&t, ": ");
  mid_text_add(&t, advice);
  mid_text_add(&t, " (process ");
  mid_text_number(&t, (uint64_t)getpid());
  mid_text_add(&t, ")\n");
  say_and_stop(&t);
}

void mid_assert_failed(const char *cond, const char *file, int line) {
  char room[512];
  struct mid_text t = mid_text_open(room, sizeof room);
  mid_text_add(&t, "midden: internal check failed: ");
  mid_text_add(&t, cond);
  mid_text_add(&t, " at ");
  mid_text_add(&t, file);
  mid_text_add(&t, ":");
  mid_text_number(&t, (uint64_t)line);
  mid_text_add(&t, "\n");
  say_and_stop(&t);
}
