#!/bin/sh
# tests/packaging/installed.sh -- the installed command finds its library and the replayer from
# anywhere, also through a symbolic link; its manual and completion are there.
# SPDX-License-Identifier: MIT
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --install "$BUILD" --prefix "$place/prefix" >/dev/null
mkdir "$place/elsewhere"
ln -s ../prefix/bin/midden "$place/elsewhere/m"
cd /
for command in "$place/prefix/bin/midden" "$place/elsewhere/m"; do
  loaded=$("$command" run --quiet -- grep libmidden /proc/self/maps) || true
  case $loaded in
  *"$place/prefix/lib/libmidden.so"*) ;;
  *)
    echo "$command ran its child on: ${loaded:-"another malloc"}"
    exit 1
    ;;
  esac
  "$command" record -o "$place/run.midden" -- sort /dev/null 2>"$place/said"
  "$command" replay "$place/run.midden" --under midden,glibc --rounds 1 >"$place/rows" ||
    { echo "$command cannot replay"; exit 1; }
  grep -q '^knee: ' "$place/rows"
done

grep -q '^\.TH MIDDEN 1' "$place/prefix/share/man/man1/midden.1"
bash -n "$place/prefix/share/bash-completion/completions/midden"
grep -q '^complete .*midden' "$place/prefix/share/bash-completion/completions/midden"
