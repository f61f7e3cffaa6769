// warns: -Wanalyzer-possible-null-dereference
#include "midden/malloc.h"

void use(void) {
  int *p = midden_malloc(sizeof *p);
  *p = 1;
  midden_free(p);
}
