#!/bin/sh
# tests/traps/guard.sh -- hardened=1: the page after a large block is out of bounds, and guards stop
# before vm.max_map_count is used up.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build guard.c guard
MIDDEN_OPTIONS=hardened=1
export MIDDEN_OPTIONS

for crime in after before; do
  status=0
  on_midden "$work/guard" "$crime" 2>/dev/null || status=$?
  test "$status" = 139 || fail "$crime: status $status instead of a segmentation fault"
  echo "ok: $crime a large block"
done
must "100,000 large blocks at once" on_midden "$work/guard" many
