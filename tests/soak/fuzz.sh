#!/bin/sh
# tests/soak/fuzz.sh -- fuzz the midden_ calls for SECONDS_TO_FUZZ (default 600): plain, under the address
# and undefined-behaviour sanitizers, and hardened.  Debug builds, so that every assertion counts.
# SPDX-License-Identifier: MIT
set -eu
cd "$(dirname "$0")/../.."
seconds=${SECONDS_TO_FUZZ:-600}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# All but the tests and the standard names, which the fuzzer has of its own.
sources=$(find src/base src/os src/feed src/span src/heap -name '*.c' ! -name '*_test.c' \
  ! -path '*/heap/standard.c' ! -path '*/heap/cxx.c' ! -path '*/heap/deepbind.c')

# fuzz NAME SANITIZERS OPTIONS
fuzz() {
  echo "fuzz: $1, $((seconds / 3)) seconds"
  # shellcheck disable=SC2086
  clang -std=gnu11 -g -O1 -DMID_DEBUG=1 -fsanitize="fuzzer$2" -fno-sanitize-recover=all \
    -fno-strict-aliasing -fno-builtin -pthread -Isrc -Iinclude -Itests \
    tests/soak/fuzz_api.c $sources -o "$work/$1"
  mkdir -p "$work/corpus"
  MIDDEN_OPTIONS=$3 "$work/$1" -max_total_time=$((seconds / 3)) -max_len=4096 -rss_limit_mb=8192 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="${TMPDIR:-/tmp}/midden-fuzz-" "$work/corpus"
}
fuzz plain "" "feed=0"
fuzz sanitized ",address,undefined" "feed=0"
fuzz hardened "" "feed=0,hardened=1"
echo "fuzz: done"
