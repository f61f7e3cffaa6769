#!/bin/sh
# tests/analyzer.sh -- gcc -fanalyzer finds what is wrong in programs that use our headers.
# SPDX-License-Identifier: MIT
#
# Each file of tests/analyzer/ says in its first line which warnings it must get, and gets no other, both
# plain and with MIDDEN_DEBUG.  SOURCE names the tree.
set -u
cd "$SOURCE/tests/analyzer" || exit 1
bad=0 count=0
for file in *.c; do
  wanted=$(sed -n '1s|^// warns: ||p' "$file")
  [ "$wanted" != nothing ] || wanted=
  for debug in '' -DMIDDEN_DEBUG; do
    # shellcheck disable=SC2086 # no word when empty
    said=$(gcc -std=gnu11 -O2 -Wall -Wextra -fanalyzer $debug -I../../include -c -o /dev/null \
      "$file" 2>&1) || { echo "$file does not compile: $said"; bad=1; }
    got=$(echo "$said" | sed -n 's/.*warning: .*\[\(CWE-[0-9]*\] \[\)*\(-W[^]]*\)\]$/\2/p' | sort -u |
      tr '\n' ' ')
    if [ "${got% }" != "$wanted" ]; then
      echo "$file $debug: wanted '$wanted', got '$got'"
      echo "$said"
      bad=1
    fi
  done
  count=$((count + 1))
done
[ $count -ge 10 ] || { echo "only $count programs found"; bad=1; }
exit $bad
