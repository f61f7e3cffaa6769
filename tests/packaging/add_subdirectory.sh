#!/bin/sh
# tests/packaging/add_subdirectory.sh -- a CMake project has Midden's source tree inside its own,
# and gets the libraries and nothing else: no tests, no command.
# SPDX-License-Identifier: MIT
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake -G Ninja -S "$SOURCE/tests/packaging/consumer" -B "$place/build" -DMIDDEN_SOURCE="$SOURCE" \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX"
cmake --build "$place/build"
for program in midden_c midden_cc static_c static_cc; do
  echo "$program"
  "$place/build/$program"
done
if grep 'cmocka\|jansson' "$place/build/build.ninja"; then
  echo "tests or the command came along"
  exit 1
fi
