# tests/cli/a_trace_is_shown_whole_or_as_far_as_it_goes.sh -- summary, plot, window, CSV, zstd's own
# tool, and what is cut off or damaged.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program grow <<'END'
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  for (int i = 0; i < 1000; i++) malloc(1000);
  usleep(50000);
  for (int i = 0; i < 200000; i++) free(malloc(i % 3000));
  return 0;
}
END
run 0 "$MIDDEN" record -o grow.midden -- ./grow
run 0 "$MIDDEN" trace grow.midden --svg grow.svg --csv grow.csv
for words in "Live bytes over time" "Sizes asked for" "Lifetimes" "Who asks for most" "grow+0x" \
  "1 process, 1 thread" "from 512 B to 1 KiB" "not freed in the trace"; do
  said out "$words"
done
$python -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse("grow.svg")' || fail "no SVG"
[ "$(wc -l <grow.csv)" -eq "$(($(grep -c , grow.csv)))" ] || fail "not a table"
head -1 grow.csv | grep -qx 'seconds,process,thread,event,block,bytes,align,caller' || fail "head"
awk -F, 'NR > 1 { if ($1 < last) exit 1; last = $1 }' grow.csv || fail "not in order"

# A window is the events that the whole has there.
from=$(awk -F, 'NR == 2 { print $1 }' grow.csv)
middle=$(awk -F, 'NR == 150000 { print $1 }' grow.csv)
end=$(awk -F, 'NR == 150500 { print $1 }' grow.csv)
run 0 "$MIDDEN" trace --from "$middle" --to "$end" grow.midden
want=$(awk -F, -v f="$middle" -v t="$end" 'NR > 1 && $1 >= f && $1 < t' grow.csv | wc -l)
[ $(($(wc -l <out) - 1)) -eq "$want" ] || fail "a window of $(wc -l <out) lines, not $want"
run 0 "$MIDDEN" trace --to "$from" grow.midden
[ "$(wc -l <out)" -eq 1 ] || fail "events before the first"

# Cut off anywhere, it is read as far as it goes.
size=$(stat -c %s grow.midden)
for part in 30 50 70 90 99; do
  head -c $((size * part / 100)) grow.midden >cut.midden
  run 1 "$MIDDEN" trace cut.midden
  said err "midden: 'cut.midden' is read as far as it goes: "
done
# A byte that is wrong is found, and named by its place.
cp grow.midden bad.midden
printf X | dd of=bad.midden bs=1 seek=$((size / 2)) conv=notrunc status=none
run 1 "$MIDDEN" trace bad.midden
said err "at byte"
said err "of $size"

for file in /dev/null "$0" midden; do
  run 1 "$MIDDEN" trace "$file"
  said err "cannot be read"
done
run 1 "$MIDDEN" trace nothing.midden
said err "No such file or directory"
run 2 "$MIDDEN" trace
run 2 "$MIDDEN" trace grow.midden more
run 2 "$MIDDEN" trace --from never grow.midden
