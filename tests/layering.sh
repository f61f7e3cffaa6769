#!/bin/sh
# tests/layering.sh -- a folder includes itself and the layers under it, never one above.
# SPDX-License-Identifier: MIT
#
# The order is the table of src/README.md.  Public headers may be included anywhere and include
# each other alone; only tests include what is in tests/.  SOURCE names the tree.
set -eu
cd "${SOURCE:-.}"

{
  sed -n 's/^| `\([^`]*\)\/` .*/layer \1/p' src/README.md
  find src cli include -name '*.[ch]' -exec grep -Hn '^ *# *include *"' {} +
} | awk '
  $1 == "layer" { name = $2; sub(/.*\//, "", name); rank[name] = ++layers; next }
  {
    colon = index($0, ":")
    file = substr($0, 1, colon - 1)
    at = $0
    sub(/: *#.*/, "", at)
    split($0, quoted, "\"")
    count = split(quoted[2], to, "/")
    folders = split(file, from, "/")
    mine = from[1] == "src" ? from[2] : from[folders - 1]
    seen++
    if (count == 1 && file ~ /_test\.c$/ && (to[1] == "test.h" || to[1] == "support.h")) next
    if (count == 1 && mine == "cli") next
    if (count != 2) blame("name the folder of the header")
    else if (to[1] == "midden") next
    else if (mine == "midden") blame("a public header includes public headers alone")
    else if (!(mine in rank)) blame("src/README.md has no row for " mine "/")
    else if (!(to[1] in rank)) blame("src/README.md has no row for " to[1] "/")
    else if (rank[to[1]] > rank[mine]) blame(to[1] "/ is above " mine "/")
  }
  function blame(why) { print at ": includes \"" quoted[2] "\": " why; bad = 1 }
  END {
    if (layers < 5 || seen < 5) print "found " layers+0 " layers and " seen+0 " includes: too few"
    exit bad || layers < 5 || seen < 5
  }'
