# tests/cli/figures_add_up_and_agree_with_proc.sh -- a program that knows what it allocated and
# reads its own smaps_rollup at the end, beside what the report says of it.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# It keeps blocks of four sizes and one large block, all touched, and frees every fourth small one.
# The last lines that it prints are its own account.
program known <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
enum { BLOCKS = 40000 };
static void *block[BLOCKS];
int main(void) {
  static const size_t sizes[] = {24, 100, 1000, 3000};
  size_t asked = 0;
  for (int i = 0; i < BLOCKS; i++) {
    size_t bytes = sizes[i / 4 % 4];
    block[i] = malloc(bytes);
    memset(block[i], 1, bytes);
    asked += bytes;
  }
  for (int i = 0; i < BLOCKS; i += 4) free(block[i]), asked -= sizes[i / 4 % 4];
  char *large = malloc(20 << 20);
  memset(large, 1, 20 << 20);
  asked += 20 << 20;
  char text[4096], *line;
  int fd = open("/proc/self/smaps_rollup", O_RDONLY);
  ssize_t n = read(fd, text, sizeof text - 1);
  text[n > 0 ? n : 0] = 0;
  line = strstr(text, "Rss:");
  dprintf(1, "asked %zu\nrss %lu\n", asked, line ? strtoul(line + 4, NULL, 10) * 1024 : 0);
}
C
run 0 "$MIDDEN" run --json out.json --report report.txt -- ./known
asked=$(sed -n 's/^asked //p' out)
rss=$(sed -n 's/^rss //p' out)

check() { [ "$(json "$1" out.json)" = True ] || fail "not true: $1 (asked $asked, rss $rss)"; }
m='j[0]["memory"]'
check 'j[0]["process"]["final"]'
check "$m['live_asked'] + $m['internal_waste'] == $m['live']"
check "$m['live'] + $m['free_blocks'] + $m['uncarved'] + $m['dirty'] - $m['untouched'] \
  == $m['span_resident']"
check "$m['span_resident'] + $m['metadata'] + $m['outside'] == $m['resident']"
check "$m['live'] == sum(c['live_bytes'] for c in j[0]['classes']) + j[0]['large']['live_bytes']"
check "j[0]['process']['final_rss'] == $m['resident']"
check "j[0]['process']['live_bytes'] == $m['live']"
check "$m['dirty'] <= $m['dirty_bound']"

# RSS at the exit: what the program saw just before, within 512 KiB for what the exit itself did.
check "abs($m['resident'] - $rss) <= 512 << 10"
check "j[0]['process']['peak_rss'] >= $rss"
# Live: what it asked for, and at most 20 % of each block above; libc's own few blocks beside.
check "$asked <= $m['live'] <= $asked / 0.8 + (64 << 10)"
# The estimate of what was asked: within 3 %.
check "abs($m['live_asked'] - $asked) <= 0.03 * $asked"
# Every fourth small block is free, with its neighbours live.
check "8000 <= sum(c['free_blocks'] for c in j[0]['classes']) <= 16000"
# All was touched.
check "$m['untouched'] <= 0.03 * $m['resident']"
check "40001 <= j[0]['activity']['allocations'] <= 40100"
check "10000 <= j[0]['activity']['frees'] <= 10100"

# The same in words, and the report file is the report, without colour.
for words in "exit status 0" "live blocks, as the program asked" "Midden's own tables" \
  "free blocks in partly used spans" "outside the heap" "100.0 %" "dirty bound" "Of "; do
  said report.txt "$words"
done
tail -n +2 err | cmp - report.txt || fail "the file is not what was printed"
! grep -q "$(printf '\033')" report.txt || fail "there are escapes in the file"

# A block that nobody touched is live and not resident.
program lazy <<'C'
#include <stdlib.h>
int main(void) { return malloc(256 << 20) == NULL; }
C
run 0 "$MIDDEN" run --quiet --json out.json -- ./lazy
check "$m['live'] >= 256 << 20 and $m['untouched'] >= 250 << 20 and $m['resident'] < 32 << 20"
check "$m['span_resident'] + $m['metadata'] + $m['outside'] == $m['resident']"

# Killed in the middle: the last look is what is told.
program killed <<'C'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  memset(malloc(30 << 20), 1, 30 << 20);
  sleep(1);
  raise(SIGKILL);
}
C
run 137 "$MIDDEN" run --json out.json -- ./killed
said err "before the end"
check "not j[0]['process']['final'] and $m['spans_estimated']"
check "30 << 20 <= $m['live'] < 31 << 20 and 30 << 20 <= $m['resident'] < 40 << 20"
check "$m['span_resident'] + $m['metadata'] + $m['outside'] == $m['resident']"
[ "$(find midden -name '*.feed' | wc -l)" -eq 0 ] || fail "feeds were left behind"
