# tests/cli/who_holds_what_grows_is_told.sh -- the way from a global to the blocks that become more.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

cat >grow.c <<'C'
#include <stdlib.h>
#include <string.h>
#include <time.h>
struct entry { struct entry *next; char text[200]; };
static struct entry **cache;
__attribute__((noinline)) static void keep(int i) {
  struct entry *entry = malloc(sizeof *entry);
  memset(entry->text, i, sizeof entry->text);
  entry->next = cache[i % 64];
  cache[i % 64] = entry;
}
int main(void) {
  cache = calloc(64, sizeof *cache);
  for (int i = 0; i < 6000; i++) {
    char *volatile work = malloc(4000);
    memset(work, i, 4000);
    free(work);
    keep(i);
    nanosleep(&(struct timespec){0, 1000000}, 0);
  }
}
C
cc -O1 -g grow.c -o grow
run 0 "$MIDDEN" run --json out.json -- ./grow
grep -q "held  *by global cache in grow -> main" err || fail "the way is not told"
grew='[f for f in j[0]["findings"] if f["kind"] == "growing" and f["function"] == "keep"][0]'
check() { [ "$(json "$1" out.json)" = True ] || fail "not true: $1"; }
check "$grew"'["held_by"] == ["global cache in grow", "main (grow.c:13)", "keep (grow.c:7)"]'
check '6000 * 208 <= '"$grew"'["retained"] < 6000 * 320'
