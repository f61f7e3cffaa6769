#!/bin/sh
# tests/packaging/pkg_config.sh -- a program is compiled with what pkg-config says of an installed
# Midden, against the shared and against the static library.
# SPDX-License-Identifier: MIT
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
consumer=$SOURCE/tests/packaging/consumer/consumer

cmake --install "$BUILD" --prefix "$place/prefix" >/dev/null
export PKG_CONFIG_PATH="$place/prefix/lib/pkgconfig"
# pkgconf leaves out -L and -I of what it takes for the system's own prefix, never of this one.
flags=$(pkg-config --cflags --libs midden)
static_flags=$(pkg-config --static --cflags --libs midden)
set -x
# shellcheck disable=SC2086 # a word is a flag
{
  "$CC" "$consumer.c" -o "$place/shared" $flags
  "$CXX" "$consumer.cc" -o "$place/shared_cxx" $flags
  "$CC" "$consumer.c" -o "$place/static" -static $static_flags
}
export LD_LIBRARY_PATH="$place/prefix/lib"
"$place/shared"
"$place/shared_cxx"
"$place/static"
