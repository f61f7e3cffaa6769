// warns: -Wanalyzer-use-after-free -Wuse-after-free
#include "midden/classic.h"

int use(midden_classic *classic) {
  int *p = midden_classic_alloc(classic, sizeof *p);
  if (p == NULL) return 0;
  *p = 1;
  midden_classic_free(classic, p);
  return *p;
}
