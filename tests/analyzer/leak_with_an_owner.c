// warns: -Wanalyzer-malloc-leak
#include "midden/classic.h"

int leak(midden_classic *classic) {
  int *p = midden_classic_alloc(classic, sizeof *p);
  if (p == NULL) return 0;
  *p = 1;
  return *p;
}
