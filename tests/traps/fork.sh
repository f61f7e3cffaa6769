#!/bin/sh
# tests/traps/fork.sh -- fork from a program that allocates on every thread; the child goes on with
# the heap: allocates, frees what the parent's threads made, makes threads and forks again.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build fork.c fork
must "300 forks amid allocating threads" on_midden "$work/fork"
must "300 forks amid allocating threads, hardened" \
  env MIDDEN_OPTIONS=hardened=1 timeout -k 5 120 env LD_PRELOAD="$LIBMIDDEN" "$work/fork"
