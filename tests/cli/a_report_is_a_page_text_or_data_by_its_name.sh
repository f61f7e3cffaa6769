# tests/cli/a_report_is_a_page_text_or_data_by_its_name.sh -- and the data have the keys that
# docs/report.md tells.  What the page shows is tested in tests/web/.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program busy <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
  static char *volatile kept[1000];
  for (int i = 0; i < 1000; i++) kept[i] = malloc(100);
  write(1, "ready\n", 6);
  if (argc > 1) sleep(60);
}
C

# By its name.
run 0 "$MIDDEN" run --quiet --report report.html -- ./busy
[ "$(head -n 1 report.html)" = '<!doctype html>' ] || fail "report.html is no page"
! grep -q '@MIDDEN_DATA@' report.html || fail "there are no data in the page"
run 0 "$MIDDEN" run --quiet --report report -- ./busy
cmp -s -n 1000 report report.html || fail "a report without an ending is no page"
run 0 "$MIDDEN" run --quiet --report report.txt -- ./busy
grep -q '^Midden: ./busy' report.txt || fail "report.txt is no text"
run 0 "$MIDDEN" run --quiet --report report.json -- ./busy
$python -m json.tool report.json >/dev/null || fail "report.json is no JSON"

# Its small heap is known to the block: who allocated, and what lies in the spans.
check() { [ "$(json "$1" report.json)" = True ] || fail "not true: $1"; }
main='[s for s in p["sites"] if p["strings"][p["frames"][s["stack"][s["place"]]][0]] == "main"]'
check "[s['live_blocks'] for p in j['processes'] for s in $main] == [1000]"
check "[s['allocated_bytes'] for p in j['processes'] for s in $main] == [100000]"
check '1000 <= sum(sum(s["live_blocks"]) for s in j["processes"][0]["spans"]) < 1100'
check 'len(j["processes"][0]["history"]["seconds"]) > 1'

# Of a process that runs; the page of its data is the same page.
"$MIDDEN" run --quiet -- ./busy on >ready &
started=$!
wait_for grep -q ready ready
pid=$(cat /proc/$started/task/$started/children | tr -d ' ')
started="$started $pid"
run 0 "$MIDDEN" report $pid
said err "midden: the report is in busy.$pid.html"
run 0 "$MIDDEN" report $pid -o data.json
run 0 "$MIDDEN" report -o page.html data.json
cmp -s -n 1000 page.html report.html || fail "page.html is no page"
kill $pid

cat >compare.py <<'P'
import json, re, sys
def keys(value, path):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path + key
            yield from keys(inner, path + key + ".")
    if isinstance(value, list):
        for inner in value:
            yield from keys(inner, path[:-1] + "[].")
documented = set(re.findall(r"^\| `([^`]+)` \|", open(sys.argv[1]).read(), re.M)) - {"/"}
of_process = re.findall(r"^\| `([^`]+)` \|", open(sys.argv[2]).read(), re.M)
written = set(keys(json.load(open("report.json")), ""))
written -= {"processes[]." + key for key in of_process}
# There need not be one.
documented -= {"processes[].findings[].site"}
written -= {"processes[].findings[].site"}
for key in sorted(written ^ documented):
    print(key, "is not documented" if key in written else "is not in the file")
P
$python compare.py "$source/docs/report.md" "$source/docs/json.md" >out
[ ! -s out ] || fail "docs/report.md and the data differ"

# What cannot be shown gets a sentence, and no file.
refused() { # STATUS WORDS ARGUMENT...
  want=$1 words=$2
  shift 2
  run "$want" "$MIDDEN" report "$@"
  said err "$words"
}
refused 2 "midden: no RUN is named: give r12 of 'midden runs', last, a process's number or a file"
refused 2 "midden: 'report' takes nothing more" data.json more
refused 2 "cannot be written: No such file or directory" data.json -o no/such/file
refused 3 "midden: there is no process 4194999: 'midden ps' lists those" 4194999 -o none.html
refused 3 "midden: process 1 does not run on Midden" 1 -o none.html
refused 3 "midden: 'no-such-file' cannot be read: No such file or directory" no-such-file
refused 3 "midden: '.' is no file of data" . -o none.html
refused 3 "it is no JSON: 'midden report RUN -o FILE.json' writes" report.html -o none.html
echo '{"format": "midden-report", "version": 9}' >later.json
refused 3 "it is of another version of midden" later.json -o none.html
refused 1 "midden: '/dev/full' could not be written: No space left on device" data.json -o /dev/full
[ ! -e none.html ] || fail "a page of nothing was written"
