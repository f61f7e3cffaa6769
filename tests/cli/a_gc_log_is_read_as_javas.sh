# tests/cli/a_gc_log_is_read_as_javas.sh -- one reader takes our log and one that OpenJDK 17's
# Serial collector wrote of a program that does the same; the report and the graph see its heap.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"
. "$(dirname "$0")/planted.inc"

for home in /usr/lib/jvm/java-17-openjdk-*; do [ ! -x "$home/bin/javac" ] || jdk=$home/bin; done
"$jdk/javac" -J-Xmx256m -d . "$source/tests/gc/Collections.java"
"$jdk/java" -XX:+UseSerialGC -Xms64m -Xmx64m '-Xlog:gc,gc+start,gc+heap,gc+cpu,gc+age=trace' \
  Collections >java.log
grep -v '^kept$' java.log >javas.log
collects

run 0 "$MIDDEN" run --gc-log ours.log --json run.json -- ./collects
"$python" "$source/tests/gc/log.py" ours.log javas.log || fail "the logs differ"
grep -q "^Collected heap$" err || fail "the report has no collected heap"
grep -q "^How long collections stopped the program$" err || fail "no histogram"
"$python" -c '
import json
run = json.load(open("run.json"))[0]
c = run["collections"]
# One that was asked for, and perhaps one after it, to bring together what lies scattered.
assert c["heaps"] == 1 and c["major"] in (1, 2) and c["minor"] >= 5, c
assert sum(p["times"] for p in c["pauses"]) == c["minor"] + c["major"], c["pauses"]
assert 0 < c["pause_p50"] <= c["pause_p99"] <= c["pause_longest"] <= c["stopped_seconds"], c
assert c["last"][-1]["major"] and c["last"][-1]["after"] == c["used"] <= c["committed"], c
ended = c["opened_seconds"] + c["last"][-1]["at_seconds"] + c["last"][-1]["pause_seconds"]
assert 0 <= c["opened_seconds"] <= ended <= run["process"]["wall_seconds"], c
windows = c["utilisation"]
assert windows and all(0 <= w["least"] and w["p1"] <= w["p50"] <= 1 for w in windows), windows
assert c["live_objects"] > 500000 and c["live"] >= 8 * c["live_objects"], c
' || fail "the JSON has other figures"

for collector in mark-sweep copying no-barrier; do
  run 0 env MIDDEN_OPTIONS=gc=$collector MIDDEN_GC_LOG=$collector.log ./collects
  "$python" "$source/tests/gc/log.py" $collector.log || fail "the log of $collector is another"
done

# A line a collection, on standard error; and a name that cannot be.
run 0 env MIDDEN_OPTIONS=gc_log=1 ./collects
grep -q '^\[[0-9.]*s\]\[info\]\[gc\] GC(0) Pause Young (Allocation Failure) [0-9]*M->' err ||
  fail "no line of the first collection"
! grep -q 'gc,' err || fail "phases that nobody asked for"
run 0 env MIDDEN_GC_LOG="$work/none/gc.log" ./collects
grep -q "^midden: MIDDEN_GC_LOG: '$work/none/gc.log' cannot be written: " err ||
  fail "no word of it"
run 0 env MIDDEN_GC_LOG=gc.%p.log ./collects
ls gc.[0-9]*.log >/dev/null || fail "%p is not the number of the process"

# From outside: objects by their types, and none of them is a leak.
mkfifo orders
./collects wait <orders >said &
started=$!
exec 3>orders
for _ in $(seq 300); do [ ! -s said ] || break; sleep 0.1; done
run 0 "$MIDDEN" graph "$started" --hprof heap.hprof
grep -Eq '^ .* (519|52[0-9])\.[0-9] k  +[0-9.]+ %  +tree node' out || fail "no tree nodes there"
grep -q "  kept trees" out || fail "no array"
run 0 "$MIDDEN" leaks "$started"
grep -q "^Nothing is lost" out || fail "the collector's objects are called lost"
run 0 "$MIDDEN" doctor "$started"
grep -q "is sound" out || fail "the doctor finds faults"
"$python" -c '
dump = open("heap.hprof", "rb").read()
assert b"tree node" in dump and b"kept trees" in dump' || fail "the dump has no types"
