#!/bin/sh
# tests/traps/thread_exit.sh -- destructors of a thread's end still allocate and free, all rounds.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build thread_exit.c thread_exit
build thread_local.cc thread_local
must "pthread keys whose destructors allocate" on_midden "$work/thread_exit"
must "C++ thread_local objects whose destructors allocate" on_midden "$work/thread_local"
