#!/bin/sh
# tests/traps/privileges.sh -- servers start as root, chroot and change user: the heap goes on.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/common"

if test "$(id -u)" != 0; then
  echo "skipped: only root may chroot and become another user"
  exit 0
fi
build privileges.c privileges
mkdir "$work/cell"
must "chroot, another user, no new files" on_midden "$work/privileges" "$work/cell"
