#!/bin/sh
# tests/traps/options.sh -- a bad MIDDEN_OPTIONS is one sentence, and the program goes on.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build work.c work

# says OPTIONS WORD: the program runs; standard error has one sentence with WORD in it, or nothing
# at all where WORD is empty.  The child that the program forks says nothing again.
says() {
  MIDDEN_OPTIONS=$1 on_midden "$work/work" >"$work/out" 2>"$work/errors" ||
    fail "MIDDEN_OPTIONS=$1: status $?, $(cat "$work/errors")"
  lines=$(wc -l <"$work/errors")
  if test -z "$2"; then
    test "$lines" = 0 || fail "MIDDEN_OPTIONS=$1 said: $(cat "$work/errors")"
  else
    said=$(grep -c "^midden: MIDDEN_OPTIONS: .*$2" "$work/errors" || :)
    test "$lines $said" = "1 1" || fail "MIDDEN_OPTIONS=$1 said: $(cat "$work/errors")"
  fi
  test ! -s "$work/out" || fail "MIDDEN_OPTIONS=$1 wrote to standard output"
  echo "ok: MIDDEN_OPTIONS=$(echo "$1" | cut -c1-60)"
}

says "" ""
says "," ""
says "hardened=0,feed=1,dirty_share=0" ""
says "heap_limit=1G,,dirty_share=100" ""
says "hardend=1" "hardened"
says "no_such_thing=1" "no_such_thing"
says "dirty_share=101" "dirty_share"
says "dirty_share=-1" "dirty_share"
says "heap_limit=64X" "heap_limit"
says "heap_limit" "heap_limit"
says "heap_limit=99999999999999999999999" "heap_limit"
says "=" "no option"
says "hardened=1=1" "hardened"
says "$(head -c 5000 /dev/zero | tr '\0' x)=1" "no option"
says "dirty_share=20,nonsense,more nonsense" "nonsense"
