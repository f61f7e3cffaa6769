# tests/cli/signals_reach_the_program_once.sh -- what is sent to midden is passed on; what a
# terminal sends to all of a job's processes is not sent twice.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

cat >count.py <<'P'
import os, signal, sys, time
seen = {}
def note(number, frame):
    seen[number] = seen.get(number, 0) + 1
for name in ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2"):
    signal.signal(getattr(signal, "SIG" + name), note)
open("ready", "w").write(str(os.getpid()))
while not os.path.exists("enough"):
    time.sleep(0.02)
print(" ".join("%s=%d" % (signal.Signals(s).name, n) for s, n in sorted(seen.items())))
P

"$MIDDEN" run --quiet -- $python count.py >out 2>err &
midden=$!
started="$started $midden"
wait_for test -s ready
program=$(cat ready)
for signal in TERM HUP USR1 USR2; do
  kill -$signal $midden
  sleep 0.3
done
touch enough
wait $midden || fail "it ended with $?"
said out "SIGHUP=1 SIGUSR1=1 SIGUSR2=1 SIGTERM=1"

# The status is the program's own when a signal that was passed on ends it.
rm -f ready enough
"$MIDDEN" run --quiet -- sh -c 'echo $$ >ready; exec sleep 100' &
midden=$!
started="$started $midden"
wait_for test -s ready
kill -TERM $midden
status=0
wait $midden || status=$?
[ $status -eq 143 ] || fail "it ended with $status, not by SIGTERM"
! kill -0 "$(cat ready)" 2>/dev/null || fail "the program still runs"

# ^C and ^\ at a terminal: one signal each, in the program and not in midden.
rm -f ready
{
  wait_for test -s ready
  sleep 0.3
  printf '\003'
  sleep 0.3
  printf '\034'
  sleep 0.3
  touch enough
} | script -qec "exec '$MIDDEN' run --quiet -- $python count.py" /dev/null >out
said out "SIGINT=1 SIGQUIT=1"

# Stopped by a signal, the program stops too; both go on together.  In a group of its own, since
# the kernel does not stop a group that no shell looks after, as a test's may be.
rm -f ready enough
$python -c 'import os, sys; os.setpgid(0, 0); os.execv(sys.argv[1], sys.argv[1:])' \
  "$MIDDEN" run --quiet -- $python count.py >out 2>err &
midden=$!
started="$started $midden"
wait_for test -s ready
program=$(cat ready)
# One that is traced stops as 't', of tracing.
state_is() { [ "$(sed 's/.*) \(.\).*/\1/' /proc/$1/stat | tr t T)" = "$2" ]; }
kill -TSTP $midden
wait_for state_is $program T
kill -CONT $midden
wait_for state_is $program S
touch enough
wait $midden || fail "after a stop it ended with $?"
