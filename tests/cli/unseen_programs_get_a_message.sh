# tests/cli/unseen_programs_get_a_message.sh -- those whose blocks never reach Midden, and one line
# for those that link another malloc but are seen.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

echo 'int main(void) { return 3; }' | program static -static
run 3 "$MIDDEN" run -- ./static
said err "midden: ./static is statically linked"
said err "note: ./static is statically linked"
run 3 "$MIDDEN" run --quiet -- ./static
said err "midden: ./static is statically linked"
printf '#!%s/static\n' "$work" >script
chmod +x script
run 3 "$MIDDEN" run -- ./script
said err "/static is statically linked"

# Its own heap, mapped: nothing of it is malloc's.
program mapped <<'C'
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
  free(malloc(100));
  char *p = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 1, 64 << 20);
}
C
run 0 "$MIDDEN" run -- ./mapped
said err "never passed through malloc: the program has a heap of its own that it maps"

# It takes the library out of its own environment and starts again.
program stubborn <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (getenv("LD_PRELOAD") == NULL) return 0;
  unsetenv("LD_PRELOAD");
  execv("/proc/self/exe", argv);
}
C
run 0 "$MIDDEN" run --option feed=0 -- ./stubborn
said err "nothing was heard from Midden"

# Another malloc by its standard names: all is seen, with a line of note.
mkdir lib
echo 'int je_nothing;' | program lib/libjemalloc.so.2 -shared -fPIC -Wl,-soname,libjemalloc.so.2
program linked -Llib -l:libjemalloc.so.2 -Wl,--no-as-needed,-rpath,"$work/lib" <<'C'
#include <stdlib.h>
extern int je_nothing;
int main(void) { return je_nothing + (malloc(1 << 20) == 0); }
C
run 0 "$MIDDEN" run --json out.json -- ./linked
said err "note: ./linked links libjemalloc.so.2; its calls by the standard names go to Midden"
[ "$(json 'j[0]["memory"]["live"] >= 1 << 20 and len(j[0]["notes"]) == 1' out.json)" = True ] ||
  fail "its memory was not seen"

# Set-uid is no such thing for its owner.
echo 'int main(void) { return 0; }' | program raised
chmod 4755 raised
run 0 "$MIDDEN" run -- ./raised
not_said err "set-uid"
if [ "$(id -u)" -ne 0 ]; then
  echo "$name: not root: a set-uid program of another user was not tried"
  exit 0
fi
# For another user it is, unless the file system is mounted without set-uid programs.
chmod 755 "$work"
mkdir bin
cp "$MIDDEN" "$LIBMIDDEN" bin
mkdir -m 0777 nobody
status=0
setpriv --reuid 65534 --regid 65534 --clear-groups env XDG_RUNTIME_DIR="$work/nobody" \
  bin/midden run -- ./raised >out 2>err || status=$?
[ $status -eq 0 ] || fail "as another user it ended with $status"
case $(findmnt -no OPTIONS -T raised) in
*nosuid*) not_said err "is set-uid" ;;
*) said err "midden: ./raised is set-uid" ;;
esac
