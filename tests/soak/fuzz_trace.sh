#!/bin/sh
# tests/soak/fuzz_trace.sh [CORPUS] -- fuzz the reader of traces for SECONDS_TO_FUZZ / 6,
# beginning with traces.txt.  CORPUS, where given, is written: what is left when it is minimised.
# SPDX-License-Identifier: MIT
set -eu
cd "$(dirname "$0")/../.."
corpus=${1:+$(realpath "$1")}
seconds=$((${SECONDS_TO_FUZZ:-3600} / 6))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/found" "$work/least"

as_lines() { for file in "$@"; do perl -0777 -ne 'print unpack("H*", $_), "\n"' "$file"; done; }

perl -ne 'chomp; open F, ">", "'"$work"'/found/seed$."; print F pack "H*", $_' tests/soak/traces.txt

sources=$(find src/base src/observe src/trace -name '*.c' ! -name '*_test.c')
# shellcheck disable=SC2086 # a word is a file
clang -std=gnu11 -D_GNU_SOURCE= -g -O2 -fsanitize=fuzzer,address,undefined \
  -fno-sanitize-recover=all -pthread -Isrc -Iinclude tests/soak/fuzz_trace.c $sources -o \
  "$work/fuzz" -ljansson -lzstd -ldw -liberty

echo "fuzz: traces, $seconds seconds"
"$work/fuzz" -max_total_time=$seconds -max_len=4000 -rss_limit_mb=4096 -print_final_stats=1 \
  -verbosity=0 -artifact_prefix="$work/finding-" "$work/found" >"$work/log" 2>&1 || {
  grep -v '^INFO' "$work/log"
  echo "fuzz: as a line of tests/soak/traces.txt:"
  as_lines "$work"/finding-*
  exit 1
}
sed -n 's/^stat::number_of_executed_units: */fuzz: inputs: /p' "$work/log"
[ -z "$corpus" ] || {
  "$work/fuzz" -set_cover_merge=1 -max_len=400 -verbosity=0 "$work/least" "$work/found" \
    >"$work/log" 2>&1
  as_lines "$work"/least/* | sort -u >"$corpus"
}
echo "fuzz: nothing found"
