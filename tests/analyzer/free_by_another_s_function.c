// warns: -Wanalyzer-mismatching-deallocation -Wmismatched-dealloc
#include <stdlib.h>

#include "midden/classic.h"

void mix(midden_classic *classic) { free(midden_classic_alloc(classic, 10)); }
