#!/bin/sh
# tests/programs/python_malloc.sh -- the same tests where every Python object is a malloc block.
# SPDX-License-Identifier: MIT
export PYTHONMALLOC=malloc
exec sh "$(dirname "$0")/python.sh"
