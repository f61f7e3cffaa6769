#!/bin/sh
# tests/misuse/run.sh SOURCE PROGRAM -- run one crime on libmidden and judge how it ended.
# SPDX-License-Identifier: MIT
#
# The head of SOURCE says what must happen, in // comments at the top:
#   expect: WORDS     it stops by SIGABRT, and standard error holds WORDS
#   expect-ok         instead of that: it exits 0, and says nothing
#   options: a=1,b=2  MIDDEN_OPTIONS for the run
# The environment names LIBMIDDEN.
set -u
source=$1 program=$2
ulimit -c 0
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT

head_line() { sed -n "1,5s|^// $1||p" "$source"; }
options=$(head_line 'options: ')
expect=$(head_line 'expect: ')

fail() {
  echo "$source: $1, with MIDDEN_OPTIONS=$with; exit status $status, standard error:"
  cat "$place/err"
  exit 1
}

judge() {
  if [ -n "$expect" ]; then
    [ "$status" -eq 134 ] || fail "expected SIGABRT (134)"
    grep -qF -e "$expect" "$place/err" || fail "expected the words '$expect'"
  elif grep -q '^// expect-ok' "$source"; then
    [ "$status" -eq 0 ] || fail "expected success"
    [ ! -s "$place/err" ] || fail "expected silence"
  else
    fail "its head has neither 'expect: WORDS' nor 'expect-ok'"
  fi
}

# Blocks that are samples, as all are of a program so small, have spans of their own.
for with in "$options" "$options,sample=0"; do
  XDG_RUNTIME_DIR=$place MIDDEN_OPTIONS=$with LD_PRELOAD=$LIBMIDDEN \
    "$program" >"$place/out" 2>"$place/err"
  status=$?
  judge
done
