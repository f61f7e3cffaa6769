# tests/cli/json_is_what_its_document_says.sh -- every key is documented and every documented key is
# there; one array, the first process first.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"
. "$(dirname "$0")/planted.inc"

churns
collects
run 3 "$MIDDEN" run --quiet --json out.json -- \
  $python -c 'import subprocess; [subprocess.run(p) for p in ("./churns", "./collects")]; exit(3)'
[ ! -s err ] || fail "--quiet was not quiet"
$python -m json.tool out.json >/dev/null || fail "it is no JSON"

cat >compare.py <<'P'
import json, re, sys
def keys(value, path):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from keys(inner, path + [key])
            yield ".".join(path + [key])
    if isinstance(value, list):
        for inner in value:
            yield from keys(inner, path[:-1] + [path[-1] + "[]"])
written = set()
for process in json.load(open("out.json")):
    written |= set(keys(process, []))
text = open(sys.argv[1]).read()
documented = set(re.findall(r"^\| `([^`]+)` \|", text, re.M))
for key in sorted(written ^ documented):
    print(key, "is not documented" if key in written else "is not in the file")
P
$python compare.py "$source/docs/json.md" >out
[ ! -s out ] || fail "docs/json.md and the output differ"

check() { [ "$(json "$1" out.json)" = True ] || fail "not true: $1"; }
check 'type(j) is list and len(j) == 3'
check 'j[0]["process"]["exit"] == 3 and j[0]["process"]["signal"] is None'
check 'j[1]["process"]["exit"] is None'
check 'j[0]["version"] == "'"$("$MIDDEN" --version | cut -d' ' -f2)"'"'
check 'all(p["process"]["on_midden"] and p["process"]["final"] for p in j)'
check '0 < j[0]["process"]["cpu_seconds"] < j[0]["process"]["wall_seconds"] * 64'
check 'all(type(v) in (int, bool) for p in j for v in p["memory"].values())'

run 143 "$MIDDEN" run --json out.json -- sh -c 'kill $$'
check 'j[0]["process"]["exit"] is None and j[0]["process"]["signal"] == 15'
check 'not j[0]["process"]["final"]'
