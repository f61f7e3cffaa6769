#!/bin/sh
# tests/programs/git.sh -- this repository cloned, packed anew, checked and read.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# Whoever checked the source out, it is ours to read.
git config --global safe.directory '*'

uses_midden git --version
on_midden git clone -q --no-local "$source" copy || fail "git clone failed"
on_midden git -C copy -c pack.threads=2 gc -q --aggressive --prune=now || fail "git gc failed"
on_midden git -C copy -c pack.threads=2 repack -q -adf || fail "git repack failed"
on_midden git -C copy fsck --full --strict >fsck.log 2>&1 || fail "git fsck found: $(cat fsck.log)"
same_answer git -C copy log -p --stat --find-copies-harder
same_answer git -C copy grep -n -E 'mid_[a-z_]+\('
same_answer git -C copy blame -w -C -C README.md
same_answer git -C copy rev-list --objects --all
on_midden git -C copy archive HEAD >files.tar || fail "git archive failed, with status $?"
mkdir files
tar -xf files.tar -C files
diff -r --exclude .git copy files >&2 || fail "git archive holds other files than were checked out"
