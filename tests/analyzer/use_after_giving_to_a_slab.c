// warns: -Wanalyzer-use-after-free -Wuse-after-free
#include "midden/slab.h"

int late(midden_slab *slab) {
  int *p = midden_slab_take(slab);
  if (p == NULL) return 0;
  midden_slab_give(slab, p);
  return *p;
}
