// warns: -Wanalyzer-use-after-free -Wuse-after-free
#include "midden/malloc.h"

int use(void) {
  int *p = midden_aligned_alloc(64, 100);
  if (p == NULL) return 0;
  *p = 1;
  midden_free(p);
  return *p;
}
