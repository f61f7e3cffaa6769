#!/bin/sh
# tests/programs/redis.sh -- redis-server under redis-benchmark, then the data read back: as written,
# after a reload, and while a forked child saves it.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

keys=20000
cli() { redis-cli -s "$work/redis" "$@"; }
digest() { cli debug digest; }

uses_midden redis-server --version
LD_PRELOAD="$LIBMIDDEN" redis-server --port 0 --unixsocket "$work/redis" --save '' --dir "$work" \
  --enable-debug-command yes --daemonize no >server.log 2>&1 &
server=$!
started="$started $server"
tries=0
until [ "$(cli ping 2>/dev/null)" = PONG ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] && kill -0 $server || fail "the server did not start: $(tail -n 5 server.log)"
  sleep 0.1
done
grep -q "$(readlink -f "$LIBMIDDEN")" /proc/$server/maps || fail "the server runs without $LIBMIDDEN"

redis-benchmark -s "$work/redis" -n 10000 -P 4 --csv >bench.csv 2>bench.err ||
  fail "redis-benchmark failed: $(tail -n 3 bench.err server.log)"
rows=$(grep -c '^"[^"]*","[0-9.]*[1-9][0-9.]*",' bench.csv) || :
[ "$rows" -ge 19 ] || fail "redis-benchmark answered only $rows of its tests"

# Values from 1 byte to about 6 KB, so that they use many size classes.
cli flushall >/dev/null
awk -v keys=$keys 'BEGIN {
  for (i = 0; i < keys; i++) {
    word = sprintf("<%d>", i); value = word
    while (length(value) < i % 100 * (i % 61)) value = value word
    print "SET key:" i, value
  }
}' >write
cut -d ' ' -f 3 write >expected
awk '{ print "GET", $2 }' write >ask
! cli <write | grep -qv '^OK$' || fail "a SET was refused"
cli <ask >got
cmp expected got >&2 || fail "values read back differ from those written"

before=$(digest)
[ "$(cli debug reload)" = OK ] || fail "DEBUG RELOAD failed: $(tail -n 5 server.log)"
[ "$(digest)" = "$before" ] || fail "the data differ after DEBUG RELOAD"

# A child of fork writes the data out while the server changes every key.
cli bgsave >/dev/null
sed 's/^SET \([^ ]*\) .*/SET \1 new/' write >change
! cli <change | grep -qv '^OK$' || fail "a SET was refused"
while cli info persistence | grep -q 'rdb_bgsave_in_progress:1'; do sleep 0.1; done
cli info persistence | grep -q 'rdb_last_bgsave_status:ok' || fail "the forked child failed to save"
[ "$(digest)" != "$before" ] || fail "the keys were not changed"
[ "$(cli debug reload nosave)" = OK ] || fail "what the child saved cannot be read"
[ "$(digest)" = "$before" ] || fail "the forked child saved other data"

cli shutdown nosave
wait $server || fail "the server ended with status $?: $(tail -n 5 server.log)"
