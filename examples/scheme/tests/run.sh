#!/bin/sh
# examples/scheme/tests/run.sh -- runs programs on one collector and compares what they print.
# SPDX-License-Identifier: MIT
#
#   run.sh SCHEME COLLECTOR PROGRAM.scm...
#
# All in a heap so small that it is collected many times.  Those in tests/ run once more with a
# collection at each 97th allocation, store and poll, and the heap verified around it; but for those
# whose names begin with large.  One runs with a collection at each of these: a slot that is missing
# in a frame does not survive that.
set -u
scheme=$1 collector=$2
shift 2
bad=0

# try OPTIONS PROGRAM: whether it prints what is expected, errors too
try() {
  expected=${2%.scm}.expected
  (cd "$(dirname "$2")" &&
    MIDDEN_OPTIONS=$1 "$scheme" --gc "$collector" "$(basename "$2")" 2>&1) | cmp - "$expected" || {
    echo "failed: MIDDEN_OPTIONS=$1 $scheme --gc $collector $2"
    bad=1
  }
}

for program in "$@"; do
  try gc_young=1M,gc_initial=1M "$program"
  case $program in
    */gabriel/* | */large_*) ;;
    */data.scm) try gc_young=1M,gc_stress=1 "$program" ;;
    *) try gc_young=1M,gc_stress=97,gc_verify=1 "$program" ;;
  esac
done
exit $bad
