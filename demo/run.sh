#!/bin/sh
# demo/run.sh -- an unmodified redis-server on Midden's heap, under load, and the report at its end;
# then a service that grows without end, and which lines make it grow.
# What is given to it goes to the first `midden run`: demo/run.sh --json figures.json
# SPDX-License-Identifier: MIT
set -eu
midden=${MIDDEN:-$(dirname "$0")/../build/release/midden}
place=$(mktemp -d)
socket=$place/redis
server=

say() { echo "demo: $*" >&2; }
die() { say "$*"; exit 1; }
ask() { redis-cli -s "$socket" "$@"; }
load() { redis-benchmark -s "$socket" -q -c 20 "$@" >"$place/load" 2>&1 || die "$(cat "$place/load")"; }

finish() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || :
  rm -rf "$place"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

say "starting redis-server by 'midden run', for less than a minute of load"
"$midden" run "$@" -- redis-server --port 0 --unixsocket "$socket" --save '' --dir "$place" \
  --logfile "$place/log" &
server=$!
until [ "$(ask ping 2>/dev/null)" = PONG ]; do
  kill -0 $server 2>/dev/null || die "redis-server did not start: $(cat "$place/log" 2>/dev/null)"
  sleep 0.1
done

for bytes in 16 100 400 1500; do
  say "set, get and lpush of values of $bytes bytes"
  load -t set,get,lpush -d $bytes -r 50000 -n 150000
done
say "the tests of redis-benchmark: counters, lists, sets, hashes, sorted sets, ranges"
load -r 20000 -n 60000
say "deleting at random, so that free blocks are left between others"
load -r 50000 -n 150000 del key:__rand_int__
load -n 150000 -t lpop
ask unlink mylist >/dev/null
say "and filling up with values of 300 bytes"
load -t set -d 300 -r 300000 -n 200000

say "shutting down"
ask shutdown nosave
status=0
wait $server || status=$?
server=
[ $status -eq 0 ] || exit $status

page=midden-demo.html seconds=70
say "now a service whose cache has no bound and whose listeners are never removed, for $seconds s;"
say "nothing in it is lost: it is all reachable. The line below warns as soon as it is sure."
"${CXX:-c++}" -std=c++17 -O2 -g -o "$place/service" "$(dirname "$0")/service.cc"
"$midden" run --report "$page" -- "$place/service" $seconds || status=$?
say "the same with pictures is in $page: open it in a browser"
exit $status
