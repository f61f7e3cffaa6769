#!/bin/sh
# tests/soak/fuzz.sh [CORPUS] -- fuzz the whole API for SECONDS_TO_FUZZ (default 3600, an hour) in
# all, beginning with the inputs of corpus.txt.
# SPDX-License-Identifier: MIT
#
# Five ways, since each takes other paths: plain, under the address and undefined-behaviour
# sanitizers, hardened, and at a limit that refuses in both modes.  All are debug builds, so that
# every assertion counts.  A finding ends it, and is printed as a line for corpus.txt.
# CORPUS, where given, is written: the inputs that are left when each way has minimised them.
set -eu
cd "$(dirname "$0")/../.."
corpus=${1:+$(realpath "$1")}
seconds=$((${SECONDS_TO_FUZZ:-3600} / 5))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/found" "$work/least"

as_lines() { for file in "$@"; do perl -0777 -ne 'print unpack("H*", $_), "\n"' "$file"; done; }

perl -ne 'chomp; open F, ">", "'"$work"'/found/seed$."; print F pack "H*", $_' tests/soak/corpus.txt

# All but the tests and the standard names, which the fuzzer has of its own.
sources=$(find src/base src/os src/unwind src/feed src/span src/heap -name '*.c' ! -name '*_test.c' \
  ! -path '*/heap/standard.c' ! -path '*/heap/cxx.c' ! -path '*/heap/dlclose.c' \
  ! -path '*/heap/deepbind.c')

build() { # NAME SANITIZERS
  # shellcheck disable=SC2086
  clang -std=gnu11 -g -O2 -DMID_DEBUG=1 -fsanitize="fuzzer$2" -fno-sanitize-recover=all \
    -fno-strict-aliasing -fno-builtin -pthread -Isrc -Iinclude -Itests \
    tests/soak/fuzz_api.c $sources -o "$work/$1"
}

fuzz() { # BUILD OPTIONS
  echo "fuzz: $1, $2, $seconds seconds"
  MIDDEN_OPTIONS=$2 "$work/$1" -max_total_time=$seconds -max_len=1000 -len_control=0 \
    -rss_limit_mb=4096 -print_final_stats=1 -verbosity=0 -artifact_prefix="$work/finding-" \
    "$work/found" >"$work/log" 2>&1 || {
    grep -v '^INFO' "$work/log"
    echo "fuzz: found with MIDDEN_OPTIONS=$2; as a line of tests/soak/corpus.txt:"
    as_lines "$work"/finding-*
    exit 1
  }
  sed -n 's/^stat::number_of_executed_units: */fuzz: inputs: /p' "$work/log"
  [ -z "$corpus" ] || MIDDEN_OPTIONS=$2 "$work/$1" -set_cover_merge=1 -max_len=200 -verbosity=0 \
    "$work/least" "$work/found" >"$work/log" 2>&1
}

build plain ""
build sanitized ",address,undefined"
fuzz plain feed=0
fuzz sanitized feed=0
fuzz plain feed=0,hardened=1
fuzz plain feed=0,heap_limit=4M
fuzz plain feed=0,heap_limit=4M,hardened=1
[ -z "$corpus" ] || as_lines "$work"/least/* | sort -u >"$corpus"
echo "fuzz: nothing found"
