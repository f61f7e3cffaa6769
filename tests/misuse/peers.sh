#!/bin/sh
# tests/misuse/peers.sh PROGRAMS [NAME=LIBRARY...] -- how the attacks end on other allocators.
#
# A line for each attack, whose program is in the folder PROGRAMS, a column for each LIBRARY, which
# is preloaded; glibc's is `glibc=`.  Each runs RUNS times (default 100).
# SPDX-License-Identifier: MIT
set -u
here=$(dirname "$0")
. "$here/outcome.inc"
[ $# -gt 0 ] || { echo "usage: $0 PROGRAMS [NAME=LIBRARY...]" >&2; exit 2; }
programs=$1
shift
ulimit -c 0
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
export MIMALLOC_SHOW_ERRORS=1 # it says nothing otherwise

# often LIBRARY PROGRAM: the outcomes, most frequent first, with their counts where there are two.
often() {
  run=0
  while [ $run -lt "${RUNS:-100}" ]; do
    outcome "$1" "$2"
    run=$((run + 1))
  done | sort | uniq -c | sort -rn |
    awk '{ count[NR] = $1; $1 = ""; words[NR] = substr($0, 2) }
         END { if (NR == 1) { print words[1]; exit }
               for (i = 1; i <= NR; i++) printf "%s%s %d", (i == 1 ? "" : ", "), words[i], count[i]
               print "" }'
}

line="| attack |" rule="|---|"
for peer in "$@"; do line="$line ${peer%%=*} |" rule="$rule---|"; done
printf '%s\n%s\n' "$line" "$rule"
for source in "$here"/attacks/*.c; do
  name=$(basename "$source" .c)
  line="| $name |"
  for peer in "$@"; do line="$line $(often "${peer#*=}" "$programs/attack_$name") |"; done
  echo "$line"
done
