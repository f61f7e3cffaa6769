# tests/cli/a_diff_names_the_sites_that_grew.sh -- by their stacks, in another build too, and fails
# on request.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# store A B C: keeps A blocks of 100 bytes in `cache`, B of 50 in `index_of`, C of 10 in `log_of`.
# The second build is of another file in another folder, with other lines and addresses.
cat >store.c <<'C'
#include <stdlib.h>
static char *volatile kept[100000];
static int count;
__attribute__((noinline)) void cache(void) { kept[count++] = malloc(100); }
__attribute__((noinline)) void index_of(void) { kept[count++] = malloc(50); }
__attribute__((noinline)) void log_of(void) { kept[count++] = malloc(10); }
int main(int argc, char **argv) {
  for (int i = 0; i < atoi(argv[1]); i++) cache();
  for (int i = 0; i < atoi(argv[2]); i++) index_of();
  for (int i = 0; i < atoi(argv[3]); i++) log_of();
  exit(0);
}
C
mkdir one two
cp store.c one/store.c
{ echo '#include <string.h>
static int spare[1000];
int more(int n) { return spare[n % 1000]; }'; cat store.c; } >two/store.c
for folder in one two; do ${CC:-cc} -g -O1 -w -fno-builtin -o $folder/store $folder/store.c; done
# Every block is sampled, so that figures are exact.
for of in 'one 100 40 7' 'two 250 20 0' 'two 250 20 5'; do
  set -- $of
  folder=$1
  shift
  run 0 "$MIDDEN" run --quiet --option sample=1 -- ./$folder/store "$@"
done

run 0 "$MIDDEN" diff r1 r2 --json diff.json
grep -q '^from  r1: ./one/store 100 40 7, ' out || fail "the first run is not named"
grep -Eq '^ +9\.8 KiB +24\.4 KiB +\+14\.6 KiB +\+150\.0 % +\+150 +cache store.c:7 < main' out ||
  fail "cache did not grow by 150 blocks"
grep -Eq '^ +2\.0 KiB +1000 B +-1000 B +-50\.0 % +-20 +index_of ' out || fail "index_of did not shrink"
grep -Eq '^ +70 B +0 B +-70 B +gone +-7 +log_of ' out || fail "log_of is not gone"
[ "$(json '[(s["function"], s["bytes"], s["blocks"]) for s in j["sites"]]' diff.json)" = \
  "[('cache', 15000, 150), ('index_of', -1000, -20), ('log_of', -70, -7)]" ] ||
  fail "the JSON is not the largest change first"
[ "$(json '(sum(s["bytes"] for s in j["sites"]) == j["bytes"] ==
  j["live_bytes_after"] - j["live_bytes_before"] == 13930)' diff.json)" = True ] ||
  fail "changes do not add up"
[ "$(json '(j["sites"][0]["before"]["live_blocks"], j["sites"][0]["after"]["live_bytes"])' \
  diff.json)" = '(100, 25000)' ] || fail "the values are not the runs'"
run 0 "$MIDDEN" diff r2 r3
grep -Eq '^ +0 B +50 B +\+50 B +new +\+5 +log_of ' out || fail "log_of is not new"

# The gate.
run 86 "$MIDDEN" diff r1 r2 --threshold 14k
said err "midden: 1 site grew by more than the threshold, the first by +14.6 KiB: cache"
said err "exit status 86"
run 0 "$MIDDEN" diff --threshold 15k r1 r2
run 0 "$MIDDEN" diff r1 --threshold=151% r2
run 86 "$MIDDEN" diff r1 r2 --threshold 149% --json diff.json
[ "$(json '[s["exceeds"] for s in j["sites"]]' diff.json)" = '[True, False, False]' ] ||
  fail "the JSON does not say which site exceeds"
run 0 "$MIDDEN" diff r2 r1 --threshold 1000
run 86 "$MIDDEN" diff r2 r3 --threshold 0
run 0 "$MIDDEN" diff r2 r3 --threshold 1%

# A file and itself; what cannot be compared.
run 0 "$MIDDEN" report r1 -o one.json
run 0 "$MIDDEN" diff one.json r1 --json same.json
[ "$(json 'j["sites"], j["bytes"]' same.json)" = '([], 0)' ] || fail "a run differs from itself"
run 2 "$MIDDEN" diff r1
said err "midden: two runs are compared: give each as r12 of 'midden runs', last,"
run 2 "$MIDDEN" diff r1 r2 r3
run 2 "$MIDDEN" diff r1 r2 --threshold lots
said err "midden: 'lots' is no threshold: give a size such as 64k, or a part such as 10%"
run 2 "$MIDDEN" diff r1 r2 --threshold nan%
run 3 "$MIDDEN" diff r1 r9
said err "midden: there is no run r9"
