# tests/cli/a_graph_names_who_holds_what.sh -- a running program's cache, what two share and what is
# in a frame; the ways to them; the same from a snapshot; what an action left behind.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

"$CC" -g -O1 -w -o cache "$source/tests/graph/cache.c"
mkfifo orders
LD_PRELOAD=$LIBMIDDEN ./cache 1000 <orders >said &
pid=$!
started=$pid
exec 3>orders

ready() { # TIMES
  for _ in $(seq 300); do
    [ "$(grep -c ready said)" -lt "$1" ] || return 0
    sleep 0.1
  done
  fail "the program does not come to its end"
}

ready 1
run 0 "$MIDDEN" graph "$pid" -o first.graph --json first.json
grep -q "held by global cache in cache" out || fail "the global is not named"
grep -q "in a block of .* that table_new (cache.c:39) allocated" out || fail "no point"
grep -q "^ .*  serve, in the stack of the main thread" out || fail "the frame is not named"
awk 'length > 80 { bad = 1 } END { exit bad }' out || fail "wider than 80 columns"

run 0 "$MIDDEN" graph "$pid" --site text_new
grep -q -- "-> entry_new (cache.c:32)" out || fail "no way by the entry"
grep -q "^    global \(cache\|listeners\) in cache" out || fail "the way begins at no global"

address=$("$python" -c '
import json
story = json.load(open("first.json"))
assert story["pid"] > 0 and story["program"] == "cache" and not story["diff"]
held = {g["owner"]["name"]: g for g in story["groups"] if g["owner"]}
table = [s for s in story["suspects"] if s["held_by"].get("owner", {}).get("name") == "cache in cache"]
point = table[0]["point"]
assert point["site"]["function"] == "table_new" and point["bytes"] >= 8 * 65536, point
assert held["cache in cache"]["retained"] == table[0]["retained"]
by = {s["function"]: s for s in story["sites"]}
assert by["entry_new"]["blocks"] == 1000, by["entry_new"]
assert by["text_new"]["blocks"] == 1001
# What an entry holds goes with it; the list of every second one too.
assert by["entry_new"]["retained"] == by["entry_new"]["own"] + by["text_new"]["own"] - 102400, by
assert sum(s["own"] for s in story["sites"]) == story["bytes"]
print(point["address"])')
run 0 "$MIDDEN" graph first.graph --to "$address"
grep -q "global cache in cache" out || fail "no way from the global"
grep -q -- "-> table_new (cache.c:39)" out || fail "no way to the table"

# From the file the same is told as from the process.
run 0 "$MIDDEN" graph first.graph --json again.json
cmp first.json again.json || fail "the snapshot tells another story"

echo go >&3
ready 2
run 0 "$MIDDEN" graph "$pid" -o second.graph --diff first.graph
grep -q "entry_new (cache.c:32)" out || grep -q "text_new (cache.c:25)" out || fail "no growth"
run 0 "$MIDDEN" graph "$pid" -o third.graph
run 0 "$MIDDEN" graph second.graph --diff first.graph --final third.graph --json diff.json
grep -q "AND STILL THERE" out || fail "three snapshots are not told of"
"$python" -c '
import json
diff = json.load(open("diff.json"))["diff"]
by = {s["function"]: s for s in diff["sites"]}
assert by["entry_new"]["born"]["blocks"] == by["entry_new"]["stayed"]["blocks"] == 1000, by
assert by["entry_new"]["gone"]["blocks"] == 0, by
assert "table_new" not in [s for s in by if by[s]["born"]["blocks"]], by
assert diff["stayed"]["blocks"] >= 2000' || fail "what was born and stayed is counted otherwise"
kill -0 "$pid" || fail "the program did not survive"
exec 3>&-
wait "$pid" || fail "the program ended badly"
started=

# What cannot be is said in a sentence.
run 2 "$MIDDEN" graph
run 2 "$MIDDEN" graph first.graph --final third.graph
run 2 "$MIDDEN" graph first.graph --to nowhere
run 1 "$MIDDEN" graph first.graph --to 0x10
grep -q "no live block lies at 0x10" err || fail "$(cat err)"
run 1 "$MIDDEN" graph first.graph --site nobody
grep -q "no site with live blocks has 'nobody' in its name" err || fail "$(cat err)"
run 1 "$MIDDEN" graph missing.graph
run 1 "$MIDDEN" graph "$work"
head -c 100 first.graph >cut.graph
run 1 "$MIDDEN" graph cut.graph
grep -q "'cut.graph' cannot be read: it is damaged, cut short" err || fail "$(cat err)"
run 1 "$MIDDEN" graph first.graph --diff cache
grep -q "'cache' cannot be read: it is no snapshot of 'midden graph -o'" err || fail "$(cat err)"
run 3 "$MIDDEN" graph "$source/tests/graph/cache.c"
run 3 "$MIDDEN" graph $$
