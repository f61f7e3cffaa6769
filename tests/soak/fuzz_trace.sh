#!/bin/sh
# tests/soak/fuzz_trace.sh [CORPUS] -- fuzz the reader of traces; as reader.inc says.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/reader.inc"
# shellcheck disable=SC2046 # a word is a file
fuzz_reader trace "${1-}" $(find src/base src/trace -name '*.c' ! -name '*_test.c') \
  src/observe/words.c src/observe/folders.c src/observe/proc.c src/observe/symbols.c \
  src/observe/symbol_table.c src/observe/perf_map.c -ljansson -lzstd -lz -ldw -lelf -liberty
