# tests/cli/a_replay_places_blocks_as_textbooks_do.sh -- the worked traces, from trace to address,
# one table for each policy; and the same fragmentation each time.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# worked NAME OPERATIONS: "a96" takes 96 bytes as a, "-a" gives them back.
worked() {
  echo "$2" | tr ' ' '\n' | awk '
    /^-/ { printf "--7-- free(0x%X)\n", at[substr($0, 2)]; next }
    { printf "--7-- malloc(%d) = 0x%X\n", substr($0, 2), at[substr($0, 1, 1)] = ++n * 1048576 }' >text
  run 0 "$MIDDEN" trace --import text "$1"
}
worked worked.midden \
  "a96 b208 c64 d160 e48 f112 -b -d g144 h80 -a i48 j96 -c k176 -f l240 -g m64 n192"
worked long.midden \
  "a1040 b16 c1072 d16 e1200 f16 -c -a -e g1040 h1040 i304 j1008 -b k1040 l32 m128 n4096"
worked powers.midden "a70 b35 c80 -a d60 -b e240 -d f120 -c g500 -e -f h1024"

# placed TRACE POLICY "ADDRESSES" OPTIONS...: where its blocks went, in order.
placed() {
  trace=$1 policy=$2 places=$3
  shift 3
  run 0 "$MIDDEN" replay "$trace" --under "$policy" --rounds 1 --addresses "$@"
  got=$(awk '$2 == "alloc" { printf "%s%s", sep, $5; sep = " " }' out)
  [ "$got" = "$places" ] || fail "$policy $* places at: $got"
}

for row in "first-fit:96 368 0 688 784 refused 48 112" "next-fit:688 832 912 0 96 272 576 640" \
  "best-fit:368 96 0 176 688 refused 576 272" "worst-fit:688 96 832 368 176 refused 576 640" \
  "segregated-fit:368 96 0 176 688 refused 576 272" "tlsf:368 96 0 176 688 refused 576 272"; do
  placed worked.midden "${row%%:*}" "0 96 304 368 528 576 ${row#*:}" --region 1024 --bare
done
# A header for each block, and another policy wins.
for row in "first-fit:128 432 16 800 912 refused 80 160" \
  "next-fit:800 960 1056 1120 16 208 464 672" "best-fit:432 128 16 224 800 992 672 336" \
  "worst-fit:800 960 16 80 192 refused 672 1056" \
  "segregated-fit:432 128 16 224 800 992 672 336" "tlsf:432 128 16 224 800 992 672 336"; do
  placed worked.midden "${row%%:*}" "16 128 352 432 608 672 ${row#*:}" --region 1280
done
# Where lists and tlsf part ways with best fit.
six="0 1040 1056 2128 2144 3344"
placed long.midden segregated-fit "$six 2144 0 1056 3360 4368 3184 3216 refused" --region 8K --bare
placed long.midden tlsf "$six 1056 2144 0 3360 4368 2096 3184 refused" --region 8K --bare
placed powers.midden buddy "0 128 256 192 512 384 refused 0" --region 1K
said out "1 failure, the first at event 11"

# All side by side, without being named.
run 0 "$MIDDEN" replay worked.midden --rounds 1 --region 1024 --bare --addresses
[ "$(awk '$1 == 9 && $2 == "alloc" { print NF }' out)" -eq 11 ] || fail "not seven policies"

# Recorded order is one order: what is held is the same to the byte, with threads too.
program crowd -pthread <<'END'
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
static _Atomic(void *) box[64];
static void *work(void *seed) {
  unsigned x = (unsigned)(long)seed;
  for (int i = 0; i < 10000; i++) {
    x = x * 1664525u + 1013904223u;
    void *p = atomic_exchange(&box[x >> 16 & 63], NULL);
    p = (x & 768) == 0 ? realloc(p, 1 + (x >> 20 & 4095)) : (free(p), malloc(x >> 20 & 1023));
    free(atomic_exchange(&box[x >> 16 & 63], p));
  }
  return NULL;
}
int main(void) {
  pthread_t thread[4];
  for (long i = 0; i < 4; i++) pthread_create(&thread[i], NULL, work, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  return 0;
}
END
run 0 "$MIDDEN" record -o crowd.midden -- ./crowd
policies=first-fit,next-fit,best-fit,worst-fit,segregated-fit,tlsf,buddy,obmalloc,arena
for time in one two; do
  run 0 "$MIDDEN" replay crowd.midden --under $policies --rounds 1 --verify --json $time.json
  json 'sorted((r["name"], r["external"], r["internal"], r["peak_extent"]) for r in j["rows"])' \
    $time.json >$time
done
[ "$(json 'len(j["rows"]) == 9 and all(r["external"] > 0 for r in j["rows"])' one.json)" = True ] ||
  fail "no fragmentation"
cmp one two || fail "the same replay fragments otherwise"
