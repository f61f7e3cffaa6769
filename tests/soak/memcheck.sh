#!/bin/sh
# tests/soak/memcheck.sh -- what Valgrind's memcheck says of the programs of tests/findings.
# SPDX-License-Identifier: MIT
#
# First of the planted ones: that what is planted as leaked is lost, and nothing else.  Then of the
# real ones, whose answers in tests/findings/memcheck are written anew, and Midden's are held
# against them.
set -eu
cd "$(dirname "$0")/../findings"
/usr/bin/python3.11 check.py --memcheck ./*.c ./*.cc
/usr/bin/python3.11 programs.py --memcheck
/usr/bin/python3.11 programs.py
