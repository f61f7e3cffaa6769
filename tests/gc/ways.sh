#!/bin/sh
# tests/gc/ways.sh -- compiled.c by each compiler and level, on each collector, collecting often.
# SPDX-License-Identifier: MIT
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for compiler in gcc clang; do
  if ! command -v $compiler >/dev/null; then
    echo "ways.sh: no $compiler here" >&2
    continue
  fi
  for level in -O0 -O2 "-O3 -march=native"; do
    $compiler $level -w -I"$SOURCE/include" -o compiled "$SOURCE/tests/gc/compiled.c" "$LIBMIDDEN" \
      -Wl,-rpath,"$(dirname "$LIBMIDDEN")"
    for collector in mark-sweep copying generational no-barrier; do
      for options in gc_stress=3 gc_young=256K; do
        MIDDEN_OPTIONS=feed=0,gc_verify=1,gc=$collector,$options ./compiled ||
          { echo "ways.sh: $compiler $level $collector $options failed" >&2; exit 1; }
      done
    done
  done
done
