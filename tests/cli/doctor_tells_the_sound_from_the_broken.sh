# tests/cli/doctor_tells_the_sound_from_the_broken.sh -- `midden doctor`, on processes and cores.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program patient <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char *block[1000];
  for (int i = 0; i < 1000; i++) block[i] = malloc(200);
  for (int i = 0; i < 1000; i += 2) free(block[i]);
  if (argc > 1) memset(block[500], 'x', 20);
  printf("%p\n", (void *)block[500]);
  fflush(stdout);
  pause();
}
END

# start FILE [ARGUMENT]: leaves its number in pid, and what it says in FILE.
start() {
  to=$1
  shift
  LD_PRELOAD="$LIBMIDDEN" ./patient "$@" >"$to" &
  pid=$!
  started="$started $pid"
  wait_for test -s "$to"
}

start whole
run 0 "$MIDDEN" doctor $pid --json whole.json
said out "the heap of process $pid (./patient) is sound"
not_said out BROKEN
$python -c '
import json
d = json.load(open("whole.json"))
assert d["sound"] is True and d["faults"] == []
assert d["parts"]["free_blocks"]["checked"] >= 500'
kill -0 $pid || fail "the process did not go on"

# The core tells the same.
run 0 gcore -o core $pid
run 0 "$MIDDEN" doctor core.$pid
said out "the heap in core.$pid is sound"

start damaged x
run 1 "$MIDDEN" doctor --json damaged.json $pid
said out "is broken"
said out "$(cat damaged) a free block that was written to after it was freed"
said out "--option hardened=1"
$python -c '
import json
d = json.load(open("damaged.json"))
assert d["sound"] is False
assert d["faults"][0]["address"] == int(open("damaged").read(), 16)'

# What cannot be looked at.
sleep 60 &
started="$started $!"
run 3 "$MIDDEN" doctor $!
said err "process $!: it does not run on Midden: start it with 'midden run'"
run 3 "$MIDDEN" doctor 2147483647
said err "there is no such process"
run 3 "$MIDDEN" doctor "$MIDDEN"
said err "give its core file"
run 3 "$MIDDEN" doctor nowhere
said err "'nowhere': No such file"
run 2 "$MIDDEN" doctor
said err "a process or a core file is missing"
run 2 "$MIDDEN" doctor 1 2
