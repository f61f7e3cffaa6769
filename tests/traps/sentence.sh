#!/bin/sh
# tests/traps/sentence.sh -- a crime is one sentence that names the pointer, however little of the
# program is left to say it with.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build sentence.c sentence

# commit CRIME WORDS: dies by SIGABRT, says WORDS and the pointer that the program printed, once.
commit() {
  status=0
  # exec, so that the shell's own "Aborted" does not get among the program's words.
  (exec timeout 60 env LD_PRELOAD="$LIBMIDDEN" "$work/sentence" "$1" \
    >"$work/pointer" 2>"$work/errors") || status=$?
  test "$status" = 134 || fail "$1: status $status instead of an abort: $(cat "$work/errors")"
  test "$(wc -l <"$work/errors")" = 1 || fail "$1 is not one sentence: $(cat "$work/errors")"
  grep -q "^midden: $2 at $(cat "$work/pointer"): ..* (process [0-9]*)\$" "$work/errors" ||
    fail "$1 of $(cat "$work/pointer"): $(cat "$work/errors")"
  echo "ok: $1: $2"
}

for crime in small medium large; do commit "double-$crime" "double free"; done
for crime in small medium large; do commit "inside-$crime" "not a block's start"; done
for crime in stack global low non-canonical; do commit "$crime" "wild pointer"; done
commit in-a-handler "double free"
commit in-a-thread "double free"
commit in-a-child "double free"
commit at-exit "double free"
