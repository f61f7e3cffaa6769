// warns: -Wanalyzer-malloc-leak
#include "midden/malloc.h"

int leak(int n) {
  char *p = midden_malloc(100);
  if (p == NULL) return 0;
  p[0] = (char)n;
  return p[0];
}
