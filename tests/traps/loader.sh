#!/bin/sh
# tests/traps/loader.sh -- a used-up heap_limit refuses the program, and not the dynamic loader.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build loader.c loader
build loader_plugin.c plugin.so -shared -fPIC
MIDDEN_OPTIONS=heap_limit=32M must "a large thread-local block at the limit" \
  on_midden "$work/loader" "$work/plugin.so"
MIDDEN_OPTIONS=heap_limit=32M,hardened=1,quarantine=0 must "the same, hardened" \
  on_midden "$work/loader" "$work/plugin.so"
