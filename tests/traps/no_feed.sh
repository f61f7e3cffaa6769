#!/bin/sh
# tests/traps/no_feed.sh -- where no feed file can be, the heap runs without one, and says nothing.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build work.c work

quiet() {
  name=$1
  shift
  must "$name" "$@" 2>"$work/errors"
  test ! -s "$work/errors" || fail "$name: $(cat "$work/errors")"
}

quiet "XDG_RUNTIME_DIR that is not there" \
  env XDG_RUNTIME_DIR=/nowhere/at/all timeout 60 env LD_PRELOAD="$LIBMIDDEN" "$work/work"
: >"$work/file"
quiet "XDG_RUNTIME_DIR that is a file" \
  env XDG_RUNTIME_DIR="$work/file" timeout 60 env LD_PRELOAD="$LIBMIDDEN" "$work/work"
quiet "XDG_RUNTIME_DIR longer than a path may be" \
  env XDG_RUNTIME_DIR="/$(head -c 6000 /dev/zero | tr '\0' x)" \
  timeout 60 env LD_PRELOAD="$LIBMIDDEN" "$work/work"
# No file may grow: the kernel sends SIGXFSZ, which ends a program that does not expect it.
quiet "no file may grow" sh -c "ulimit -f 0; exec env LD_PRELOAD='$LIBMIDDEN' '$work/work'"
quiet "feed=0" env MIDDEN_OPTIONS=feed=0 timeout 60 env LD_PRELOAD="$LIBMIDDEN" "$work/work"

if ! unshare -rm true 2>/dev/null; then
  echo "skipped: read-only and full places, since this machine does not let us make mounts"
  exit 0
fi
apart() { unshare -rm sh -c "$1; export XDG_RUNTIME_DIR=$2; unset TMPDIR
  exec timeout 60 env LD_PRELOAD='$LIBMIDDEN' '$work/work'"; }
mkdir "$work/run"
cp "$LIBMIDDEN" "$work/libmidden.so"
LIBMIDDEN=$work/libmidden.so
cover="mount -t tmpfs -o ro none /dev/shm"
quiet "read-only places" \
  apart "$cover; mount -t tmpfs -o ro none '$work/run'" "$work/run"
quiet "a place of 64 KiB" \
  apart "$cover; mount -t tmpfs -o size=64k,mode=700 none '$work/run'" "$work/run"
quiet "a place of 64 KiB that is full" \
  apart "$cover; mount -t tmpfs -o size=64k,mode=700 none '$work/run'
    head -c 65536 /dev/zero >'$work/run/full'" "$work/run"
quiet "a place without a file to spare" \
  apart "$cover; mount -t tmpfs -o nr_inodes=1,mode=700 none '$work/run'" "$work/run"
