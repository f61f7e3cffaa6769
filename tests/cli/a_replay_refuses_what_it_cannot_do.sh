# tests/cli/a_replay_refuses_what_it_cannot_do.sh -- with a sentence, and before it takes long.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# bad STATUS SENTENCE ARGUMENTS...: that is all it says.
bad() {
  status=$1 sentence=$2
  shift 2
  run "$status" "$MIDDEN" replay "$@"
  [ "$(cat err)" = "midden: $sentence" ] || fail "'midden replay $*' did not say: $sentence"
  [ ! -s out ] || fail "'midden replay $*' wrote to standard output"
}

program work <<'END'
#include <stdlib.h>
int main(void) {
  for (int i = 0; i < 100000; i++) free(malloc(i % 1000));
  return 0;
}
END
run 0 "$MIDDEN" record -o work.midden -- ./work
known="midden midden:hardened=1 glibc mimalloc jemalloc tcmalloc tbbmalloc first-fit next-fit best-fit \
worst-fit segregated-fit tlsf buddy obmalloc arena"

bad 2 "a trace is missing: midden replay [OPTION]... TRACE"
bad 2 "'replay' takes nothing more: leave out 'more'" work.midden more
bad 1 "'none.midden' cannot be read: No such file or directory" none.midden --under glibc
bad 1 "'work.c' cannot be read: it is not a trace: give a file that 'midden record' wrote" work.c \
  --under glibc
bad 2 "there is no allocator 'frobnicator': give the path of a library, or one of $known" \
  work.midden --under frobnicator
bad 2 "there is no allocator 'best-fti': did you mean 'best-fit'?" work.midden --under best-fti
bad 2 "'glibc' is named twice: once is enough" work.midden --under glibc,tlsf,glibc
bad 2 "'glibc,,tlsf' has no name where one must be: leave out a comma" work.midden --under glibc,,tlsf
bad 2 "'./none.so' cannot be tried: No such file or directory: give the path of a library that has a \
malloc" work.midden --under ./none.so
echo 'int nothing;' >nothing.c
${CC:-cc} -shared -fPIC -o nothing.so nothing.c
for file in nothing.so nothing.c; do
  bad 2 "'./$file' replaces no malloc: give a library that exports malloc and that this machine's \
loader takes" work.midden --under ./$file
done
bad 2 "there is no option 'hardend': did you mean 'hardened'?" work.midden --under midden:hardend=1
bad 2 "'glibc' places blocks where it likes: --region, --bare and --addresses are for policies, such \
as first-fit or buddy" work.midden --under glibc --region 1M
bad 2 "'none' is not a size of 64 or more: give it as 4096, 500M or 2G" work.midden --region none
bad 2 "'1k' is not a size of 1048576 or more: give it as 4096, 500M or 2G" work.midden --limit 1k
bad 2 "'0' is no number of rounds: give 1 to 99" work.midden --rounds 0
bad 2 "--touch cannot be 'some': give ends or all" work.midden --touch some
bad 2 "'0s' is no time to run in: give 1s or more" work.midden --time-limit 0s
bad 1 "process 9 of 'work.midden' cannot be replayed: it has no allocations" work.midden --process 9 \
  --under glibc
bad 2 "'/none/out.json' cannot be written: No such file or directory: name another file" \
  work.midden --json /none/out.json

# A damaged trace is replayed as far as it goes.
size=$(stat -c %s work.midden)
head -c $((size - 30)) work.midden >cut.midden
run 0 "$MIDDEN" replay cut.midden --under glibc --rounds 1
said err "midden: 'cut.midden' is replayed as far as it goes: "
said out "knee: glibc"
head -c 30 work.midden >stump.midden
run 1 "$MIDDEN" replay stump.midden --under glibc --rounds 1
said err "cannot be replayed: "

# The helper explains itself.
run 2 "$(dirname "$MIDDEN")/midden-replay"
said err "this is a part of 'midden replay'"

# Few files may be open.
few() { sh -c 'ulimit -n $0; exec "$@"' "$1" "$MIDDEN" replay work.midden --under glibc --rounds 1; }
run 0 few 10
run 1 few 6
said err "midden: a replay needs more open files than it may have: raise 'ulimit -n'"
