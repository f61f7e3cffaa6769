// tests/misuse/attacks/type_confusion_late.c -- the same, after 1732 other objects were freed.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { OTHERS = 1732 };
  static void *other[OTHERS];
  void *p = malloc(64);
  for (int i = 0; i < OTHERS; i++) other[i] = malloc(64);
  free(p);
  for (int i = 0; i < OTHERS; i++) free(other[i]);
  stage("at once");
  finish(comes_back(p, 64));
}
