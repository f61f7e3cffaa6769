#!/bin/sh
# tests/traps/family.sh -- the standard names: all of them Midden's, and as the standards say.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build family.c family
build new.cc new
build new_without_cxx.c new_without_cxx

library=$(basename "$LIBMIDDEN" | cut -d. -f1)
on_midden "$work/family" "$library" 2>"$work/errors" || fail "C names: $(cat "$work/errors")"
echo "ok: C names"
test -s "$work/errors" || fail "malloc_stats printed nothing on standard error"
must "C++ names" on_midden "$work/new"

# Without libstdc++ there is nothing to throw: one sentence, and the end.
status=0
(exec timeout 60 env LD_PRELOAD="$LIBMIDDEN" "$work/new_without_cxx" 2>"$work/errors") ||
  status=$?
test "$status" = 134 || fail "new without libstdc++ ended with status $status, not by abort"
test "$(wc -l <"$work/errors")" = 1 || fail "not one sentence: $(cat "$work/errors")"
grep -q '^midden: ' "$work/errors" || fail "not a sentence of ours: $(cat "$work/errors")"
echo "ok: C++ names without libstdc++"
