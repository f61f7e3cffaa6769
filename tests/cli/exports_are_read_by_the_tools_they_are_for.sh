# tests/cli/exports_are_read_by_the_tools_they_are_for.sh -- by Go's pprof, by Prometheus' own parser;
# what they sum up is what our JSON says.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# A name with what is special in one of the formats, a child, and a site with nothing left live.
cat >shapes.cc <<'C'
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
static void *volatile kept[5000];
template <class A, class B> struct pair {
  __attribute__((noinline)) static void *make(int n) { return malloc(n); }
};
__attribute__((noinline)) void passing() { for (int i = 0; i < 50; i++) free(pair<int, char>::make(300)); }
int main() {
  for (int i = 0; i < 1000; i++) kept[i] = malloc(1000);
  for (int i = 1000; i < 2000; i++) kept[i] = pair<char, int>::make(70);
  passing();
  if (fork() == 0) {
    kept[2000] = malloc(123456);
    exit(0);
  }
  wait(NULL);
  exit(0);
}
C
${CXX:-c++} -g -O1 -w -fno-builtin -o shapes shapes.cc
run 0 "$MIDDEN" run --quiet --option sample=1 -- ./shapes
run 0 "$MIDDEN" export last --pprof out.pb.gz --folded live.folded --chrome trace.json \
  --openmetrics metrics.txt
run 0 "$MIDDEN" export --folded allocated.folded --allocated last
run 0 "$MIDDEN" report last -o run.json

sum() { json "sum(s['$1'] for p in j['processes'] for s in p['sites'])" run.json; }

# -- pprof: each kind of sample sums up to what the run's data say.
gzip -t out.pb.gz || fail "the profile is no gzip"
pprof=$(ls /usr/lib/go-1.19/pkg/tool/*/pprof)
export HOME="$work" PPROF_TMPDIR="$work"
"$pprof" -raw out.pb.gz >raw 2>raw.err || fail "pprof cannot read it: $(cat raw.err)"
grep -q '^alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes\[dflt\]$' raw ||
  fail "the sample types are not Go's"
grep -q '^PeriodType: space bytes$' raw || fail "the period is none of bytes"
awk '/^Samples:/ { on = 1; next } /^Locations/ { on = 0 }
  on && /:/ && $1 ~ /^[0-9]+$/ { a += $1; b += $2; c += $3; sub(":", "", $4); d += $4 }
  END { printf "%d %d %d %d\n", a, b, c, d }' raw >sums
[ "$(cat sums)" = "$(sum allocated_blocks) $(sum allocated_bytes) $(sum live_blocks) $(sum live_bytes)" ] ||
  fail "pprof's sums are $(cat sums)"
grep -Eq '^ +1000 +1000000 +1000 +1000000: ' raw || fail "main's blocks are not there"
grep -Eq 'process:\[shapes [0-9]+\]' raw && grep -q 'bytes:\[1000 bytes\]' raw || fail "there are no labels"
grep -A 1 '^Mappings' raw | grep -q "^1: .*/shapes .*\[FN\]\[FL\]\[LN\]\[IN\]" ||
  fail "the first mapping is not the program"
for index in alloc_objects alloc_space inuse_objects inuse_space; do
  "$pprof" -top -unit=B -sample_index=$index out.pb.gz >top 2>&1 || fail "pprof -top $index failed"
  grep -q "^Type: $index$" top || fail "it is not of $index"
  grep -Eq 'make|main' top || fail "no function of ours is at the top of $index"
  ! grep -q 'Fetching\|not find' top || fail "pprof looked for files"
done
"$pprof" -peek 'pair.*make' -sample_index=alloc_space out.pb.gz 2>&1 | grep -q 'passing' ||
  fail "pprof does not know who called make"

# -- folded: as much in all, a stack a line.
for what in live allocated; do
  $python - $what.folded "$(sum ${what}_bytes)" <<'P' || fail "$what.folded"
import re, sys
total = 0
for line in open(sys.argv[1]):
    match = re.fullmatch(r"shapes(;[^;\n]+)+ ([1-9][0-9]*)\n", line)
    assert match, line
    total += int(match[2])
assert total == int(sys.argv[2]), total
P
done
grep -q ';main;pair<char, int>::make 70000$' live.folded || fail "make is not the leaf"
! grep -q 'passing' live.folded && grep -q ';main;passing;pair<int, char>::make 15000$' allocated.folded ||
  fail "what was only passing is wrong"

# -- trace events: times rise, counters are numbers, names and findings are there.
$python - <<'P' || fail "trace.json"
import json
trace, run = json.load(open("trace.json")), json.load(open("run.json"))
events = trace["traceEvents"]
pids = {p["process"]["pid"] for p in run["processes"]}
assert {e["pid"] for e in events} == pids and len(pids) == 2
for pid in pids:
    mine = [e for e in events if e["pid"] == pid]
    assert [e["name"] for e in mine if e["ph"] == "M"] == ["process_name", "thread_name"]
    for name in {e["name"] for e in mine if e["ph"] == "C"}:
        times = [e["ts"] for e in mine if e["ph"] == "C" and e["name"] == name]
        assert times == sorted(times) and len(times) > 1, name
for e in events:
    if e["ph"] == "C": assert e["args"] and all(type(v) is int and v >= 0 for v in e["args"].values()), e
    if e["ph"] == "i": assert e["s"] == "p" and e["args"]["advice"]
first = run["processes"][0]
live = [e["args"]["live"] for e in events if e["pid"] == first["process"]["pid"] and "live" in e.get("args", {})]
assert live == first["history"]["live"]
assert len([e for e in events if e["ph"] == "i"]) == sum(len(p["findings"]) for p in run["processes"])
P

# -- OpenMetrics: by the strict parser.
$python - <<'P' || fail "metrics.txt"
import json
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
run = json.load(open("run.json"))
families = {f.name: f for f in parse(open("metrics.txt").read())}
for p in run["processes"]:
    def value(name, **labels):
        found = [s.value for s in families[name].samples
                 if s.labels["pid"] == str(p["process"]["pid"]) and labels.items() <= s.labels.items()]
        assert len(found) == 1, (name, found)
        return found[0]
    assert value("midden_live_bytes") == p["process"]["live_bytes"]
    assert value("midden_resident_bytes") == p["memory"]["resident"]
    assert value("midden_allocations") == p["activity"]["allocations"]
    assert value("midden_memory_bytes", part="outside") == p["memory"]["outside"]
    assert sum(s.value for s in families["midden_spans"].samples
               if s.labels["pid"] == str(p["process"]["pid"])) == sum(c["spans"] for c in p["classes"])
sites = families["midden_site_live_bytes"].samples
assert any(s.labels["function"] == "pair<char, int>::make" and s.value == 70000 for s in sites)
assert families["midden_purged_bytes"].type == "counter" and families["midden_purged_bytes"].unit == "bytes"
P

# Standard output, and what is refused.
run 0 "$MIDDEN" export last --folded -
cmp -s out live.folded || fail "standard output is not the file"
refused() { # STATUS WORDS ARGUMENT...
  want=$1 words=$2
  shift 2
  run "$want" "$MIDDEN" export "$@"
  said err "$words"
}
refused 2 "midden: no RUN is named: give r12 of 'midden runs', last," --pprof none
refused 2 "midden: nothing is to be written: give --pprof" last
refused 2 "midden: --allocated is for --folded: give both" last --pprof none --allocated
refused 2 "'no/such' cannot be written: No such file or directory" last --pprof no/such
refused 3 "midden: there is no run r99" r99 --pprof none
refused 1 "'/dev/full' could not be written: No space left on device" last --pprof /dev/full
refused 2 "midden: '127.0.0.1' is no address to listen at: give one as 127.0.0.1:9464" --listen 127.0.0.1
refused 2 "give one in numbers, as 127.0.0.1:9464" --listen localhost:9464
refused 2 "midden: --listen serves what runs, and writes no file: give it alone" \
  --listen 127.0.0.1:9464 --pprof none
refused 3 "midden: there is no process 4194999" --listen 127.0.0.1:9464 4194999
[ ! -e none ] || fail "a file was written all the same"

# Data of others are not believed.
refuse_data() { # WORDS CHANGE
  $python -c "import json; j = json.load(open('run.json')); p = j['processes'][0]; s = p['sites'][0]
$2
json.dump(j, open('bad.json', 'w'))"
  refused 3 "$1" bad.json --pprof none
}
refuse_data "a site names frames that are not there" 's["stack"][0] = 9999999'
refuse_data "a site names frames that are not there" 's["stack"][0] = -1'
refuse_data "a site names frames that are not there" 'p["frames"][s["stack"][0]][1] = 1 << 40'
refuse_data "or figures that are none" 's["live_bytes"] = -5'
refuse_data "a process has no name" 'del p["process"]["command"]'
[ ! -e none ] || fail "a file of nothing was written"
