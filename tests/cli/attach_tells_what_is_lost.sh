# tests/cli/attach_tells_what_is_lost.sh -- a process that runs is walked at the end of the looks: what
# nothing points to any more is among the findings, and the process goes on.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program drops -g <<'P'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
char *kept[300];
__attribute__((noinline)) char *make(int n) {
  char *block = malloc(120);
  memset(block, n, 120);
  return block;
}
__attribute__((noinline)) void scrub(void) {
  char room[4096];
  memset(room, 0, sizeof room);
  __asm__ volatile("" : : "r"(room) : "memory");
}
int main(void) {
  for (int i = 0; i < 300; i++) kept[i] = make(i);
  for (int i = 0; i < 200; i++) kept[i] = NULL;
  scrub();
  FILE *ready = fopen("ready", "w");
  fprintf(ready, "%d\n", (int)getpid());
  fclose(ready);
  for (;;) pause();
}
P
LD_PRELOAD=$LIBMIDDEN ./drops &
pid=$!
started="$started $pid"
wait_for test -s ready

run 86 "$MIDDEN" attach --for 200ms --json out.json --fail-on leaked $pid
said out "leaked: make (certain)"
said out "200 blocks"
[ "$(json '[(f["function"], f["line"], f["confidence"], f["blocks"]) for f in j[0]["findings"]
  if f["kind"] == "leaked"]' out.json)" = "[('make', 7, 'certain', 200)]" ] || fail "other losses"
[ "$(json 'j[0]["process"]["seen_last"]' out.json)" = False ] || fail "it has not ended"
kill -0 $pid || fail "it did not go on"

# One that another traces cannot be walked; the other findings are told as ever.
rm ready
"$MIDDEN" run --quiet -- ./drops &
started="$started $!"
wait_for test -s ready
traced=$(cat ready)
started="$started $traced"
run 0 "$MIDDEN" attach --for 200ms --json out.json --fail-on leaked "$traced"
said err "what it has lost was not looked for: it is traced by process $!"
[ "$(json 'len(j[0]["notes"])' out.json)" = 1 ] || fail "the JSON does not say so"
