#!/bin/sh
# tests/traps/early_late.sh -- use before any constructor and after every destructor.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build early_late_library.c first.so -shared -fPIC
build early_late_wrapper.c wrapper.so -shared -fPIC
build early_late.c early_late "$work/first.so" -Wl,-rpath,"$work"
build early_late_static.cc early_late_static

must "preinit_array, constructors, destructors, atexit" on_midden "$work/early_late"
must "objects with static life" on_midden "$work/early_late_static"
must "a wrapper that finds malloc by dlsym" \
  timeout 60 env LD_PRELOAD="$work/wrapper.so:$LIBMIDDEN" "$work/early_late"
must "the same, behind us" \
  timeout 60 env LD_PRELOAD="$LIBMIDDEN:$work/wrapper.so" "$work/early_late"
must "another preloaded library before us" \
  timeout 60 env LD_PRELOAD="$work/first.so:$LIBMIDDEN" "$work/early_late"
