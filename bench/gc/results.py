# bench/gc/results.py -- runs of all workloads under all managers at all limits, and their medians.
# SPDX-License-Identifier: MIT
import math
import statistics
from dataclasses import dataclass

from managers import MIB, PROBES, named, pauses, printed
from measure import Failure, Started
from report import Results
from rounds import note
from rows import Row

DOES_NOT_FIT = "does not fit"
GO_SLACK = 1.1  # GOMEMLIMIT is a wish: over it by more, a run does not fit


class DoesNotFit(Failure):
    """The manager cannot run the workload in so little memory."""


@dataclass
class Once:
    """What one run cost.  Times are in seconds, sizes in KiB, pauses and latencies in ns."""
    wall: float
    time: float  # user + system, less what the program says it spun
    peak: int
    checksum: float
    live: float | None
    beside: float  # counts towards the limit as well
    pauses: dict
    latency: dict
    lines: dict  # all that it printed

    @property
    def pauses_count(self):
        return self.pauses["count"]

    def __getattr__(self, name):
        """pause_max and its like, latency_p99 and its like."""
        kind, _, key = name.partition("_")
        figures = {"pause": "pauses", "latency": "latency"}.get(kind)
        if figures is None:
            raise AttributeError(name)
        return getattr(self, figures).get(f"{key}_ns")


def out_of_memory(manager, failure):
    """Whether that is why a run failed.  Node aborts."""
    status = 134 if manager.style == "node" else 3
    return str(failure).split(":")[0] == f"ended with status {status}"


def run(manager, workload, numbers, limit=None, probe=False, env=()):
    words, environment = manager.command(workload.program, numbers, limit, probe)
    row = Row(workload.name, "gc", tuple(map(str, words)), seconds=workload.seconds,
              env=(*environment.items(), *env))
    try:
        done = Started(row, manager.column).finish()
    except Failure as failure:
        raise DoesNotFit(DOES_NOT_FIT) if out_of_memory(manager, failure) else failure from None
    if manager.style == "go" and limit and done.peak * 1024 > limit * GO_SLACK + 16 * MIB:
        raise DoesNotFit(DOES_NOT_FIT)
    lines = printed(done.output)
    if "checksum" not in lines:
        raise Failure("printed no checksum")
    return Once(done.wall, done.time - lines.get("spun", {}).get("ns", 0) / 1e9, done.peak,
                lines["checksum"]["value"], lines.get("live", {}).get("bytes"),
                lines.get("live", {}).get("beside", 0), pauses(manager, done.output),
                lines.get("latency", {}), lines)


class Bench:
    """All that was measured: runs[workload, manager, multiple] has an entry for each round."""

    def __init__(self, workloads, managers, multiples, rounds, quick):
        self.workloads, self.managers, self.multiples = workloads, managers, sorted(multiples)
        self.wanted, self.quick = rounds, quick
        self.runs, self.failures, self.live, self.checksums = {}, {}, {}, {}

    # What report.machine asks for.
    columns = ()

    @property
    def rows(self):
        return self.workloads

    def rounds(self):
        return max((len(runs) for runs in self.runs.values()), default=0)

    def usual_spread(self):
        found = [self.spread(*key) for key in self.runs if self.runs[key]]
        return statistics.median(found) if found else 0

    # --- running

    def live_of(self, workload, manager):
        """(bytes that are live at most, as the manager's runtime counts, and bytes beside the heap
        that count towards its limit); (None, 0): it could not tell."""
        key = workload.program, workload.probe(self.quick), manager.runtime
        if key not in self.live:
            prober = named(PROBES[manager.runtime])
            note(f"live size: {workload.name}, {prober.name}")
            try:
                found = run(prober, workload, workload.probe(self.quick), probe=True)
                self.live[key] = found.live, found.beside
            except Failure as failure:
                self.live[key] = None, 0
                self.failures[workload.name, prober.name, "live size"] = str(failure)
        return self.live[key]

    def compare(self, workload, once):
        """Every manager comes to the same answer."""
        if once.checksum != self.checksums.setdefault(workload.name, once.checksum):
            raise Failure(f"computed {once.checksum:.0f}, not {self.checksums[workload.name]:.0f} "
                          "as others")

    def run_one(self, turn, workload, manager, multiple):
        key = workload.name, manager.name, multiple
        if key in self.failures:
            return
        live, beside = self.live_of(workload, manager) if manager.runtime else (None, 0)
        if manager.runtime and not live:
            self.failures[key] = "no live size"
            return
        note(f"round {turn + 1} of {self.wanted}: {workload.name}, {manager.name}"
                  + (f" at {multiple:g}x" if multiple else ""))
        try:
            once = run(manager, workload, workload.sized(self.quick),
                       int(live * multiple + beside) if multiple else None)
            self.compare(workload, once)
            self.runs.setdefault(key, []).append(once)
        except Failure as failure:
            self.failures[key] = str(failure)
            self.runs.pop(key, None)

    def run_all(self):
        for turn in range(self.wanted):
            for workload in (w for w in self.workloads if turn < w.most_rounds):
                able = [manager for manager in self.managers if workload.runs(manager.style)]
                for i in range(len(able)):
                    manager = able[(i + turn) % len(able)]
                    for multiple in self.multiples if manager.runtime else [None]:
                        self.run_one(turn, workload, manager, multiple)
        note("")

    # --- medians.  A manager without a limit has one figure for all multiples.

    def key(self, workload, manager, multiple):
        return workload, manager, multiple if named(manager).runtime else None

    def values(self, workload, manager, multiple, measure):
        runs = self.runs.get(self.key(workload, manager, multiple), [])
        return [value for value in (getattr(once, measure) for once in runs) if value is not None]

    def median(self, workload, manager, multiple, measure="time"):
        values = self.values(workload, manager, multiple, measure)
        return statistics.median(values) if values else None

    def spread(self, workload, manager, multiple, measure="time"):
        return Results.deviation(self.values(workload, manager, multiple, measure))

    def why(self, workload, manager, multiple):
        """Why there is no figure, in a word or two."""
        failure = self.failures.get(self.key(workload, manager, multiple))
        return failure if failure == DOES_NOT_FIT else "failed" if failure else ""

    def ratio(self, workload, manager, other, measure="time", multiples=None):
        """manager's median over other's: the geometric mean over the limits at which both ran."""
        found = []
        for multiple in multiples or self.multiples:
            pair = [self.median(workload, name, multiple, measure) for name in (manager, other)]
            if None not in pair and min(pair) > 0:
                found.append(pair[0] / pair[1])
        return statistics.geometric_mean(found) if found else math.nan
