#!/usr/bin/python3
# bench/gc/cyclic.py -- cyclic garbage, made and dropped: what an object of it costs in CPython.
# SPDX-License-Identifier: MIT
"""cyclic.py SHAPE OBJECTS: the shapes of cyclic.c, and the same line.

CPython makes its objects by an interpreter: take off what one costs that is freed by its count, the
shape `release`, before you compare collectors."""

import gc
import sys
import time


class Node:
    __slots__ = ("next", "prev")


# name: objects of a structure (0: one without a cycle), and whether each refers to both neighbours
SHAPES = {"self": (1, False), "pair": (2, False), "ring": (100, False), "doubly": (100, True),
          "release": (0, False)}


def make_and_drop(structures, size, doubly):
    for _ in range(structures):
        first = last = Node()
        for _ in range(1, size):
            node = Node()
            last.next = node
            if doubly:
                node.prev = last
            last = node
        if size > 0:
            last.next = first
        if doubly:
            first.prev = last


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES or not sys.argv[2].isdigit():
        sys.exit("usage: cyclic.py self|pair|ring|doubly|release OBJECTS")
    size, doubly = SHAPES[sys.argv[1]]
    structures = -(-int(sys.argv[2]) // max(size, 1))
    objects = structures * max(size, 1)
    gc.collect()
    start = time.process_time_ns()
    make_and_drop(structures, size, doubly)
    gc.collect()
    spent = time.process_time_ns() - start
    print(f"cyclic shape={sys.argv[1]} objects={objects} ns_per_object={spent / objects:.1f}")


if __name__ == "__main__":
    main()
