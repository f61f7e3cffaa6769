#!/bin/sh
# tests/traps/signals.sh -- a handler that interrupts malloc again and again, and does not call it.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build signals.c signals
must "a timer over threads that allocate" on_midden "$work/signals"
