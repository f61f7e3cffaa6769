# bench/gc/figures.py -- figures that are not rows: pauses of two kinds, long churn, pages, cycles.
# SPDX-License-Identifier: MIT
"""Each measures what one bar asks for, prints its small table, and keeps the figure for the bar."""

import math
from concurrent.futures import ThreadPoolExecutor

from managers import HERE, MIB, PLACE, build_c, named
from measure import BARE, Failure, Started, find
from results import DoesNotFit, run
from rounds import note
from rows import Row
from workloads import Workload

TEN_MINUTES, QUICK_CHURN = 600, 6


class Figures:
    """What was found: {name: value}; `tables` and `comments` for the output and the file."""

    def __init__(self, quick, rows, churn_seconds):
        self.quick, self.rows = quick, rows
        self.churn_seconds = churn_seconds or (QUICK_CHURN if quick else TEN_MINUTES)
        self.found, self.tables, self.comments = {}, [], []

    def measure(self, wanted):
        for name, title in KINDS.items():
            if name not in wanted:
                continue
            lines = getattr(self, name.replace("-", "_"))()
            self.tables.append("\n".join([title, *lines]))
            self.comments += [f"{name}: {line.strip()}" for line in lines]
        note("")

    def once(self, program, numbers, manager, env=()):
        """A run of a program of ours, or the words that say why there is none."""
        note(f"{program} {' '.join(map(str, numbers))}: {manager.name}")
        build_c(program, manager.style)
        workload = Workload(program, program, numbers, numbers, "", seconds=1200)
        try:
            return run(manager, workload, numbers, env=env)
        except DoesNotFit as failure:
            return str(failure)
        except Failure as failure:
            return f"failed: {failure}"

    def chosen(self, *groups):
        return [manager for manager in self.rows if manager.group in groups]

    def mark(self):
        """ns an object of the pause of a full collection, of the least of Midden's and others."""
        numbers = (400_000, 10_000, 1) if self.quick else (10_000_000, 10_000, 10)
        lines = [f"{'':20}{'objects':>10}{'p50 ms':>9}{'max ms':>9}{'ns an object':>14}"]
        for manager in self.chosen("midden", "bdwgc"):
            options = (("BENCH_MARK", "1"), ("MIDDEN_OPTIONS", "gc_threads=2"))
            once = self.once("service", numbers, manager, options)
            full = None if isinstance(once, str) else once.lines.get("full")
            if not full or not full["count"]:
                lines.append(f"{manager.name:20}{once if isinstance(once, str) else 'no pause'}")
                continue
            each = full["p50_ns"] / numbers[0]
            lines.append(f"{manager.name:20}{numbers[0]:10}{full['p50_ns'] / 1e6:9.2f}"
                         f"{full['max_ns'] / 1e6:9.2f}{each:14.2f}")
            if manager.group == "midden":
                self.least("mark", each, manager.name)
        return lines

    def minor(self):
        """The p99 of minor pauses."""
        numbers = (500,) if self.quick else (20_000,)
        lines = [f"{'':20}{'pauses':>10}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"]
        for manager in self.chosen("midden"):
            if not manager.name.startswith(("generational", "no-barrier")):
                continue
            once = self.once("minor", numbers, manager, (("MIDDEN_OPTIONS", "gc_young=16M"),))
            if isinstance(once, str):
                lines.append(f"{manager.name:20}{once}")
                continue
            found = once.pauses
            lines.append(f"{manager.name:20}{found['count']:10.0f}" + "".join(
                f"{found[key] / 1e6:9.2f}" for key in ("p50_ns", "p99_ns", "max_ns")))
            if manager.name == "generational":
                self.found["minor"] = found["p99_ns"] / 1e6, manager.name
        return lines

    def churn(self):
        """What is committed after a full collection at the end, over that after a tenth.  All run
        at the same time: they mostly sleep, and what they hold is not a matter of time."""
        live_mib, times = (8, 100) if self.quick else (64, 1000)
        numbers = (self.churn_seconds, live_mib, times)
        chosen = self.chosen("midden", "bdwgc", "malloc")
        for manager in chosen:
            build_c("churn", manager.style)
        with ThreadPoolExecutor(max(1, len(chosen))) as pool:
            runs = list(pool.map(lambda manager: self.once("churn", numbers, manager), chosen))
        lines = [f"{'':20}{'live MiB':>10}{'after a tenth':>15}{'at the end':>12}{'ratio':>8}"]
        for manager, once in zip(chosen, runs):
            if isinstance(once, str):
                lines.append(f"{manager.name:20}{once}")
                continue
            tenth, end = once.lines["tenth"], once.lines["end"]
            ratio = end["committed"] / tenth["committed"] if tenth["committed"] else math.nan
            lines.append(f"{manager.name:20}{end['live'] / MIB:10.1f}"
                         f"{tenth['committed'] / MIB:15.1f}"
                         f"{end['committed'] / MIB:12.1f}{ratio:8.3f}")
            if manager.group == "midden":
                self.most("churn", ratio, manager.name)
        return lines

    def pages(self):
        """CPU of no-barrier over generational by the old pages that are written to in a minor."""
        rounds = 20 if self.quick else 200
        lines = [f"{'pages':20}{'generational':>14}{'no-barrier':>12}{'ratio':>8}"]
        crossed = None
        for pages in (0, 25, 50, 100, 200, 400, 800, 1600, 3200, 6400):
            pair = [self.once("pages", (pages, rounds), named(name),
                              (("MIDDEN_OPTIONS", "gc_young=16M"),))
                    for name in ("generational", "no-barrier")]
            if why := next((once for once in pair if isinstance(once, str)), None):
                return [*lines, why]
            one, other = (once.lines["loop"]["cpu_ns"] / rounds / 1e6 for once in pair)
            lines.append(f"{pages:<20}{one:11.2f} ms{other:9.2f} ms{other / one:8.2f}")
            if crossed is None and other / one > 1.25:
                crossed = pages
        self.found["pages"] = crossed, "no-barrier"
        return lines

    def cycles(self):
        """ns an object of cyclic garbage, in C on midden/rc.h and in CPython."""
        if not (HERE / "cyclic.c").exists():
            return ["no cyclic.c here"]
        objects = 500_000 if self.quick else 10_000_000
        build_c("cyclic", "plain")
        lines = [f"{'':20}{'midden rc':>12}{'CPython':>12}"]
        for shape in ("self", "pair", "ring", "doubly", "release"):
            note(f"cyclic {shape}")
            cells = []
            for words in ([PLACE / "cyclic-plain"], [find("python3.11"), HERE / "cyclic.py"]):
                cells.append(self.cyclic_ns([*words, shape, objects]))
            lines.append(f"{shape:20}" + "".join(f"{text:>12}" for text in cells))
        return lines

    @staticmethod
    def cyclic_ns(words):
        try:
            done = Started(Row("cyclic", "gc", tuple(map(str, words))), BARE).finish()
        except Failure as failure:
            return str(failure)
        pairs = dict(pair.split("=") for pair in done.output.split()[1:])
        return f"{float(pairs['ns_per_object']):.1f} ns"

    def least(self, name, value, manager):
        self.found[name] = min(self.found.get(name, (math.inf, "")), (value, manager))

    def most(self, name, value, manager):
        self.found[name] = max(self.found.get(name, (-math.inf, "")), (value, manager))


KINDS = {
    "mark": "full collection of a service's tables after churn, two markers: the pause",
    "minor": "minor collections of a young space of 16 MiB, 5 % survival: the pause",
    "churn": "long churn: MiB committed after a full collection",
    "pages": "old pages written to between two minors: CPU of a minor and its mutator",
    "cycles": "cyclic garbage: time an object, made and collected",
}
