#!/bin/sh
# tests/programs/replay.sh -- a server, a database, a compiler and an interpreter, recorded and then
# replayed under at least a dozen allocators, each of which comes to the end.
# SPDX-License-Identifier: MIT
#
# With KEEP=FOLDER the traces are left there.
. "$(dirname "$0")/lib.inc"
export LC_ALL=C.UTF-8

# replayed NAME: NAME.midden under all allocators that are here.
replayed() {
  "$MIDDEN" replay "$1.midden" --rounds 1 --verify >out 2>err || fail "$1: $(cat err out)"
  [ "$(grep -c '^  [a-z][-a-z:=1]*  *[0-9.]* [mu]*s ' out)" -ge 12 ] || fail "$1: too few rows: $(cat out)"
  ! grep 'failed at' out >&2 || fail "$1: a row failed"
  for words in 'best time' 'best memory' knee; do
    grep -q "^$words: [a-z]" out || fail "$1: no $words: $(cat out)"
  done
  [ -z "${KEEP-}" ] || cp "$1.midden" "$KEEP"
}

"$MIDDEN" record -o redis.midden -- redis-server --port 0 --unixsocket "$work/redis" --save '' \
  >server.log 2>&1 &
server=$!
started="$started $server"
tries=0
until [ "$(redis-cli -s "$work/redis" ping 2>/dev/null)" = PONG ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] && kill -0 $server || fail "the server did not start: $(tail -n 5 server.log)"
  sleep 0.1
done
bench() { redis-benchmark -s "$work/redis" -q -P 4 -r 20000 "$@" >bench.out || fail "$(cat bench.out)"; }
bench -t set,lpush,hset,zadd,lpop -d 100 -n 30000
bench -n 20000 del key:__rand_int__
bench -t set -d 300 -n 20000
redis-cli -s "$work/redis" shutdown nosave
wait $server || fail "the server ended with status $?: $(tail -n 5 server.log)"
replayed redis

cat >rows.sql <<'END'
CREATE TABLE item (id INTEGER PRIMARY KEY, shelf INTEGER, name TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
  INSERT INTO item SELECT i, i * 7919 % 1009, 'item ' || (i * 31337 % 65537) FROM n;
CREATE INDEX by_name ON item (name);
SELECT shelf, count(*), group_concat(name) FROM item GROUP BY shelf;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name AND a.id < b.id;
END
"$MIDDEN" record -o sqlite3.midden -- sqlite3 -batch :memory: '.read rows.sql' >/dev/null 2>err ||
  fail "sqlite3: $(cat err)"
replayed sqlite3

awk 'BEGIN {
  print "struct s { int a[9]; double d; struct s *next; };"
  for (i = 0; i < 120; i++) {
    printf "int f%d(struct s *s, int n) {\n  int sum = n * %d;\n", i, i
    printf "  for (int i = 0; i < n; i++) switch (i %% 3) {\n"
    for (k = 0; k < 3; k++) printf "    case %d: sum += s->a[i %% %d]; s->d /= %d; break;\n", k, k + 2, i + 1
    printf "  }\n  return s->d > 0 ? sum%s : sum;\n}\n", i ? " + f" (i - 1) "(s->next, n - 1)" : ""
  }
}' >large.c
"$MIDDEN" record -o gcc.midden -- gcc -O2 -c large.c 2>err || fail "gcc: $(cat err)"
replayed gcc

cat >words.lua <<'END'
local t = {}
for i = 1, 60000 do t[i] = { id = i, name = ("n%d"):format(i * 31 % 977) } end
table.sort(t, function(a, b) return a.name == b.name and a.id < b.id or a.name < b.name end)
local parts = {}
for i = 1, #t do parts[#parts + 1] = t[i].name:rep(i % 5) end
for word in table.concat(parts, ","):gmatch("[^,]+") do parts[word] = (parts[word] or 0) + 1 end
print(#parts)
END
"$MIDDEN" record -o lua.midden -- lua5.4 words.lua >/dev/null 2>err || fail "lua: $(cat err)"
replayed lua
