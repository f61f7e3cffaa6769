#!/bin/sh
# tests/programs/python.sh -- CPython's own tests of objects, threads, processes and its collector.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

uses_midden /usr/bin/python3.11 -c 'import sys'
on_midden timeout 280 /usr/bin/python3.11 -m test test_list test_dict test_set test_threading \
  test_multiprocessing_spawn test_gc test_json test_re >log 2>&1 ||
  fail "CPython's tests failed with status $?: $(tail -n 60 log)"
grep -q '^All 8 tests OK\.$' log || fail "some of CPython's tests did not run: $(tail -n 20 log)"
