// warns: -Warray-bounds
#include "midden/malloc.h"

void write_past(int *out) {
  int *p = midden_malloc(4 * sizeof *p);
  if (p == NULL) return;
  p[4] = 1;
  *out = p[4];
  midden_free(p);
}
