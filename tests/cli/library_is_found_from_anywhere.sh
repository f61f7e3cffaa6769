# tests/cli/library_is_found_from_anywhere.sh -- beside the command or in ../lib, through symbolic
# links, from any folder; and what the environment had stays.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

mkdir -p one/bin one/lib two links 'with blank'
cp "$MIDDEN" one/bin/midden
cp "$LIBMIDDEN" one/lib/libmidden.so
cp "$MIDDEN" "$LIBMIDDEN" two
cp "$MIDDEN" "$LIBMIDDEN" 'with blank'
ln -s ../one/bin/midden links/first
ln -s first links/midden

on_midden() {
  [ "$(json 'j[0]["process"]["on_midden"]' out.json)" = True ] || fail "$1: not on Midden"
}
for command in one/bin/midden two/midden links/midden; do
  run 0 "$command" run --quiet --json out.json -- sh -c :
  on_midden "$command"
done
(cd / && "$work/links/midden" run --quiet --json "$work/out.json" -- sh -c :) ||
  fail "from / it fails"
on_midden "from /"
PATH="$work/links:$PATH" run 0 midden run --quiet --json out.json -- sh -c :
on_midden "by PATH"

mkdir alone
cp "$MIDDEN" alone
run 1 alone/midden run -- touch started
said err "midden: libmidden.so is neither in $work/alone nor in $work/alone/../lib: install it"
run 1 'with blank/midden' run -- touch started
said err "has a blank or a colon in its name"
[ ! -e started ] || fail "a program was started"

echo 'int x;' | program other.so -shared -fPIC
LD_PRELOAD="$work/other.so" MIDDEN_OPTIONS=dirty_share=20 run 0 "$MIDDEN" run --quiet \
  --option quarantine=1M --limit 64M -- sh -c 'echo $LD_PRELOAD; echo $MIDDEN_OPTIONS'
grep -q "^/.*libmidden.so:$work/other.so$" out || fail "LD_PRELOAD is not as it should be"
grep -Eq '^dirty_share=20,run=[0-9]+,feed=keep,last_look=1,quarantine=1M,heap_limit=64M$' out ||
  fail "MIDDEN_OPTIONS is not as it should be"

program limited <<'C'
#include <errno.h>
#include <stdlib.h>
int main(void) {
  return malloc(100) != NULL && malloc(100 << 20) == NULL && errno == ENOMEM ? 0 : 1;
}
C
run 0 "$MIDDEN" run --limit 64M --json out.json -- ./limited
said err "64.0 MiB for the heap; 1 allocation refused"
run 1 "$MIDDEN" run --quiet -- ./limited
