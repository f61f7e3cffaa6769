# tests/cli/children_are_followed.sh -- also through exec, and those that outlive the program.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

check() { [ "$(json "$1" out.json)" = True ] || fail "not true: $1"; }
hold='x = bytearray(int(sys.argv[1]) << 20); time.sleep(float(sys.argv[2]))'
echo "import sys, time; $hold" >hold.py

run 0 "$MIDDEN" run --json out.json -- \
  sh -c "$python hold.py 10 0.5 & $python hold.py 30 0.5 & wait"
check 'len(j) == 3 and j[0]["process"]["command"].startswith("sh -c")'
check 'sorted(p["process"]["peak_live_bytes"] >> 20 > 25 for p in j) == [False, False, True]'
said err "All 3 processes of the run"
# The shell was nothing: the one that held most is shown as well.
[ "$(grep -c '^Midden: ' err)" -eq 2 ] || fail "the largest process is not shown in full"
[ "$(find midden -name '*.feed' | wc -l)" -eq 0 ] || fail "feeds were left behind"

# exec is one process: what it is at the end counts.
run 0 "$MIDDEN" run --json out.json -- sh -c "exec $python hold.py 20 0.3"
check 'len(j) == 1 and "hold.py" in j[0]["process"]["command"]'
check 'j[0]["process"]["peak_live_bytes"] > 20 << 20'

# Forked without exec.
run 0 "$MIDDEN" run --json out.json -- $python -c '
import os, time
x = bytearray(20 << 20)
if os.fork() == 0:
    y = bytearray(5 << 20)
    time.sleep(0.5)
    os._exit(0)
os.wait()'
check 'len(j) == 2 and j[1]["memory"]["live"] > 25 << 20'

# Many that are gone before anyone looks.
run 0 "$MIDDEN" run --json out.json -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do perl -e 1; done'
check 'len(j) == 11'
[ "$(find midden -name '*.feed' | wc -l)" -eq 0 ] || fail "feeds were left behind"

# The run ends with the program, not with what it left running.
run 0 "$MIDDEN" run --json out.json -- \
  sh -c "$python hold.py 10 60 >/dev/null 2>&1 & echo \$!; sleep 1"
left=$(cat out)
started="$started $left"
said err "1 process of the run still lives."
check '[p["process"]["pid"] for p in j if p["process"]["lives"]] == ['"$left]"
kill -0 "$left" || fail "it was killed"
run 0 "$MIDDEN" ps
grep -q "^ *$left .*hold.py" out || fail "midden ps does not list it"

# Among hundreds of feeds that processes of another run left, in whatever order they are found.
MIDDEN_OPTIONS=feed=keep LD_PRELOAD="$LIBMIDDEN" perl -e 1
for feed in midden/*.feed; do
  for i in $(seq 300); do cp "$feed" "midden/$((4000000 + i * 7919 % 300)).9$((i % 7))00000000000.feed"; done
done
run 0 "$MIDDEN" run --json out.json -- sh -c 'for i in 1 2 3 4 5; do sleep 0.1; done'
check 'len(j) == 6'
[ "$(find midden -name '4000*.feed' | wc -l)" -eq 300 ] || fail "feeds of others were taken"
