// warns: -Wanalyzer-mismatching-deallocation -Wmismatched-dealloc
#include <stdlib.h>

#include "midden/buddy.h"

void mix(midden_buddy *buddy) { free(midden_buddy_alloc(buddy, 10)); }
