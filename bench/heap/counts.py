# bench/heap/counts.py -- what does not depend on how busy the machine is: instructions, and starts.
# SPDX-License-Identifier: MIT
import re
import statistics
import subprocess

from measure import BARE, BUILD, WORK, Failure, Started, find
from rows import Row

FEW_PAIRS, MANY_PAIRS = 100_000, 600_000
LIVE_BLOCKS = (100, 0)
RESIDENT_TIMES = 21


def callgrind_outside(path, program):
    """The instructions in a callgrind file that ran in any object but `program`."""
    names, objects, of_calls, total = {}, None, False, 0
    for line in path.read_text().splitlines():
        if match := re.match(r"(c?)ob=\((\d+)\)(?: (.*))?", line):
            called, number, name = match.groups()
            if name:
                names[number] = name
            if not called:
                objects = names[number]
        elif line.startswith("calls="):
            of_calls = True  # the next line is what the call cost, counted again where it was spent
        elif re.match(r"[+\-*\d]", line):
            if not of_calls and objects != str(program):
                total += int(line.split()[1])
            of_calls = False
    return total


def pair_instructions(column, pairs, live):
    out = WORK / "callgrind"
    done = subprocess.run(
        [find("valgrind"), "--tool=callgrind", f"--callgrind-out-file={out}", BUILD / "pair",
         str(pairs), str(live)], env=column.environment(), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure("does not run under callgrind: " + done.stderr.strip().splitlines()[-1])
    return callgrind_outside(out, BUILD / "pair")


def instructions(columns):
    """{(blocks live, column name): instructions of malloc(32) and free}, without the caller's loop
    and its jump table."""
    found = {}
    for live in LIVE_BLOCKS:
        for column in columns:
            many, few = (pair_instructions(column, pairs, live)
                         for pairs in (MANY_PAIRS, FEW_PAIRS))
            found[live, column.name] = (many - few) / (MANY_PAIRS - FEW_PAIRS)
    return found


def starts(columns, quick):
    """For each column and the bare program: median resident and anonymous KiB after a first
    malloc(32), and milliseconds of a start.  Returns {name: (rss, anonymous, ms)}."""
    resting = Row("start", "ours", (str(BUILD / "start"),), talks=True)
    plain = Row("start", "ours", (str(BUILD / "start"),))
    columns = [BARE, *columns]
    rollups = {column.name: [] for column in columns}
    walls = {column.name: [] for column in columns}
    for _ in range(5 if quick else RESIDENT_TIMES):
        for column in columns:
            rollups[column.name].append(Started(resting, column, 0).finish().rollup)
    for _ in range(20 if quick else 200):
        for column in columns:
            walls[column.name] += Started(plain, column).finish().walls
    return {name: (statistics.median(rollup["Rss"] for rollup in rollups[name]),
                   statistics.median(rollup["Anonymous"] for rollup in rollups[name]),
                   statistics.median(walls[name]) * 1000) for name in rollups}
