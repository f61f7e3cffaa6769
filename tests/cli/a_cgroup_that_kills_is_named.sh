# tests/cli/a_cgroup_that_kills_is_named.sh -- with its limit, when it killed the program; and
# --limit cgroup has malloc refuse before that.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

limit=48M
group=
for root in /sys/fs/cgroup/memory /sys/fs/cgroup; do
  [ -e $root/cgroup.procs ] || continue
  mkdir $root/midden-test-$$ 2>/dev/null || continue
  group=$root/midden-test-$$
  for file in memory.max memory.limit_in_bytes; do
    [ ! -e $group/$file ] || echo $limit >$group/$file
  done
  if [ -e $group/memory.max ] || [ -e $group/memory.limit_in_bytes ]; then break; fi
  rmdir $group
  group=
done
if [ -z "$group" ]; then
  echo "$name: no memory cgroup can be made here: not tried"
  exit 0
fi
undo() {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    rmdir "$group" 2>/dev/null && break
    sleep 0.2
  done
}
for file in memory.swap.max memory.memsw.limit_in_bytes; do
  [ ! -e $group/$file ] || echo $limit >$group/$file 2>/dev/null || echo 0 >$group/$file || :
done

program hog <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  for (int i = 0; i < 500; i++) {
    char *p = malloc(1 << 20);
    if (p == NULL) return printf("refused after %d MiB\n", i) < 0;
    memset(p, 1, 1 << 20);
    usleep(2000);
  }
  return 5;
}
C

# within COMMAND...: in the group, from before it starts.
within() { sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"; }

run 137 within "$MIDDEN" run --json out.json -- ./hog
said err "the kernel killed the program for its memory: the limit of cgroup $group is 48.0 MiB"
[ "$(json 'any("cgroup" in n for n in j[0]["notes"])' out.json)" = True ] || fail "there is no note in the JSON"

# Moved into the group only after it was started, and a child of the program.
run 137 "$MIDDEN" run -- sh -c "echo \$\$ >$group/cgroup.procs; sleep 0.5; exec ./hog"
said err "the kernel killed the program for its memory: the limit of cgroup $group is 48.0 MiB"
run 0 within "$MIDDEN" run -- sh -c './hog; true'
said err "the kernel killed 1 process for memory: the limit of cgroup $group is 48.0 MiB"

run 0 within "$MIDDEN" run --limit cgroup -- ./hog
said out "refused after"
not_said err "killed"

# Before it comes to that, who watches is told.
program hold <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  memset(malloc(45 << 20), 1, 45 << 20);
  pause();
}
C
sh -c 'echo $$ >"$0/cgroup.procs" && exec ./hold' "$group" &
holding=$!
started="$started $holding"
is_near() {
  "$MIDDEN" watch --every 50ms --for 100ms $holding >out
  grep -q "ALARM  limit: 4[4-8][.0-9]* MiB of the 48.0 MiB that its cgroup $group may have" out
}
wait_for is_near
kill $holding
