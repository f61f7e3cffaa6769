#!/bin/sh
# tests/misuse/attack.sh MODE PROGRAM -- run an attack on libmidden and hold its outcome against its
# row in docs/security.md.
# SPDX-License-Identifier: MIT
#
# MODE, default or hardened, says which of the row's cells.  The blocks are no samples: of those, in
# spans of their own, more is detected.  `by chance A/B` in it: out of RUNS runs
# that share end otherwise than by `not`, give or take five standard deviations.
# The environment names SOURCE and LIBMIDDEN.
set -u
mode=$1 program=$2 table=$SOURCE/docs/security.md
. "$SOURCE/tests/misuse/outcome.inc"
ulimit -c 0
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT

case $mode in
default) column=3 MIDDEN_OPTIONS=sample=0 ;;
hardened) column=4 MIDDEN_OPTIONS=sample=0,hardened=1 ;;
esac
export MIDDEN_OPTIONS
name=$(basename "$program")
name=${name#attack_}
row=$(grep -F "(../tests/misuse/attacks/$name.c)" "$table") || {
  echo "$table has no row for tests/misuse/attacks/$name.c"
  exit 1
}
cell=$(echo "$row" | cut -d'|' -f$column | sed 's/^ *//; s/ *$//')

fail() {
  echo "$name, $mode: $1, and $table says '$cell'; the last run said:"
  cat "$place/said"
  exit 1
}

case $cell in
"by chance "*)
  runs=256 run=0 stopped=0
  while [ $run -lt $runs ]; do
    [ "$(outcome "$LIBMIDDEN" "$program")" = not ] || stopped=$((stopped + 1))
    run=$((run + 1))
  done
  awk -v odds="${cell#by chance }" -v runs=$runs -v stopped=$stopped 'BEGIN {
    split(odds, o, "/"); p = o[1] / o[2]
    off = stopped - runs * p
    exit off * off > 25 * runs * p * (1 - p) }' || fail "stopped in $stopped of $runs runs"
  ;;
*)
  is=$(outcome "$LIBMIDDEN" "$program")
  [ "$is" = "$cell" ] || fail "it ended '$is'"
  ;;
esac
