#!/bin/sh
# tests/packaging/find_package.sh -- a CMake project finds and uses an installed Midden.
# SPDX-License-Identifier: MIT
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --install "$BUILD" --prefix "$place/prefix" >/dev/null
cmake -G Ninja -S "$SOURCE/tests/packaging/consumer" -B "$place/build" \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_PREFIX_PATH="$place/prefix"
cmake --build "$place/build"
for program in midden_c midden_cc static_c static_cc; do
  echo "$program"
  "$place/build/$program"
done
