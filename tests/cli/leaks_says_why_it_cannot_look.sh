# tests/cli/leaks_says_why_it_cannot_look.sh -- one sentence, a status of its own, nothing changed.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# cannot STATUS SENTENCE ARGUMENTS...: the sentence begins so, and stands alone.
cannot() {
  status=$1
  sentence=$2
  shift 2
  run "$status" timeout 20 "$MIDDEN" leaks "$@"
  grep -qF "midden: $sentence" err || fail "'midden leaks $*' did not say: $sentence"
  [ "$(wc -l <err)" -eq 1 ] || fail "'midden leaks $*' said more than a line"
  [ ! -s out ] || fail "'midden leaks $*' wrote to standard output"
}

cannot 2 "a process or a core file is missing: midden leaks [OPTION]... PID|CORE"
cannot 2 "'leaks' has no option '--jsn': did you mean '--json'?" --jsn x 1
cannot 2 "'leaks' takes nothing more: leave out '2'" $$ 2
cannot 2 "'0' is not a process number" 0
cannot 2 "'99999999999999999999' is not a process number" 99999999999999999999
cannot 3 "process 2147483647: " 2147483647
cannot 3 "'nowhere': " nowhere
cannot 3 "'.': " .
: >empty
cannot 3 "'empty': " empty
head -c 100000 /dev/urandom >noise
cannot 3 "'noise': " noise
mkfifo pipe
cannot 3 "'pipe': " pipe
cannot 3 "'/bin/sh': " /bin/sh

# Not on Midden; it goes on.
sleep 60 &
pid=$!
started="$started $pid"
cannot 3 "process $pid: " $pid
[ "$(cut -d' ' -f3 /proc/$pid/stat)" = S ] || fail "it does not go on"

# A folder that is not there is told of before the process stops.
MIDDEN_OPTIONS= LD_PRELOAD="$LIBMIDDEN" sleep 60 &
pid=$!
started="$started $pid"
wait_for grep -q libmidden /proc/$pid/maps
run 2 "$MIDDEN" leaks --json nowhere/out.json $pid
said err "nowhere/out.json"
run 0 "$MIDDEN" leaks --json /dev/stdout $pid
said out '"groups": []'

# A core that was cut short says so instead of accusing anyone.
gcore -o core $pid >gcore.out 2>&1 || fail "no core file"
run 0 "$MIDDEN" leaks core.$pid
bytes=$(wc -c <core.$pid)
for part in 1 3 10 50 90; do
  head -c $((bytes * part / 100)) core.$pid >cut
  got=0
  "$MIDDEN" leaks cut >out 2>err || got=$?
  case $got in
    0 | 3) ;;
    1) ! grep -q "^ *certain" out || fail "of $part % of a core it is certain" ;;
    *) fail "of $part % of a core it ended with $got" ;;
  esac
done
