# tests/cli/watched_processes_raise_alarms.sh -- midden watch: lines, alarms, and where they go.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# Grows by so many bytes 50 times a second until it has them all, or holds what it has.
program grow <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  size_t bytes = atol(argv[1]), times = atol(argv[2]);
  memset(malloc(20 << 20), 1, 20 << 20);
  for (size_t i = 0;; i++) {
    char *p = i < times ? malloc(bytes) : NULL;
    if (p != NULL) memset(p, 1, bytes);
    usleep(20000);
  }
}
C
# begin NAME COMMAND...: in the background; its number is $NAME.
begin() {
  name_of=$1
  shift
  "$@" &
  eval "$name_of=$!"
  started="$started $!"
}
begin growing ./grow 40000 100000
begin flat ./grow 0 0
begin midden env LD_PRELOAD="$LIBMIDDEN" ./grow 40000 100000
begin filled ./grow 8000000 1
is_listed() { "$MIDDEN" ps | grep -q "^ *$midden "; }
wait_for is_listed

# watch_until STATUS TIMES PATTERN OPTION...: until so many lines have that; it has to end with STATUS.
printed() { [ "$(grep -c "$2" out)" -ge "$1" ]; }
watch_until() {
  want=$1 times=$2 pattern=$3
  shift 3
  "$MIDDEN" watch "$@" >out 2>err &
  watching=$!
  started="$started $watching"
  wait_for printed $times "$pattern"
  kill -TERM $watching
  got=0
  wait $watching || got=$?
  [ $got -eq "$want" ] || fail "watch ended with $got, not $want"
}

# Those that grow are named with the signal that tells it, once; the others are not.
cat >hook <<'END'
printf '%s\n' "$MIDDEN_ALARM $MIDDEN_PID $MIDDEN_COMMAND: $MIDDEN_TEXT" >>"alarm"
END
watch_until 1 2 ALARM --every 100ms --fail --growth 100 \
  --command 'sh ./hook; echo from the command' $growing $flat $midden $filled
grep -q "^TIME  *PID  *RSS  *PSS  *SWAP  *LIVE  *+/h  COMMAND$" out || fail "there is no heading"
line=" *[0-9.]* [KM]iB  *[0-9.]* [KM]iB  *[0-9]* B"
grep -q "^[0-9][0-9:]*  *$growing$line  *-  *+[0-9.]* [MG]iB  ./grow 40000" out ||
  fail "there is no line of what grows"
grep -q "^[0-9][0-9:]*  *$midden$line  *[0-9.]* MiB  *+[0-9.]* [MG]iB  ./grow 40000" out ||
  fail "there is no line of what grows on Midden"
grep -q "^[0-9][0-9:]*  *$flat$line  *-  *\.  ./grow 0 0" out || fail "what is flat has a growth"
grew='grew from [0-9.]* MiB to [0-9.]* MiB in [0-9.]* s: [0-9]* % an hour, and at least [0-9]* %'
for alarm in "$growing  ALARM  growth: RSS" "$midden  ALARM  growth: live heap"; do
  [ "$(grep -c "$alarm $grew$" out)" -eq 1 ] || fail "there is not one '$alarm'"
done
[ "$(grep -c ALARM out)" -eq 2 ] || fail "there is a false alarm"
[ "$(grep -c "^growth $growing ./grow 40000 100000: RSS grew" alarm)" -eq 1 ] &&
  [ "$(wc -l <alarm)" -eq 2 ] || fail "the command did not get each alarm once"
said err "from the command"
not_said out "from the command"

# A higher bar, and what is no alarm is no failure.
watch_until 0 1 "$growing .* +[0-9.]* [MG]iB  ./grow" --every 50ms --fail --growth 1000000000 $growing
not_said out ALARM
run 0 "$MIDDEN" watch --every 50ms --for 2s --fail $flat $filled
not_said out ALARM

# As JSON, in figures that agree with the kernel's.
watch_until 0 1 "pid\":$midden,.*\"growth_per_hour\":[1-9]" --every 100ms --growth 10% --json $flat $midden
$python - out $flat $midden <<'END' || fail "the JSON is not as its document says"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
flat, midden = int(sys.argv[2]), int(sys.argv[3])
figures = [l for l in lines if "rss" in l]
alarms = [l for l in lines if "alarm" in l]
assert len(figures) + len(alarms) == len(lines) > 10
assert all(set(l) == {"time", "pid", "command", "rss", "pss", "swap", "live", "growth_per_hour"}
           for l in figures)
assert all(set(l) == {"time", "pid", "command", "alarm", "text"} for l in alarms)
mine = [l for l in figures if l["pid"] == flat]
kernel = [int(l.split()[1]) << 10 for l in open(f"/proc/{flat}/status") if l.startswith("VmRSS")]
assert mine[-1]["rss"] == kernel[0] and mine[0]["live"] is None
assert 20 << 20 < mine[0]["pss"] <= mine[0]["rss"] and mine[0]["swap"] == 0
on_midden = [l for l in figures if l["pid"] == midden]
assert on_midden[-1]["live"] > on_midden[0]["live"] > 20 << 20
assert on_midden[0]["growth_per_hour"] is None and on_midden[-1]["growth_per_hour"] > 0
END
for key in rss pss swap live growth_per_hour alarm text time pid command; do
  grep -q "\`$key\`" "$source/docs/watch.md" || fail "docs/watch.md has no '$key'"
done

# One that ends is said to; it ends with the last, and by a signal.
begin short sleep 1
run 0 "$MIDDEN" watch --every 100ms $short
grep -q "$short  ALARM  gone: it has ended, at most [0-9]* ms ago" out || fail "its end is not told"
watch_until 0 1 "$flat" --every 100ms $flat

# To the system's log, by a stand-in for what libc has.
cat >log.c <<'C'
#include <stdarg.h>
#include <stdio.h>
static void put(int priority, const char *format, va_list args) {
  FILE *f = fopen("log", "a");
  fprintf(f, "<%d> ", priority);
  vfprintf(f, format, args);
  fclose(f);
}
void syslog(int priority, const char *format, ...) {
  va_list args;
  va_start(args, format);
  put(priority, format, args);
}
void __syslog_chk(int priority, int flag, const char *format, ...) {
  va_list args;
  va_start(args, format);
  put(priority, format, args);
}
C
${CC:-cc} -w -shared -fPIC -o log.so log.c
begin short sleep 0.5
run 0 env LD_PRELOAD="$work/log.so" "$MIDDEN" watch --every 100ms --syslog $short
said log "<4> gone: process $short (sleep 0.5): it has ended"

# Its heap's limit.
begin limited env LD_PRELOAD="$LIBMIDDEN" MIDDEN_OPTIONS=heap_limit=64M ./grow 3000000 14
limits() { "$MIDDEN" watch --every 100ms --for 200ms $limited >out; grep -q "ALARM  limit" out; }
wait_for limits
said out "its heap holds"
said out "of the 64.0 MiB that heap_limit lets it have"

# Bad usage and what is not there.
run 2 "$MIDDEN" watch
said err "midden: a process number is missing: midden watch [OPTION]... PID..."
run 2 "$MIDDEN" watch $flat x1
said err "midden: 'x1' is not a process number"
run 2 "$MIDDEN" watch --every 0 $flat
said err "midden: --every 0 is out of range: give it from 10ms to 24h"
run 2 "$MIDDEN" watch --growth much $flat
said err "midden: 'much' is not a growth in percent an hour: give it as 50"
run 3 "$MIDDEN" watch $flat 999999999
said err "midden: there is no process 999999999 that could be watched: 'ps -e' lists all"
