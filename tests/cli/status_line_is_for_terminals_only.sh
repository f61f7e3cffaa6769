# tests/cli/status_line_is_for_terminals_only.sh -- it shows RSS and live heap there, stays within
# the width, and is gone at the end.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"
. "$(dirname "$0")/planted.inc"

line='RSS [0-9.]* [KM]iB  live [0-9.]* [KM]iB  [0-9.]*.* alloc/s  [0-9]* % free'
escape=$(printf '\033')

run 0 "$MIDDEN" run -- sleep 1
! grep -q -e 'alloc/s' -e "$escape" err || fail "a status line or colour where no terminal is"

# at COLUMNS TERM COMMAND...: on a terminal of that width, what it shows is in out.
at() {
  columns=$1 TERM=$2
  shift 2
  export TERM
  script -qec "stty rows 24 cols $columns; $*" /dev/null >out </dev/null
}

at 100 xterm "'$MIDDEN' run -- sh -c 'sleep 1; echo done'"
grep -q "$line" out || fail "there is no status line"
said out done
# The whole screen scrolls again and the row is empty, before the report.
sed -n '1,/Midden: /p' out | grep -q "${escape}\[r${escape}\[24;1H${escape}\[K" ||
  fail "the line was not erased"

# What it draws is never wider than the terminal.
at 40 xterm "'$MIDDEN' run -- sleep 1"
tr "$escape" '\n' <out | sed -n 's/^\[2;7m//p' >lines
[ -s lines ] || fail "there is no status line on a narrow terminal"
! grep -q '.\{40\}' lines || fail "a line is wider than the terminal"

at 100 xterm "'$MIDDEN' run --quiet -- sleep 1"
! grep -q 'RSS' out || fail "--quiet showed something"
at 100 dumb "'$MIDDEN' run -- sleep 1"
! grep -q -e 'alloc/s' -e "$escape" out || fail "escapes on a dumb terminal"
at 100 xterm "NO_COLOR=1 '$MIDDEN' run -- true"
! grep -q "$escape" out || fail "colour in spite of NO_COLOR"

# A program that has the terminal in a mode of its own is left alone.
at 100 xterm "'$MIDDEN' run -- sh -c 'stty -icanon; sleep 1; stty icanon'"
! grep -q 'alloc/s' out || fail "it drew over a program that owns the screen"

# What grows is said while it does.
grows
at 100 xterm "'$MIDDEN' run -- ./grows 6"
sed -n '1,/Midden: /p' out | grep -q 'growing: add_listener (' || fail "nothing warned"
