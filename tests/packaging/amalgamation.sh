#!/bin/sh
# tests/packaging/amalgamation.sh -- the library as two files: one command makes a program of them.
# SPDX-License-Identifier: MIT
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
consumer=$SOURCE/tests/packaging/consumer/consumer
cp "$BUILD"/amalgamation/midden.[ch] "$place"
cp "$consumer.c" "$consumer.cc" "$place"
cd "$place"

# The tree is not in reach: what the two files include is in them.
flags='-O2 -fexceptions -fno-strict-aliasing'
set -x
# shellcheck disable=SC2086 # a word is a flag
{
  "$CC" $flags consumer.c midden.c -o consumer -pthread
  "$CC" $flags -DMIDDEN_NO_STANDARD_NAMES consumer.c midden.c -o nameless -pthread
  "$CC" $flags -c midden.c
  "$CXX" $flags consumer.cc midden.o -o consumer_cxx -pthread
}
./consumer
./nameless
./consumer_cxx
if nm nameless | grep ' T malloc$'; then
  echo "MIDDEN_NO_STANDARD_NAMES left malloc in"
  exit 1
fi
