# tests/cli/recording_stops_and_the_program_goes_on.sh -- after a time, at a size, on a full
# disk, when the recorder is killed; and a program that runs already can be recorded again and again.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program busy -pthread <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *work(void *unused) {
  void *block[64] = {0};
  for (unsigned i = 0;; i++) {
    free(block[i % 64]);
    block[i % 64] = malloc(16 + i % 500);
    if (i % 256 == 0) usleep(500);
    if (access("stop", F_OK) == 0) return unused;
  }
}
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, work, NULL);
  work(NULL);
  pthread_join(thread, NULL);
  return 5;
}
END

later() { (sleep "$1" && : >stop) & }
for how in --for=200ms --max-bytes=1k; do
  rm -f stop
  later 1
  run 5 "$MIDDEN" record $how -o busy.midden -- ./busy
  said err "midden: recorded"
  run 0 "$MIDDEN" trace busy.midden
  rm stop
done

later 0.5
run 5 "$MIDDEN" record -o /dev/full -- ./busy
said err "midden: '/dev/full' could not be written any further: No space left on device"
said err "it ends there, with 0 B; the program goes on"
not_said err "recorded"
rm stop
: >stop
run 5 "$MIDDEN" record -o plain.midden -- ./busy
rm stop

LD_PRELOAD=$LIBMIDDEN ./busy &
pid=$!
started="$started $pid"
has_feed() { [ -n "$(find midden -name "$pid.*.feed")" ]; }
wait_for has_feed
for i in 1 2 3; do
  run 0 "$MIDDEN" record --pid $pid --for 200ms -o attached.midden
  run 0 "$MIDDEN" trace attached.midden
  said out "1 process, 2 threads"
  not_said out "wrong"
done
run 1 "$MIDDEN" record --pid $pid --for 200ms -o /dev/full
said err "midden: '/dev/full' could not be written any further: No space left on device"
not_said err "recorded"
# ^C ends it.
timeout -s INT 0.3 "$MIDDEN" record --pid $pid -o attached.midden 2>err || :
said err "midden: recorded"
# A recorder that is gone holds nobody up, and another may come.
"$MIDDEN" record --pid $pid -o gone.midden 2>err &
recorder=$!
sleep 0.3
kill -KILL $recorder
run 1 "$MIDDEN" trace gone.midden
said err "it has no end: the recorder was stopped before it could write one"
run 0 "$MIDDEN" record --pid $pid --for 200ms -o attached.midden
said err "midden: recorded"
: >stop
wait $pid || got=$?
[ "$got" -eq 5 ] || fail "the program ended with $got"

# What cannot be, and costs nobody a trace.
cp attached.midden kept.midden
run 1 "$MIDDEN" record --pid $$ -o kept.midden
said err "does not run on this Midden"
run 1 "$MIDDEN" record --pid 999999999 -o kept.midden
said err "there is no process 999999999"
cmp attached.midden kept.midden || fail "a trace was lost"
run 1 "$MIDDEN" record --pid $$
[ -z "$(find . -name "*.$$.midden")" ] || fail "a trace of nothing was left"
run 2 "$MIDDEN" record --pid x
run 2 "$MIDDEN" record --for soon -- true
said err "'soon' is not a time: give it as 30s, 500ms, 5m or 1h"
run 2 "$MIDDEN" record --max-bytes 0 -- true
run 2 "$MIDDEN" record
run 2 "$MIDDEN" record -o /nowhere/at/all -- true
run 127 "$MIDDEN" record -- ./nothing

# A recorder that stands still: the program waits, loses events, and ends all the same; how many is
# told, and the rest is there.
program fast <<'END'
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  getchar();
  for (int i = 0; i < 3000000; i++) free(malloc(100));
  FILE *done = fopen("done", "w");
  fclose(done);
  getchar();
  return 0;
}
END
mkfifo words
"$MIDDEN" record -o fast.midden -- ./fast <words 2>err &
recorder=$!
started="$started $recorder"
exec 3>words
runs() { [ -n "$(find midden -name '*.feed')" ]; }
wait_for runs
kill -STOP $recorder
echo >&3
wait_for test -e done
kill -CONT $recorder
echo >&3
wait $recorder || fail "the program did not end well"
said err "events were lost"
run 0 "$MIDDEN" trace fast.midden
said out "lost "
not_said out "wrong"

# One that does nothing.
LD_PRELOAD=$LIBMIDDEN sleep 100 &
pid=$!
started="$started $pid"
wait_for has_feed
run 0 "$MIDDEN" record --pid $pid --for 100ms -o idle.midden
said err "no event was recorded: process $pid called no malloc meanwhile"
