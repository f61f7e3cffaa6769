#!/bin/sh
# tests/traps/deepbind.sh -- RTLD_DEEPBIND binds a plug-in to libc's malloc: blocks cross both ways,
# and its own functions stay its own.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

build deepbind.c deepbind -rdynamic
# Calls of a plug-in go through a table that is filled late, or early and then sealed, or none.
build deepbind_plugin.c lazy.so -shared -fPIC -Wl,-z,lazy
build deepbind_plugin.c sealed.so -shared -fPIC -Wl,-z,now -Wl,-z,relro
build deepbind_plugin.c direct.so -shared -fPIC -fno-plt
for kind in lazy sealed direct; do
  must "a plug-in with RTLD_DEEPBIND, $kind" on_midden "$work/deepbind" "$work/$kind.so"
done

# The plug-in's own dependency is bound to libc as well.
build deepbind_helper.c libhelper.so -shared -fPIC
build deepbind_plugin.c dependent.so -shared -fPIC -DWITH_HELPER -L"$work" -lhelper \
  -Wl,-rpath,"$work" -Wl,--no-as-needed
must "a plug-in with a dependency" on_midden "$work/deepbind" "$work/dependent.so"

build deepbind_plugin.cc plugin_cxx.so -shared -fPIC
build deepbind_cxx.cc deepbind_cxx -rdynamic
build deepbind_plain.c deepbind_plain -rdynamic
must "a C++ plug-in in a C++ program" on_midden "$work/deepbind_cxx" "$work/plugin_cxx.so"
must "a C++ plug-in that brings libstdc++ along" \
  on_midden "$work/deepbind_plain" "$work/plugin_cxx.so"
must "the same again without RTLD_DEEPBIND" env PLAIN=1 timeout 60 \
  env LD_PRELOAD="$LIBMIDDEN" "$work/deepbind" "$work/lazy.so"
