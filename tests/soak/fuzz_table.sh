#!/bin/sh
# tests/soak/fuzz_table.sh [CORPUS] -- fuzz the reader of unwind tables; as reader.inc says.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/reader.inc"
fuzz_reader table "${1-}" src/unwind/cfi.c src/unwind/expression.c src/unwind/rule.c
