# tests/cli/a_replay_names_the_best.sh -- rows, verdict, JSON as documented, and a plot; threads, and
# every way of asking for a block; allocators that break, and limits.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program calls -pthread <<'END'
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
static void *box[3000];
static void *other(void *unused) {
  for (int i = 0; i < 3000; i++) box[i] = realloc(box[i], 3000 - i);
  return NULL;
}
int main(void) {
  free(realloc(NULL, 0));
  for (int i = 0; i < 3000; i++)
    box[i] = i % 3 == 0 ? malloc(i) : i % 3 == 1 ? calloc(i, 3) : memalign(16 << i % 9, i * 5);
  for (int round = 0; round < 4; round++) {
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    pthread_join(thread, NULL);
    free(box[round]);
    box[round] = malloc(100000);
  }
  for (int i = 0; i < 2900; i++) free(box[i]);
  return 0;
}
END
run 0 "$MIDDEN" record -o calls.midden -- ./calls
run 0 "$MIDDEN" replay calls.midden --rounds 1 --verify --json out.json --svg out.svg
[ ! -s err ] || fail "something was said"
for row in midden midden:hardened=1 glibc first-fit next-fit best-fit worst-fit segregated-fit \
  tlsf buddy obmalloc arena; do
  grep -q "^  $row  *[0-9.]* [mu]*s  *[0-9.]* [KM]*i*B  *[0-9.]* [KM]*i*B " out ||
    fail "no row of $row"
done
for words in "best time: " "best memory: " "knee: "; do
  tail -n 6 out | grep -q "^$words" || fail "the last lines have no '$words'"
done
said out "5 threads, 2 at once"
said out "The policies have no threads"
! sed -n 's/^\(best.*\|knee\): //p' out | grep -qv '^\(midden.*\|glibc\|[a-z]*malloc\)$' ||
  fail "what has no threads was judged"
$python -c 'import xml.dom.minidom; xml.dom.minidom.parse("out.svg")' || fail "no SVG"
grep -q 'prefers-color-scheme:dark' out.svg || fail "the plot is for light screens alone"
grep -q '>glibc' out.svg || fail "no mark of glibc"

# Every key is documented, and every documented key is there.
cat >compare.py <<'END'
import json, re, sys
j = json.load(open("out.json"))
written = set(j) | {"trace." + k for k in j["trace"]} | {"rows[]." + k for r in j["rows"] for k in r}
text = open(sys.argv[1]).read().split("## As JSON")[1]
documented = set(re.findall(r"^\| `([^`]+)` \|", text, re.M))
print(*sorted(written ^ documented), sep="\n", end="")
END
$python compare.py "$source/docs/replay.md" >differ
[ ! -s differ ] || fail "docs/replay.md and the output differ in: $(cat differ)"
check() { [ "$(json "$1" out.json)" = True ] || fail "not true: $1"; }
check 'all(r["finished"] and r["failures"] == 0 for r in j["rows"])'
check 'j["trace"]["threads"] == 5 and j["trace"]["threads_at_once"] == 2'
check '[r["seconds"] for r in j["rows"]] == sorted(r["seconds"] for r in j["rows"])'
check 'all(r["peak_rss"] >= r["mean_rss"] and 0 <= r["external"] < 1 for r in j["rows"])'
check 'j["best_time"] and j["best_memory"] and j["knee"] and True'

# What is not touched is not resident.
program large <<'END'
#include <stdlib.h>
int main(void) {
  void *p[40];
  for (int i = 0; i < 40; i++) p[i] = malloc(1 << 20);
  return p[7] == p[8];
}
END
run 0 "$MIDDEN" record -o large.midden -- ./large
run 0 "$MIDDEN" replay large.midden --under glibc --rounds 1 --json out.json
check 'j["rows"][0]["peak_rss"] < 4 << 20 and j["rows"][0]["peak_extent"] >= 40 << 20'
run 0 "$MIDDEN" replay large.midden --under glibc --rounds 1 --json out.json --touch all
check '40 << 20 <= j["rows"][0]["peak_rss"] < 44 << 20'

# A malloc from a file; one that breaks fails its row, and says at which event.
cat >mine.c <<'END'
#include <stddef.h>
static char room[64 << 20];
static size_t used, taken;
void *malloc(size_t n) {
  taken = used;
  used += (n + 31) & ~15ul;
  return used > LIMIT ? NULL : room + taken;
}
void *calloc(size_t n, size_t m) { return malloc(n * m); }
void *realloc(void *p, size_t n) { return malloc(n); }
void free(void *p) {}
int posix_memalign(void **p, size_t a, size_t n) { return !(*p = malloc(n)); }
END
mine() { ${CC:-cc} -O1 -w -fno-builtin -shared -fPIC "-DLIMIT=$2" -o "$1" mine.c; }
program one <<'END'
#include <stdlib.h>
int main(void) {
  for (int i = 0; i < 1000; i++) malloc(1000);
  free(realloc(malloc(500), 5000));
  return 0;
}
END
run 0 "$MIDDEN" record -o one.midden -- ./one
mine fine.so 'sizeof(room)'
mine small.so '(100 << 10)'
run 0 "$MIDDEN" replay one.midden --under ./fine.so,./small.so,glibc --rounds 1
grep -q '^  fine.so  *[0-9.]* [mu]*s ' out || fail "no row of fine.so"
grep -q '^  small.so  *failed at event 10[0-9] of [0-9]*: refused' out || fail "it did not fail"
# It moves no contents when it resizes.
run 0 "$MIDDEN" replay one.midden --under ./fine.so,glibc --rounds 1 --verify
grep -q '^  fine.so  *failed at event 1[0-9]* of [0-9]*: a block does not hold what it must' out ||
  fail "a wrong resize was not found"
run 1 "$MIDDEN" replay one.midden --under ./small.so --rounds 1
said out "knee: none"
said out "No row finished"

# Limits: of memory, of time; and a crash.
run 1 "$MIDDEN" replay large.midden --under midden,first-fit --limit 8M --rounds 1 --touch all
[ "$(grep -c 'failed at event [0-9]* of [0-9]*: .* limit of 8.0 MiB' out)" -eq 2 ] || fail "no limit"
cat >odd.c <<'END'
#include <stddef.h>
void *malloc(size_t n) {
  static char room[1 << 20];
  static int calls;
  if (calls++ > 900) ODD;
  return room;
}
void free(void *p) {}
END
odd() { ${CC:-cc} -O1 -w -fno-builtin -shared -fPIC "-DODD=$2" -o "$1" odd.c; }
odd slow.so 'for (;;) __asm__ volatile("")'
odd crash.so '__builtin_trap()'
run 0 "$MIDDEN" replay one.midden --under glibc,./slow.so,./crash.so --rounds 1 --time-limit 300ms
grep -q '^  slow.so  *failed at event 9[0-9]* of [0-9]*: over the time limit of 300 ms' out ||
  fail "no time limit"
grep -q '^  crash.so  *failed at event 9[0-9]* of [0-9]*: killed by signal 4' out || fail "no crash"
