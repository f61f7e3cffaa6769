# tests/cli/attach_finds_what_began_before.sh -- findings of a process that runs already, and what is
# said where there is none to look at.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"
. "$(dirname "$0")/planted.inc"

grows
LD_PRELOAD=$LIBMIDDEN ./grows 100 &
pid=$!
started="$started $pid"
sleep 2
run 0 "$MIDDEN" attach --for 1s --json out.json $pid
said out "growing: add_listener"
[ "$(json 'j[0]["findings"][0]["function"]' out.json)" = add_listener ] || fail "it is not in the JSON"
run 86 "$MIDDEN" attach --for 500ms --fail-on growing:possible $pid
kill -0 $pid || fail "it did not go on"
ls midden/*.samples >/dev/null || fail "its sample file was taken away"

run 2 "$MIDDEN" attach
said err "midden: a process is missing"
run 2 "$MIDDEN" attach here
said err "midden: 'here' is not a process number"
run 1 "$MIDDEN" attach 4194304
said err "midden: there is no process 4194304"
sleep 100 &
started="$started $!"
run 3 "$MIDDEN" attach $!
said err "does not run on Midden"
LD_PRELOAD=$LIBMIDDEN MIDDEN_OPTIONS=sample=0 ./grows 100 &
started="$started $!"
wait_for sh -c "ls midden/$!.*.feed 2>/dev/null"
run 3 "$MIDDEN" attach $!
said err "does not sample its allocations"
