#!/bin/sh
# tests/traps/descriptors.sh -- daemons close every descriptor, and some start without the first
# three: the heap may hold none that it needs, and may take none that the program counts on.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build descriptors.c descriptors
must "all descriptors closed" on_midden "$work/descriptors" close "$work/mine"
must "started without standard descriptors" sh -c "exec timeout 60 env LD_PRELOAD='$LIBMIDDEN' \
  '$work/descriptors' none '$work/mine' <&- >&- 2>&-"
must "no descriptor to be had" on_midden "$work/descriptors" few "$work/mine"
