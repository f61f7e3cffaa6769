# tests/cli/a_graph_opens_in_visualvm_and_memlab.sh -- heap dumps and heap snapshots of random graphs
# have, in the readers that people use, each block's size and retained size as midden has them.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

jar=/usr/share/visualvm/visualvm/modules/org-graalvm-visualvm-lib-jfluid-heap.jar
java=$(ls -d /usr/lib/jvm/java-17-*/bin/java | head -n 1)
blocks=$BUILD/tests/graph_blocks
tab=$(printf '\t')

for case in "1 1" "2 40" "3 3000" "4 40000"; do
  # shellcheck disable=SC2086 # two words
  "$blocks" make $case random.graph
  "$blocks" list random.graph >ours
  rm -rf -- *.hprof *.hwcache  # which VisualVM would believe
  run 0 "$MIDDEN" graph random.graph --hprof random.hprof --heapsnapshot random.heapsnapshot

  "$java" -cp "$jar" "$source/tests/graph/Dump.java" random.hprof >java 2>err ||
    fail "VisualVM does not read the dump of $case"
  cut -f2- ours | sort >want
  grep "^block$tab" java | cut -f3- | sort >have
  cmp -s want have || fail "$case: VisualVM has other sizes: $(diff want have | head -n 5)"
  grep "^block$tab" java | grep -v "^block$tab-" | cut -f2- | sort >have
  sort ours | join -t "$tab" - have | awk -F "$tab" '$2 != $4 || $3 != $5' >out
  [ ! -s out ] || fail "$case: blocks that VisualVM sees otherwise"
  [ "$(wc -l <have)" -gt "$(($(wc -l <ours) / 4))" ] || fail "$case: few blocks have an address"

  node "$source/tests/graph/memlab.js" "$source/tests/graph/node_modules" \
    random.heapsnapshot >memlab 2>err || fail "memlab does not read the snapshot of $case"
  cut -f2- ours >want
  awk -F "$tab" -v OFS="$tab" '$2 == "object" { print $4, $5 }' memlab >have
  cmp -s want have || fail "$case: memlab has other sizes: $(diff want have | head -n 5)"
done

# Names that mean something to readers come out as names.
grep -q "^class${tab}make<0>_\[0\] (file.cc:7), 16 bytes$tab" java || fail "a site's name is lost"
grep -q "^class${tab}make<0>_\[0\] (file.cc:7)\[\]$tab" java || fail "an array's name is lost"
