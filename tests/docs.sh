#!/bin/sh
# tests/docs.sh -- pages that teach by a program: it compiles as it stands, and prints what they say.
# SPDX-License-Identifier: MIT
#
# The ```c blocks of such a page, one after the other, are the program, and its ```text blocks what
# that prints.  SOURCE names the tree, BUILD holds libmidden.so, CC is the compiler.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
bad=0

blocks() { # KIND PAGE
  awk -v start="^\`\`\`$1\$" '$0 ~ /^```$/ { on = 0 } on { print } $0 ~ start { on = 1 }' "$2"
}

for page in rc gc gc-weak; do
  blocks c "$SOURCE/docs/$page.md" >"$place/$page.c"
  blocks text "$SOURCE/docs/$page.md" >"$place/expected"
  "$CC" -std=c11 -O1 -Wall -Wextra -Werror -I"$SOURCE/include" "$place/$page.c" -o "$place/$page" \
    -L"$BUILD" -lmidden -Wl,-rpath,"$BUILD" -pthread || { bad=1; continue; }
  "$place/$page" >"$place/printed" || { echo "the program of docs/$page.md failed"; bad=1; }
  diff -u "$place/expected" "$place/printed" || { echo "docs/$page.md says otherwise"; bad=1; }
done
exit $bad
