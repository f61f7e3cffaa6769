#!/bin/sh
# tests/traps/spawn.sh -- vfork, posix_spawn, system and popen from threads, while others allocate.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build spawn.c spawn
must "children of four kinds from four threads" on_midden "$work/spawn"
