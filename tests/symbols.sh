#!/bin/sh
# tests/symbols.sh -- a program sees of libmidden what it is meant to see and nothing else.
# SPDX-License-Identifier: MIT
#
# BUILD holds libmidden.so and libmidden.a.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
bad=0
blame() {
  echo "$1"
  bad=1
}

# The names that we replace on purpose: the malloc family, dlopen (for RTLD_DEEPBIND), dlclose (after
# which recorded addresses mean something else), _exit (so that the feed goes too), and every operator
# new and delete.
sort >"$place/standard" <<'END'
_Exit
_exit
aligned_alloc
calloc
cfree
dlclose
dlopen
free
free_aligned_sized
free_sized
mallinfo
mallinfo2
malloc
malloc_info
malloc_stats
malloc_trim
malloc_usable_size
mallopt
memalign
posix_memalign
pvalloc
realloc
reallocarray
valloc
_ZdaPv
_ZdaPvRKSt9nothrow_t
_ZdaPvSt11align_val_t
_ZdaPvSt11align_val_tRKSt9nothrow_t
_ZdaPvm
_ZdaPvmSt11align_val_t
_ZdlPv
_ZdlPvRKSt9nothrow_t
_ZdlPvSt11align_val_t
_ZdlPvSt11align_val_tRKSt9nothrow_t
_ZdlPvm
_ZdlPvmSt11align_val_t
_Znam
_ZnamRKSt9nothrow_t
_ZnamSt11align_val_t
_ZnamSt11align_val_tRKSt9nothrow_t
_Znwm
_ZnwmRKSt9nothrow_t
_ZnwmSt11align_val_t
_ZnwmSt11align_val_tRKSt9nothrow_t
END

# DW.ref.* is the compiler's: hidden, and the same in every object that has it.
defined() {
  nm -P --defined-only "$@" | awk '$2 ~ /^[A-Z]$/ && $1 !~ /^DW\.ref\./ { print $1 }' | sort -u
}

defined -D "$BUILD/libmidden.so" >"$place/shared"
defined -g "$BUILD/libmidden.a" >"$place/static"
grep -q '^midden_malloc$' "$place/shared" || blame "libmidden.so has no midden_malloc"

for kind in shared static; do
  grep -v '^midden_\|^mid_' "$place/$kind" >"$place/others" || true
  for name in $(comm -23 "$place/others" "$place/standard"); do
    blame "the $kind library defines $name: make it static, or call it mid_$name"
  done
  for name in $(comm -13 "$place/others" "$place/standard"); do
    blame "the $kind library does not define $name"
  done
done

for library in $(readelf -d "$BUILD/libmidden.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
  case $library in
  libc.so.* | libpthread.so.* | ld-linux*) ;;
  *) blame "libmidden.so needs $library: it may need nothing but libc" ;;
  esac
done

# __tls_get_addr may call malloc.
nm -D --undefined-only "$BUILD/libmidden.so" | grep ' U ' >"$place/undefined"
! grep -q '__tls_get_addr' "$place/undefined" || blame "libmidden.so uses the dynamic TLS model"
! grep ' _Z' "$place/undefined" || blame "libmidden.so refers to C++ other than weakly"
exit $bad
