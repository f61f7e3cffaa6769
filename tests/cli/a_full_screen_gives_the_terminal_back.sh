# tests/cli/a_full_screen_gives_the_terminal_back.sh -- midden top on every way out, and where it
# cannot begin.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/screen.inc"

LD_PRELOAD="$LIBMIDDEN" sleep 1000 &
target=$!
started="$started $target"
is_listed() { "$MIDDEN" ps | grep -q "^ *$target "; }
wait_for is_listed

# begin: top in a shell that says how it ended, and what the terminal was before and after.
begin() {
  rm -f before after
  screen 80 24 "trap : INT; echo kept; stty -a >before; sh -c 'echo \$\$ >pid; exec $MIDDEN top $target'; \
    echo \"ended with \$?\"; stty -a >after"
  see "sleep ($target)"
  wait_for is_taken
}
ended() {
  see "ended with $1"
  see kept
  is_given_back || fail "the screen or its cursor was not given back"
  wait_for test -s after
  cmp before after || fail "the terminal's mode was not given back"
}

begin
press q
ended 0
begin
press Escape
ended 0
for signal in 1 2 3 11 15; do
  begin
  kill -$signal "$(cat pid)"
  ended $((128 + signal))
done
begin
press C-c
ended 130

# Stopped and woken, as a shell does it.
screen 80 24 "exec bash --norc -i"
press "PS1='ready> '" Enter
see "ready> "
press "$MIDDEN top $target" Enter
wait_for is_taken
press C-z
see Stopped
is_given_back || fail "the screen was not given back while it stands"
press fg Enter
wait_for is_taken
see "sleep ($target)"
press q
wait_for is_given_back

# A terminal that is gone.
begin
pid=$(cat pid)
undo
wait_for sh -c "! kill -0 $pid 2>/dev/null"

# Where it cannot begin it says why, and what to do.
run 2 "$MIDDEN" top $target
said err "midden: 'top' needs a terminal, to show figures and to read keys: without one use"
for term in dumb ''; do
  screen 160 24 "TERM=$term $MIDDEN top $target; echo \"ended with \$?\""
  see "ended with 2"
  said out "use 'midden watch PID', or set TERM"
done
screen 160 24 "TERM=nonsense $MIDDEN top $target; echo \"ended with \$?\""
see "ended with 1"
said out "as TERM has it, is not known here: use 'midden watch PID', or set TERM"
screen 160 24 "$MIDDEN top 999999999; echo \"ended with \$?\""
see "ended with 3"
said out "midden: there is no process 999999999: 'midden ps' lists those on Midden"
run 2 "$MIDDEN" top x
said err "midden: 'x' is not a process number: 'midden ps' lists them"
run 2 "$MIDDEN" top 1 2
said err "midden: 'top' takes nothing more: leave out '2'"

# Of a process that is not on Midden it shows what the kernel says.
sleep 1000 &
other=$!
started="$started $other"
screen 80 24 "$MIDDEN top $other"
see "sleep ($other)"
see "No sites are shown"
