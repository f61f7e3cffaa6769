# bench/heap/rounds.py -- what benches of whole programs share: the rows asked for, run in rounds.
# SPDX-License-Identifier: MIT
import fcntl
import sys

import report
from measure import MOST_WAITING, WORK, Failure, Started, check_binding, find
from rows import PROGRAMS, our_rows, real_rows


def usage_error(what):
    print(f"bench: {what}", file=sys.stderr)
    sys.exit(2)


def choose_rows(percent, wanted, lenient):
    """The rows that were asked for, by a list with commas; None: all.  A lenient bench does without
    those whose programs are not here."""
    rows = our_rows(percent) + real_rows(percent)
    if wanted:
        wanted = wanted.split(",")
        known = {row.name for row in rows} | {row.group for row in rows}
        for name in wanted:
            if name not in known:
                usage_error(f"no row {name}: there are {', '.join(row.name for row in rows)}")
        rows = [row for row in rows if row.name in wanted or row.group in wanted]
    missing = sorted({name for row in rows for name in row.needs if not find(name)})
    if missing and not lenient:
        packages = " ".join(sorted({PROGRAMS[name] for name in missing}))
        usage_error(f"no {', '.join(missing)} here: install {packages}")
    for row in rows:
        if lacks := [name for name in row.needs if name in missing]:
            print(f"skipped: {row.name}: no {', '.join(lacks)} here")
    return [row for row in rows if not set(row.needs) & set(missing)]


def note(text):
    """What runs now, on a terminal; empty: nothing any more."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def lock():
    """Held until this process ends."""
    file = open(WORK / "lock", "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Failure("another bench is running: wait until it is done") from None
    return file


class Bench:
    """Runs all rows under all columns, in turns."""

    def __init__(self, rounds, columns, rows):
        self.rounds = rounds
        self.columns, self.failures, self.outputs = columns, {}, {}
        self.results = report.Results(rows, columns)
        self.waiting = []  # (row, column, run) of programs whose work is over, oldest first

    def fail(self, row, column, failure):
        """The row is lost to the column: half of its rounds would be no figure."""
        self.failures[row.name, column.name] = failure
        self.results.runs[row.name, column.name].clear()

    def compare(self, row, run):
        if run.output != self.outputs.setdefault(row.name, run.output):
            raise Failure("printed something else than under another allocator")

    def finish(self, most):
        """End those who have waited long enough, and until no more than `most` wait.  Nothing else
        runs meanwhile: what a program does to end is not to be in the way of another's work."""
        for entry in list(self.waiting):
            row, column, started = entry
            if len(self.waiting) <= most and not started.ready():
                continue
            self.waiting.remove(entry)
            try:
                run = started.finish()
                self.compare(row, run)
            except Failure as failure:
                self.fail(row, column, failure)
            if (row.name, column.name) not in self.failures:
                self.results.runs[row.name, column.name].append(run)

    def run_one(self, turn, row, column):
        """Round 0 is thrown away: in it the dynamic loader says what was bound."""
        if (row.name, column.name) in self.failures:
            return
        note(f"round {turn} of {self.rounds}: {row.name}, {column.name}")
        try:
            if turn == 0:
                self.compare(row, check_binding(row, column))
            else:
                started = Started(row, column)
                self.waiting.append((row, column, started))
        except Failure as failure:
            self.fail(row, column, failure)
        self.finish(MOST_WAITING)

    def run(self):
        try:
            for turn in range(self.rounds + 1 if self.results.rows else 0):
                for row in self.results.rows:
                    for i in range(len(self.columns)):
                        self.run_one(turn, row, self.columns[(i + turn) % len(self.columns)])
            self.finish(0)
        finally:
            for _, _, started in self.waiting:
                started.close()
        note("")
