// warns: -Wanalyzer-double-free -Wuse-after-free
#include "midden/malloc.h"

void free_twice(void) {
  void *p = midden_calloc(3, 100);
  midden_free(p);
  midden_free(p);
}
