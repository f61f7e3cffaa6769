# tests/cli/recorded_events_are_the_programs.sh -- every call with its kind, size, alignment, thread
# and caller; nothing else, and nothing lost.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program calls -pthread <<'END'
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
static void *other(void *p) {
  free(p);
  return malloc(777);
}
int main(void) {
  void *p = malloc(12345), *q = calloc(3, 1111), *r = memalign(256, 4444), *big = malloc(1 << 21);
  p = realloc(p, 54321);
  q = realloc(q, 3334);
  free(r);
  free(big);
  free(realloc(NULL, 99));
  pthread_t thread;
  pthread_create(&thread, NULL, other, p);
  pthread_join(thread, &p);
  free(p);
  free(q);
  return 7;
}
END
for options in hardened=0 hardened=1; do
  run 7 "$MIDDEN" record --option $options -o calls.midden -- ./calls
  said err "midden: recorded"
  not_said err "lost"
  run 0 "$MIDDEN" trace --csv calls.csv calls.midden
  said out "calls"
  # The thread library allocates for itself; what the program did names the program.
  grep ',calls+' calls.csv | cut -d, -f2-7 >events
  cat >want <<'END'
1,1,malloc,1#0,12345,16
1,1,calloc,1#1,3333,16
1,1,aligned,1#2,4444,256
1,1,malloc,1#3,2097152,16
1,1,resize,1#0,54321,
1,1,resize,1#1,3334,
1,1,free,1#2,,
1,1,free,1#3,,
1,1,realloc,1#4,99,16
1,1,free,1#4,,
1,2,free,1#0,,
1,2,malloc,2#0,777,16
1,1,free,2#0,,
1,1,free,1#1,,
END
  diff want events || fail "not the events of the program ($options)"
done

# Threads that pass blocks around, and resize each other's: every one is found again.
program crowd -pthread <<'END'
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
static _Atomic(void *) box[512];
static atomic_long births, frees, resizes;
static void *work(void *seed) {
  unsigned x = (unsigned)(long)seed * 7919 + 1;
  for (int i = 0; i < 50000; i++) {
    x = x * 1664525u + 1013904223u;
    void *p = atomic_exchange(&box[x >> 16 & 511], NULL);
    if (p == NULL) p = malloc(x >> 20 & 1023), births++;
    else if ((x & 768) == 0) p = realloc(p, 1 + (x >> 20 & 4095)), resizes++;
    else free(p), p = NULL, frees++;
    if (p != NULL && (p = atomic_exchange(&box[x >> 16 & 511], p)) != NULL) free(p), frees++;
  }
  return NULL;
}
int main(void) {
  for (int round = 0; round < 3; round++) {
    pthread_t thread[6];
    for (long i = 0; i < 6; i++) pthread_create(&thread[i], NULL, work, (void *)(i + 6 * round));
    for (int i = 0; i < 6; i++) pthread_join(thread[i], NULL);
  }
  printf("%ld %ld %ld\n", births, frees, resizes);
  return 0;
}
END
run 0 "$MIDDEN" record -o crowd.midden -- ./crowd
read -r births frees resizes <out
not_said err "lost"
run 0 "$MIDDEN" trace --csv crowd.csv crowd.midden
not_said out "not seen"
not_said out "wrong"
count() { grep ',crowd+' crowd.csv | grep -c ",$1,"; }
[ "$(count malloc)" -eq "$births" ] || fail "$(count malloc) allocations, not $births"
[ "$(count free)" -eq "$frees" ] || fail "$(count free) frees, not $frees"
[ "$(count resize)" -eq "$resizes" ] || fail "$(count resize) resizes, not $resizes"
[ "$(find midden -name '*.ring' -o -name '*.feed' | wc -l)" -eq 0 ] || fail "files were left behind"
