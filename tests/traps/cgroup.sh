#!/bin/sh
# tests/traps/cgroup.sh -- heap_limit=cgroup has malloc refuse where the kernel would kill: in a
# real group of 64 MiB, whether the limit is the group's own or that of one above it.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

# group: a new memory cgroup of version 1 or 2 that holds nothing yet.
group=
for root in /sys/fs/cgroup/memory /sys/fs/cgroup /sys/fs/cgroup/unified; do
  mkdir "$root/midden-trap-$$" 2>/dev/null || continue
  group=$root/midden-trap-$$
  if [ -e "$group/memory.limit_in_bytes" ] || [ -e "$group/memory.max" ]; then break; fi
  rmdir "$group"
  group=
done
if [ -z "$group" ]; then
  echo "skipped: this machine does not let us make a memory cgroup"
  exit 0
fi
# A group whose last process has ended may need a moment before it can go.
undo() {
  for folder in "$group/inner" "$group"; do
    for try in 1 2 3 4 5 6 7 8 9 10; do
      [ -d "$folder" ] && ! rmdir "$folder" 2>/dev/null || break
      sleep 0.2
    done
  done
  rm -rf "$work"
}
trap undo EXIT

# set_limit FOLDER BYTES: of memory, and of memory and swap together.
set_limit() {
  if [ -e "$1/memory.max" ]; then
    echo "$2" >"$1/memory.max"
    [ ! -e "$1/memory.swap.max" ] || echo 0 >"$1/memory.swap.max"
  else
    echo "$2" >"$1/memory.limit_in_bytes"
    [ ! -e "$1/memory.memsw.limit_in_bytes" ] || echo "$2" >"$1/memory.memsw.limit_in_bytes"
  fi
}

# kills: how often the kernel killed in the group or below.
kills() {
  cat "$group/memory.events" "$group/memory.oom_control" "$group/inner/memory.oom_control" \
    2>/dev/null | awk '$1 == "oom_kill" { sum += $2 } END { print sum + 0 }'
}

# within FOLDER COMMAND...: the process is in the group before the heap starts.
within() {
  folder=$1
  shift
  sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$folder" timeout -k 5 120 "$@"
}

build cgroup.c cgroup
set_limit "$group" 67108864

# What the test is about: without the option the same program is killed.
status=0
{ within "$group" env LD_PRELOAD="$LIBMIDDEN" "$work/cgroup" 40 200; } 2>/dev/null || status=$?
[ "$status" = 137 ] || fail "without the option: status $status, where the kernel was to kill"
before=$(kills)
[ "$before" -gt 0 ] || fail "the group does not tell of the kill: $group"

on_group() {
  within "$1" env LD_PRELOAD="$LIBMIDDEN" MIDDEN_OPTIONS=heap_limit=cgroup \
    "$work/cgroup" 40 64 $2
}
must "a group of its own" on_group "$group" ""
must "memory that is touched late" on_group "$group" late
must "two processes in one group" on_group "$group" child

mkdir "$group/inner"
if [ -e "$group/cgroup.subtree_control" ]; then echo +memory >"$group/cgroup.subtree_control"; fi
must "the limit of the group above" on_group "$group/inner" ""
set_limit "$group/inner" 50331648
must "the narrower of two limits" on_group "$group/inner" ""

[ "$(kills)" = "$before" ] || fail "the kernel killed a program that was to be refused"
