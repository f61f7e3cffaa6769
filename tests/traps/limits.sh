#!/bin/sh
# tests/traps/limits.sh -- limits give NULL and ENOMEM, and the program goes on with all it had.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build limits.c limits
build limits_plugin.c plugin.so -shared -fPIC
build limits_new.cc limits_new
build work.c work

on_limit() {
  name=$1
  shift
  must "$name" sh -c "$1; shift; exec timeout 120 env LD_PRELOAD='$LIBMIDDEN' \"\$@\"" sh "$@"
}
on_limit "an ordinary program under ulimit -v 200000" "ulimit -v 200000" "$work/limits" serve 40
on_limit "an ordinary program under ulimit -v 40000" "ulimit -v 40000" "$work/limits" serve 5
on_limit "to the end of ulimit -v" "ulimit -v 200000" "$work/limits" fill 60 200 "$work/plugin.so"
on_limit "to the end of ulimit -d" "ulimit -d 100000" "$work/limits" fill 40 100 "$work/plugin.so"
on_limit "std::bad_alloc at the end of ulimit -v" "ulimit -v 200000" "$work/limits_new"

# heap_limit counts committed memory: what is asked for, and what rounding and spans add.
MIDDEN_OPTIONS=heap_limit=64M must "to the end of heap_limit" \
  on_midden "$work/limits" fill 45 64 "$work/plugin.so"
MIDDEN_OPTIONS=heap_limit=64M must "std::bad_alloc at heap_limit" on_midden "$work/limits_new"
MIDDEN_OPTIONS=heap_limit=64M,hardened=1,quarantine=0 must "to the end of heap_limit, hardened" \
  on_midden "$work/limits" fill 20 64 "$work/plugin.so"

in_group() {
  must "$1" sh -c "echo \$\$ >'$group/cgroup.procs' && MIDDEN_OPTIONS=heap_limit=cgroup \
    exec timeout 120 env LD_PRELOAD='$LIBMIDDEN' '$work/limits' fill 40 100 '$work/plugin.so'"
}
own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
group=/sys/fs/cgroup/memory$own/midden-$$
if mkdir "$group" 2>/dev/null && echo 104857600 >"$group/memory.limit_in_bytes"; then
  trap 'rmdir "$group"; rm -rf "$work"' EXIT
  in_group "to the end of heap_limit=cgroup, version 1"
else
  own=$(sed -n 's/^0:://p' /proc/self/cgroup)
  group=/sys/fs/cgroup$own/midden-$$
  if mkdir "$group" 2>/dev/null && echo 104857600 >"$group/memory.max" 2>/dev/null; then
    trap 'rmdir "$group"; rm -rf "$work"' EXIT
    in_group "to the end of heap_limit=cgroup, version 2"
  else
    rmdir "$group" 2>/dev/null || :
    echo "skipped: a real cgroup, since this machine does not let us make one"
  fi
fi

# How version 2 is read, from files of our own where the kernel's would be.
if ! unshare -rm true 2>/dev/null; then
  echo "skipped: files in the place of version 2's, since this machine does not let us make mounts"
  exit 0
fi
mkdir "$work/v2" "$work/v2/a" "$work/v2/a/b"
echo "0::/a/b" >"$work/group"
version2() { # LIMIT-OF-A USED-OF-A LIMIT-OF-B USED-OF-B
  echo "$1" >"$work/v2/a/memory.max" && echo "$2" >"$work/v2/a/memory.current"
  echo "$3" >"$work/v2/a/b/memory.max" && echo "$4" >"$work/v2/a/b/memory.current"
  timeout 60 unshare -rm sh -c "mount --bind '$work/v2' /sys/fs/cgroup &&
    mount --bind '$work/group' /proc/\$\$/cgroup && MIDDEN_OPTIONS=heap_limit=cgroup \
    exec env LD_PRELOAD='$LIBMIDDEN' '$work/limits' serve 50"
}
refused() {
  ! version2 "$@" 2>/dev/null
}
must "room in the group and above it" version2 1000000000 1000000 2000000000 1000000
must "no limit at all" version2 max 1000000 max 1000000
must "no room in the group" refused 1000000000 1000000 20000000 19000000
must "no room above the group" refused 20000000 19000000 max 1000000
