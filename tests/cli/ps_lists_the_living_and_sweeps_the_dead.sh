# tests/cli/ps_lists_the_living_and_sweeps_the_dead.sh -- a dead process's feed is kept for a day.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

feeds() { find midden -name '*.feed' | wc -l; }
MIDDEN_OPTIONS= LD_PRELOAD="$LIBMIDDEN" $python -c '
import time
x = bytearray(30 << 20)
time.sleep(60)' &
living=$!
started="$started $living"
LD_PRELOAD="$LIBMIDDEN" $python -c '
import os, signal
x = bytearray(10 << 20)
os.kill(os.getpid(), signal.SIGKILL)' || :
listed() {
  "$MIDDEN" ps >out
  grep -Eq "^ *$living +[34][0-9]\.[0-9] MiB +3[0-9]\.[0-9] MiB +1 +.*python3" out
}
wait_for listed
[ "$(grep -c 'bytearray' out)" -eq 1 ] || fail "a dead process is listed"
[ "$(feeds)" -eq 2 ] || fail "a feed is missing"

# The first sweep marked the dead one; a day later it goes, and the living one stays.
run 0 "$MIDDEN" ps
[ "$(feeds)" -eq 2 ] || fail "a feed that is seconds old was removed"
find midden -name '*.feed' -exec touch -d '2 days ago' {} +
run 0 "$MIDDEN" ps
[ "$(feeds)" -eq 1 ] || fail "an old feed of a dead process was kept"
kill $living
! wait $living 2>/dev/null
wait_for sh -c "! kill -0 $living 2>/dev/null"
find midden -name '*.feed' -exec touch -d '2 days ago' {} +
run 0 "$MIDDEN" run --quiet -- true
[ "$(feeds)" -eq 1 ] || fail "how long a process lived was taken for how long it is dead"

# What is no feed of ours is neither read nor removed.
mkfifo midden/1.2.feed
ln -s /etc/passwd midden/3.4.feed
head -c 5000 /dev/urandom >midden/5.6.feed
: >midden/7.8.feed
echo x >midden/something
touch -h -d '2 days ago' midden/*
run 0 "$MIDDEN" ps
! grep -q "bytearray" out || fail "a dead process is listed"
[ -p midden/1.2.feed ] && [ -L midden/3.4.feed ] && [ -e midden/something ] ||
  fail "something was removed that is no feed"
