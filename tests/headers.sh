#!/bin/sh
# tests/headers.sh -- each public header compiles alone, as C and as C++.
# SPDX-License-Identifier: MIT
#
# SOURCE names the tree, CC and CXX the compilers.
set -u
cd "$SOURCE/include" || exit 1
strict='-fsyntax-only -Werror -Wall -Wextra -Wpedantic -Wundef -Wshadow -I.'
bad=0
try() {
  "$@" || { echo "failed: $*"; bad=1; }
}
for header in midden/*.h; do
  # -include, since a header compiled as the main file is warned of.
  # shellcheck disable=SC2086 # a word is a flag
  {
    try "$CC" -x c -std=c11 $strict -Wstrict-prototypes -include "$header" /dev/null
    try "$CXX" -x c++ -std=c++11 $strict -include "$header" /dev/null
  }
done
exit $bad
