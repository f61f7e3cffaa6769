// warns: -Wanalyzer-malloc-leak
#include "midden/pool.h"

int leak(midden_shared_pool *pool) {
  int *p = midden_shared_pool_take(pool);
  if (p == NULL) return 0;
  *p = 1;
  return *p;
}
