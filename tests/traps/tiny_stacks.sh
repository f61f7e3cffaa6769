#!/bin/sh
# tests/traps/tiny_stacks.sh -- threads with the least stack that there is use the whole heap.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build tiny_stacks.c tiny_stacks
must "stacks of PTHREAD_STACK_MIN" on_midden "$work/tiny_stacks"
must "the same, hardened" env MIDDEN_OPTIONS=hardened=1 timeout 120 \
  env LD_PRELOAD="$LIBMIDDEN" "$work/tiny_stacks"
