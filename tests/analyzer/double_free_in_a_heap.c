// warns: -Wanalyzer-double-free -Wuse-after-free
#include "midden/heap.h"

void free_twice(midden_heap *heap) {
  void *p = midden_heap_alloc(heap, 100);
  midden_heap_free(p);
  midden_heap_free(p);
}
