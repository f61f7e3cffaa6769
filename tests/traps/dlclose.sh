#!/bin/sh
# tests/traps/dlclose.sh -- libraries that use the heap come and go, and the heap's own stays.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build dlclose_plugin.c plugin.so -shared -fPIC
build dlclose.c dlclose
must "500 times dlopen and dlclose, threads in between" on_midden "$work/dlclose" "$work/plugin.so"
must "libmidden itself, opened and closed late" "$work/dlclose" "$work/plugin.so" "$LIBMIDDEN"
