# tests/cli/a_graph_tells_globals_frames_and_threads_apart.sh -- a map with links to parents is its
# global's, though a frame points into it; a thread's vector is its frame's; its buffer its own.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

"$CXX" -std=c++17 -g -O1 -w -pthread -o threads "$source/tests/graph/threads.cc"
mkfifo orders
LD_PRELOAD=$LIBMIDDEN ./threads <orders >said &
pid=$!
started=$pid
exec 3>orders
for _ in $(seq 300); do
  [ "$(grep -c ready said)" -lt 2 ] || break
  sleep 0.1
done

run 0 "$MIDDEN" graph "$pid" --json story.json
"$python" -c '
import json
story = json.load(open("story.json"))
held = [(g["owner"]["kind"], g["owner"]["name"], g["retained"]) for g in story["groups"] if g["owner"]]
total = story["bytes"]
by = lambda kind, part: sorted(r for k, n, r in held if k == kind and part in n)
assert len(by("global", "registry in threads")) == 1, held
assert by("global", "registry in threads")[0] > 0.45 * total, held
small, large = by("stack", "worker")[-2:]
assert large > 0.15 * total and 2 * small < large, held
assert [r >= 300000 for r in by("TLS", "thread")] == [True, True], held' || fail "wrong owners"
grep -q "worker.*, in the stack of thread" out || fail "the thread's frame is not named"
echo end >&3
exec 3>&-
wait "$pid" || fail "the program ended badly"
started=
