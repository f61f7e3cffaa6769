# tests/cli/runs_are_kept_and_found_again.sh -- in a database of the user's own, which costs a note
# where it cannot be used, and never the run.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"
. "$(dirname "$0")/planted.inc"

base=state/midden/runs.db
run 0 "$MIDDEN" runs --json none.json
[ "$(json 'j' none.json)" = '[]' ] || fail "there are runs before the first"
[ ! -e state ] || fail "a look at the runs made a folder"
run 3 "$MIDDEN" report last
said err "midden: no run was kept yet: 'midden run' keeps each"

churns
run 0 "$MIDDEN" run --json run.json -- ./churns
run 7 "$MIDDEN" run --quiet -- $python -c 'import os; os._exit(7)'
[ ! -s err ] || fail "--quiet was not quiet"
run 143 "$MIDDEN" run --quiet -- sh -c 'kill $$'
[ "$(stat -c %a state state/midden $base | tr '\n' ' ')" = '700 700 600 ' ] ||
  fail "others can read the runs"

# The list, for people and as JSON.
run 0 "$MIDDEN" runs --json runs.json
[ "$(wc -l <out)" -eq 4 ] || fail "not three runs are listed"
grep -Eq "^ +r1  20[0-9-]+ [0-9:]+ +[0-9.]+ m?s +0 +[0-9.]+ MiB +.* [1-9][0-9]*  ./churns$" out ||
  fail "r1 is not listed so"
grep -Eq "^ +r2 .* 7 .* os\._exit\(7\)$" out || fail "r2 did not end with 7"
grep -Eq "^ +r3 .* SIGTERM .*  sh -c kill" out || fail "r3 was not ended by SIGTERM"
[ "$(awk 'NR > 1 { print $1 }' out | tr '\n' ' ')" = 'r3 r2 r1 ' ] || fail "the newest is not first"
[ "$(json '[(r["run"], r["exit"], r["signal"]) for r in j]' runs.json)" = \
  "[('r3', None, 15), ('r2', 7, None), ('r1', 0, None)]" ] || fail "the JSON says otherwise"
for key in peak_rss wall_seconds pid; do
  [ "$(json "j[2]['$key']" runs.json)" = "$(json "j[0]['process']['$key']" run.json)" ] ||
    fail "the $key that is listed is not the run's"
done
[ "$(json 'j[2]["findings"]' runs.json)" = "$(json 'len(j[0]["findings"])' run.json)" ] ||
  fail "the findings that are listed are not the run's"

# What is kept is what the run's own report has.
run 0 "$MIDDEN" report r1 -o kept.json
$python - <<'P' || fail "what was kept is not what was reported"
import json
run, kept = json.load(open("run.json"))[0], json.load(open("kept.json"))["processes"][0]
for finding in kept["findings"]: finding.pop("site")
assert all(kept[key] == run[key] for key in run)
P
run 0 "$MIDDEN" report last
said err "midden: the report is in r3.html"
[ "$(head -n 1 r3.html)" = '<!doctype html>' ] || fail "r3.html is no page"

# Dropped, the number is not given again.
run 0 "$MIDDEN" runs --remove last
run 3 "$MIDDEN" report r3
said err "midden: there is no run r3: 'midden runs' lists those that are kept"
run 3 "$MIDDEN" runs --remove r3
run 2 "$MIDDEN" runs --remove x
said err "midden: 'x' is no run: give r12 of 'midden runs', or last"
run 0 "$MIDDEN" run -- ./churns
run 0 "$MIDDEN" runs
said out "r4 "

# Runs that end at once are all kept.
rm -r state
for i in 1 2 3 4 5 6 7 8; do "$MIDDEN" run --quiet -- ./churns & done
wait
run 0 "$MIDDEN" runs
[ "$(awk 'NR > 1 { print $1 }' out | tr '\n' ' ')" = 'r8 r7 r6 r5 r4 r3 r2 r1 ' ] ||
  fail "some runs are missing"

# What is too old goes when the next comes.
$python - $base <<'P'
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
base.execute("UPDATE run SET started = started - 31 * 86400 WHERE id = 3")
base.execute("UPDATE run SET bytes = 300 << 20 WHERE id = 5")
base.execute("UPDATE run SET data = x'00' WHERE id = 7")
base.commit()
P
run 3 "$MIDDEN" report r7
said err "midden: run r7 is damaged: 'midden runs --remove r7' drops it"
run 0 "$MIDDEN" run --quiet -- ./churns
run 0 "$MIDDEN" runs
[ "$(awk 'NR > 1 { print $1 }' out | tr '\n' ' ')" = 'r9 r8 r7 r6 ' ] ||
  fail "not those before r6 went, which are too old or too much"

# Damaged, of a later version, nowhere: a note, and the run's own status.
$python -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version = 9")' $base
run 0 "$MIDDEN" run -- ./churns
said err "it is of a later version of midden"
rm -r state
mkdir -p state/midden
head -c 9000 /dev/urandom >$base
cp $base before
run 0 "$MIDDEN" run -- ./churns
said err "midden: this run is not kept: '$work/$base': file is not a database"
cmp -s $base before || fail "a file that is no database was written to"
run 3 "$MIDDEN" runs
said err "file is not a database: move that file away"
XDG_STATE_HOME=/proc/none run 0 "$MIDDEN" run -- ./churns
said err "midden: this run is not kept: '/proc/none"
unset XDG_STATE_HOME
HOME=relative run 0 "$MIDDEN" run -- ./churns
said err "neither XDG_STATE_HOME nor HOME is an absolute path: set one"
HOME=relative run 3 "$MIDDEN" runs
[ "$(cat err)" = "midden: the runs that were kept cannot be read: neither XDG_STATE_HOME nor HOME \
is an absolute path: set one" ] || fail "it did not say what to do"
HOME="$work/home" run 0 "$MIDDEN" run -- ./churns
[ -e home/.local/state/midden/runs.db ] || fail "it is not where XDG says"
