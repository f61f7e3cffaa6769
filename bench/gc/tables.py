# bench/gc/tables.py -- what the bench prints of its runs, and the file that it leaves.
# SPDX-License-Identifier: MIT
import csv
import datetime
import math
import statistics

from managers import MIB, PEER_MALLOCS
from measure import ROOT

NAME = 20


def number(value, places=2, width=9):
    return f"{'' if value is None else f'{value:.{places}f}':>{width}}"


def ms(ns, width=9):
    return number(None if ns is None else ns / 1e6, 2 if ns is None or ns < 1e8 else 0, width)


def cell(bench, workload, manager, multiple, unit, measure):
    value = bench.median(workload, manager, multiple, measure)
    if value is None:
        return f"{bench.why(workload, manager, multiple):>14}"
    if len(bench.values(workload, manager, multiple, measure)) < 2:
        return f"{unit(value):>14}"
    spread = bench.spread(workload, manager, multiple, measure)
    return f"{unit(value):>9} ±{spread:3.0%}"


def managers_of(bench, workload):
    return [manager for manager in bench.managers if workload.runs(manager.style)]


def live_mib(bench, workload, manager):
    live = bench.live_of(workload, manager)[0] if manager.runtime else None
    return number(live and live / MIB, 1, 8)


def most(bench, workload, manager):
    """The widest limit at which it ran."""
    ran = [multiple for multiple in bench.multiples
           if bench.median(workload.name, manager.name, multiple) is not None]
    return ran[-1] if ran else bench.multiples[-1]


def cost_row(bench, workload, manager):
    names = workload.name, manager.name
    multiples = bench.multiples if manager.runtime else bench.multiples[-1:]
    cells = [cell(bench, *names, multiple, lambda s: f"{s:.2f}", "time") for multiple in multiples]
    blank = [""] * (len(bench.multiples) - len(multiples))
    widest = most(bench, workload, manager)
    peak = bench.median(*names, widest, "peak")
    count = bench.median(*names, widest, "pauses_count")
    words = [f"{text:>14}" for text in (*blank, *cells)]
    tail = (ms(bench.median(*names, widest, f"pause_{key}")) for key in ("p50", "p99", "max"))
    return "".join([f"{manager.name:{NAME}}", live_mib(bench, workload, manager), *words,
                    number(bench.median(*names, widest, "wall")),
                    number(peak and peak / 1024, 1), number(count or None, 0, 8),
                    *(tail if count else ())]).rstrip()


def cost_table(bench, workload):
    numbers = " ".join(str(n) for n in workload.sized(bench.quick))
    limits = "".join(f"{f'CPU s at {multiple:g}x':>14}" for multiple in bench.multiples)
    lines = [f"{workload.name} {numbers}: {workload.title}",
             f"{'':{NAME}}{'live MiB':>8}{limits}{'wall s':>9}{'peak MiB':>9}{'pauses':>8}"
             f"{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"]
    lines += [cost_row(bench, workload, manager) for manager in managers_of(bench, workload)]
    return "\n".join(lines)


def latency_table(bench, workload):
    lines = [f"{workload.name}: latency of requests from when they were due, ms",
             f"{'':{NAME}}" + "".join(f"{f'p99.9 at {multiple:g}x':>14}"
                                      for multiple in bench.multiples)
             + "".join(f"{text:>9}" for text in ("p50", "p99", "p99.9", "max"))]
    for manager in managers_of(bench, workload):
        names, widest = (workload.name, manager.name), most(bench, workload, manager)
        multiples = bench.multiples if manager.runtime else bench.multiples[-1:]
        cells = [cell(bench, *names, multiple, lambda ns: ms(ns, 0), "latency_p999")
                 for multiple in multiples]
        blank = [" " * 14] * (len(bench.multiples) - len(multiples))
        lines.append("".join([f"{manager.name:{NAME}}", *blank, *cells] + [
            ms(bench.median(*names, widest, f"latency_{key}"))
            for key in ("p50", "p99", "p999", "max")]).rstrip())
    return "\n".join(lines)


def mean_table(bench):
    """Each manager's CPU over that of the workload's best malloc, and the mean over the workloads
    that all of them ran."""
    mallocs = [name for name in PEER_MALLOCS if name in {m.name for m in bench.managers}]
    best = {workload.name: min((time, name) for name in mallocs
                               if (time := bench.median(workload.name, name, None)) is not None)[1]
            for workload in bench.workloads
            if any(bench.median(workload.name, name, None) for name in mallocs)}
    if not best:
        return ""
    lines = ["CPU over the best malloc's, the mean over the limits at which it ran",
             f"{'':{NAME}}" + "".join(f"{name:>14}" for name in best) + f"{'mean':>9}"]
    for manager in bench.managers:
        ratios = [bench.ratio(workload, manager.name, other) for workload, other in best.items()]
        there = [ratio for ratio in ratios if not math.isnan(ratio)]
        if there:
            mean = statistics.geometric_mean(there) if len(there) == len(ratios) else None
            lines.append((f"{manager.name:{NAME}}" + "".join(
                f"{'' if math.isnan(r) else f'{r:.2f}':>14}" for r in ratios)
                + number(mean)).rstrip())
    return "\n".join(lines)


def tables(bench):
    found = []
    for workload in bench.workloads:
        found.append(cost_table(bench, workload))
        if workload.serves:
            found.append(latency_table(bench, workload))
    if bench.workloads:
        found.append(mean_table(bench))
        found.append("Limits are multiples of the runtime's own live size; wall, peak, pauses and "
                     "latencies are those of\nthe widest one that it ran at.  Figures are medians; "
                     "± is the median absolute deviation between the\nrounds.  CPU of a service is "
                     "without what it spun while it waited for the next request.")
    return "\n\n".join(table for table in found if table)


# --- the file -------------------------------------------------------------------------------------

MEASURES = ("wall", "time", "peak", "pauses_count", "pause_p50", "pause_p99", "pause_max",
            "latency_p50", "latency_p99", "latency_p999", "latency_max")
FIELDS = ("workload manager group multiple live_bytes rounds failure wall_s time_s peak_kib pauses"
          " pause_p50_ns pause_p99_ns pause_max_ns latency_p50_ns latency_p99_ns latency_p999_ns"
          " latency_max_ns time_rounds_s").split()


def csv_line(bench, workload, manager, multiple):
    names = workload.name, manager.name, multiple
    medians = [bench.median(*names, measure) for measure in MEASURES]
    words = ["" if n is None else f"{n:.6g}" if isinstance(n, float) else n for n in medians]
    times = bench.values(*names, "time")
    live = bench.live_of(workload, manager)[0] if manager.runtime else None
    return [workload.name, manager.name, manager.group, multiple or "",
            "" if live is None else int(live), len(times),
            bench.failures.get(bench.key(*names), ""), *words,
            " ".join(f"{time:.6g}" for time in times)]


def save(bench, facts, comments):
    """Write bench/results/gc-DATE.csv and return its path."""
    stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H%M")
    path = ROOT / "bench" / "results" / f"gc-{stamp}.csv"
    with open(path, "w", newline="") as file:
        file.writelines(f"# {name}: {text}\n" for name, text in facts.items())
        file.writelines(f"# {comment}\n" for comment in comments)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for workload in bench.workloads:
            for manager in managers_of(bench, workload):
                for multiple in bench.multiples if manager.runtime else [None]:
                    writer.writerow(csv_line(bench, workload, manager, multiple))
    return path
