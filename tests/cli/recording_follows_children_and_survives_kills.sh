# tests/cli/recording_follows_children_and_survives_kills.sh -- fork, exec, _exit, abort,
# SIGKILL: what a process did up to its end is in the trace.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program ends <<'END'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **word) {
  const char *how = count > 1 ? word[1] : "";
  void *kept = malloc(11111);
  if (strcmp(how, "fork") == 0) {
    if (fork() == 0) {
      free(kept);
      malloc(22222);
      _exit(0);
    }
    wait(NULL);
  }
  if (strcmp(how, "exec") == 0) execl(word[0], word[0], "end", NULL);
  for (int i = 0; i < 1000; i++) malloc(33333);
  if (strcmp(how, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "_exit") == 0) _exit(0);
  return 0;
}
END

record() { # STATUS HOW
  got=0
  "$MIDDEN" record -o ends.midden -- ./ends "$2" >out 2>err || got=$?
  [ "$got" -eq "$1" ] || fail "$2 ended with $got"
  run 0 "$MIDDEN" trace --csv ends.csv ends.midden
}
count() { grep ',ends+' ends.csv | grep -c "$1" || :; }

for how in kill:137 abort:134 _exit:0 return:0; do
  record "${how#*:}" "${how%:*}"
  [ "$(count ,33333,)" -eq 1000 ] || fail "$how: $(count ,33333,) events"
  grep -q ',exit,' ends.csv || fail "$how: its end is not told"
done

record 0 fork
[ "$(count '^[0-9.]*,1,.*,11111,')" -eq 1 ] || fail "the parent's block is not there"
[ "$(count '^[0-9.]*,2,.*,22222,')" -eq 1 ] || fail "the child's block is not there"
[ "$(count '^[0-9.]*,2,.*,free?,')" -eq 1 ] || fail "the child's free of what it inherited"
[ "$(count ,33333,)" -eq 1000 ] || fail "the parent did not go on"

record 0 exec
[ "$(count ,11111,)" -eq 2 ] || fail "not both programs of one process"
[ "$(count '^[0-9.]*,2,.*,33333,')" -eq 1000 ] || fail "the second program's blocks are not there"

# Many children at once, and one that outlives the program.
run 0 "$MIDDEN" record -o many.midden -- \
  sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do ./ends & done; wait; sleep 20 >/dev/null 2>&1 &'
run 0 "$MIDDEN" trace --csv ends.csv many.midden
[ "$(count ,33333,)" -eq 10000 ] || fail "$(count ,33333,) events of ten children"
[ "$(find midden -name '*.ring' | wc -l)" -eq 0 ] || fail "rings were left behind"
