// warns: -Wanalyzer-double-free -Wuse-after-free
#include "midden/fit.h"

void twice(midden_fit *fit) {
  void *p = midden_fit_alloc(fit, 10);
  midden_fit_free(fit, p);
  midden_fit_free(fit, p);
}
