# bench/gc/bars.py -- what the collectors must reach, and whether they did.
# SPDX-License-Identifier: MIT
import math
import statistics

from managers import PEER_MALLOCS
from verdicts import Verdict

TREES = ("trees", "gcbench")
WIDEST = (3,)  # the limit at which trees are judged


def ratios_words(pairs):
    return "; ".join(f"{workload} {ratio:.2f}{f' ({other})' if other else ''}"
                     for workload, ratio, other in pairs)


def over(bench, others, measure, figure, most):
    """generational on both tree workloads at 3x, over the best of `others`."""
    words, pairs = f"{most:.2f}", []
    for workload in TREES:
        found = [(bench.median(workload, other, WIDEST[0], measure), other) for other in others]
        best = min((pair for pair in found if pair[0]), default=None)
        if best is None or bench.median(workload, "generational", WIDEST[0], measure) is None:
            return Verdict(figure, words, f"no pair ran on {workload} at {WIDEST[0]}x")
        ratio = bench.ratio(workload, "generational", best[1], measure, WIDEST)
        pairs.append((workload, ratio, best[1] if len(others) > 1 else ""))
    return Verdict(figure, words, ratios_words(pairs), all(pair[1] <= most for pair in pairs))


def beats_bdwgc(bench):
    """On each workload one Midden collector is below bdwgc in time and longest pause both."""
    figure, words, missed = "every workload, best of Midden over bdwgc: time, max pause", "below 1", []
    told = []
    for workload in bench.workloads:
        found = [(max(ratios), ratios, manager.name) for manager in bench.managers
                 if manager.group == "midden"
                 for ratios in [[bench.ratio(workload.name, manager.name, "bdwgc", measure)
                                 for measure in ("time", "pause_max")]]
                 if not any(math.isnan(ratio) for ratio in ratios)]
        if not found:
            return Verdict(figure, words, f"no pair ran on {workload.name}")
        worst, (time, pause), name = min(found)
        told.append(f"{workload.name} {time:.2f}, {pause:.2f} ({name})")
        if worst >= 1:
            missed.append(workload.name)
    return Verdict(figure, words, "; ".join(told), not missed) if told else \
        Verdict(figure, words, "no workload ran")


def no_barrier(bench):
    figure, words = "no-barrier over generational, time, geometric mean", "1.25"
    ratios = [(workload.name, bench.ratio(workload.name, "no-barrier", "generational"))
              for workload in bench.workloads]
    there = [(name, ratio) for name, ratio in ratios if not math.isnan(ratio)]
    if not there or len(there) < len(ratios):
        lost = [name for name, ratio in ratios if math.isnan(ratio)]
        return Verdict(figure, words, f"did not run: {', '.join(lost) or 'any'}")
    mean = statistics.geometric_mean(ratio for _, ratio in there)
    return Verdict(figure, words, f"{mean:.2f}: " + ratios_words((n, r, "") for n, r in there),
                   mean <= 1.25)


def found(figures, name, figure, words, text, reached):
    if name not in figures.found:
        return Verdict(figure, words, "not measured")
    value, manager = figures.found[name]
    return Verdict(figure, words, f"{text(value)} ({manager})", reached(value))


def break_even(figures):
    figure, words = "no-barrier, old pages a minor at which it costs 1.25", "published"
    if "pages" not in figures.found:
        return Verdict(figure, words, "not measured")
    crossed = figures.found["pages"][0]
    return Verdict(figure, words, f"about {crossed}" if crossed is not None else
                   "more than 6400", True)


def bars(bench, figures):
    return [
        over(bench, PEER_MALLOCS, "time", "trees at 3x, generational over the best malloc: CPU", 0.67),
        over(bench, ["bdwgc"], "time", "trees at 3x, generational over bdwgc: CPU", 0.33),
        over(bench, ["java parallel"], "time",
             "trees at 3x, generational over OpenJDK Parallel: CPU", 1.00),
        over(bench, ["java parallel"], "peak",
             "trees at 3x, generational over OpenJDK Parallel: peak RSS", 0.50),
        beats_bdwgc(bench),
        no_barrier(bench),
        break_even(figures),
        found(figures, "mark", "full mark of the service's tables, pause", "10 ns an object",
              lambda ns: f"{ns:.1f} ns", lambda ns: ns <= 10),
        found(figures, "minor", "minor collection, 16 MiB young, 5 % survival, p99", "under 5 ms",
              lambda ms: f"{ms:.2f} ms", lambda ms: ms < 5),
        found(figures, "churn", "committed after long churn, over a tenth of it", "1.05",
              lambda ratio: f"{ratio:.3f}", lambda ratio: ratio <= 1.05),
    ]
