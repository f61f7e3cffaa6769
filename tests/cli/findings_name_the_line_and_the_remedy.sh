# tests/cli/findings_name_the_line_and_the_remedy.sh -- what is planted is named in text and JSON, and
# a program without trouble has no word of it.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"
. "$(dirname "$0")/planted.inc"

churns
run 0 "$MIDDEN" run --json out.json -- ./churns
said err "temporary: blur"
said err "churn: blur"
said err "churns.c:3"
said err "advice a buffer of"
cat >found.py <<'P'
import json, sys
found = [f for p in json.load(open("out.json")) for f in p["findings"] if f["kind"] == sys.argv[1]]
assert len(found) == 1, found
f = found[0]
assert f["function"] == sys.argv[2] and f["line"] == int(sys.argv[3]), f
assert f["file"].endswith(sys.argv[4]) and f["confidence"] in ("possible", "likely", "certain"), f
assert all(f[key] for key in ("what", "why", "advice")) and f["bytes"] > 0 and f["blocks"] > 0, f
stack = [frame["function"] for frame in f["stack"]]
assert sys.argv[2] in stack and stack.index(sys.argv[2]) < stack.index("main"), stack
P
$python found.py churn blur 3 churns.c || fail "churn is not as it should be"
$python found.py temporary blur 3 churns.c || fail "temporary is not as it should be"

grows
run 0 "$MIDDEN" run --json out.json -- ./grows 3
said err "growing: add_listener"
$python found.py growing add_listener 6 grows.c || fail "growing is not as it should be"

program clean <<'P'
#include <stdlib.h>
int main(void) {
  void *block[1000];
  for (int i = 0; i < 1000; i++) block[i] = malloc(100);
  for (int i = 0; i < 1000; i++) free(block[i]);
  return 0;
}
P
run 0 "$MIDDEN" run --json out.json -- ./clean
not_said err "Findings"
[ "$(json '[p["findings"] for p in j]' out.json)" = "[[]]" ] || fail "a clean program has findings"
