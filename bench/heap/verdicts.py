# bench/heap/verdicts.py -- what the heap must reach, and whether it did.
# SPDX-License-Identifier: MIT
"""Each figure is judged as README.md says.  One that was not measured is listed all the same."""

import textwrap
from dataclasses import dataclass

import report

LEAST_TIME = 0.1  # seconds: rows of less are start-up and rounding
ROW_MOST = 1.10
HELD_MOST_MIB = 1
WIDTH = 125  # of the table


@dataclass(frozen=True)
class Verdict:
    figure: str
    bar: str
    measured: str
    met: bool | None = None  # None: not measured

    @property
    def word(self):
        return {True: "met", False: "MISSED", None: "not measured"}[self.met]

    def __str__(self):
        return f"{self.figure}: {self.bar}: {self.measured}: {self.word}"


def column_of(results, name):
    return next((column for column in results.columns if column.name == name), None)


def lacking(results, group, *names):
    """Why a mean over the rows of `group` would be none of these columns', or empty."""
    for name in names:
        column = column_of(results, name)
        if not column:
            return f"no column {name}"
        lost = [row.name for row in results.rows if group in (None, row.group)
                and not results.runs[row.name, name]]
        if lost:
            return f"{name} failed in {', '.join(lost)}"
    return "" if results.whole(group) else "no such row ran"


def mean_words(results, group, column, other, measure):
    words = f"{results.mean_ratio(group, column, other, measure):.3f} of {other.name}"
    if interval := results.interval(group, column, other, measure):
        words += " (95 % interval {:.3f} to {:.3f})".format(*interval)
    else:
        words += f" (no interval from {results.rounds()} rounds)"
    rows = [row for row in results.rows if group in (None, row.group)]
    if lost := len(rows) - len(results.whole(group)):
        words += f", without {lost} of {len(rows)} rows, in which some column failed"
    return words


def mean(results, figure, bar, group, measure, name="midden", other=None):
    """The mean of column `name` over that of `other`, or of the best single peer."""
    words = f"{bar:.2f} of {'the default' if other else 'the best single peer'}"
    if why := lacking(results, group, name, *([other] if other else [])):
        return Verdict(figure, words, why)
    column = column_of(results, name)
    over = column_of(results, other) if other else results.best_single(group, measure)
    if not over:
        return Verdict(figure, words, "no peer ran")
    return Verdict(figure, words, mean_words(results, group, column, over, measure),
                   results.mean_ratio(group, column, over, measure) <= bar)


def worst_row(results):
    figure, bar = "any row over 100 ms, time", f"{ROW_MOST:.2f} of its best peer"
    if why := lacking(results, None, "midden"):
        return Verdict(figure, bar, why)
    column = column_of(results, "midden")
    ratios = [(results.ratio(row, column, "time"), row.name,
               (results.best_peer(row, "time") or (0, ""))[1]) for row in results.rows
              if results.median(row, column, "time") > LEAST_TIME]
    ratios = sorted((entry for entry in ratios if entry[0] is not None), reverse=True)
    if not ratios:
        return Verdict(figure, bar, "no such row beside a peer")
    over = [entry for entry in ratios if entry[0] > ROW_MOST]
    return Verdict(figure, bar, "; ".join("{1} {0:.2f} ({2})".format(*entry)
                                          for entry in over or ratios[:1]), not over)


def held(results, name, share=None):
    """What row `name` holds when idle: at most `share` of the best peer's, or as much as that."""
    figure = f"{name}, held when idle"
    bar = f"{100 * share:.0f} % of the best peer's" if share else "the best peer's, or 1 MiB"
    row = next((row for row in results.rows if row.name == name), None)
    column = column_of(results, "midden")
    value = results.median(row, column, "held") if row and column else None
    if value is None:
        return Verdict(figure, bar, f"midden did not run {name}")
    best = results.best_peer(row, "held")
    if not best:
        return Verdict(figure, bar, "no peer ran")
    most = best[0] * share if share else max(best[0], HELD_MOST_MIB * 1024)
    part = f", {100 * value / best[0]:.0f} % of that" if share and best[0] > 0 else ""
    return Verdict(figure, bar, f"{value / 1024:.2f} MiB; {best[1]} {best[0] / 1024:.2f} MiB{part}",
                   value <= most)


def instructions(results, live, most=34):
    figure, bar = f"malloc(32) + free, {live or 'none'} live", f"{most} instructions"
    count = results.instructions.get((live, "midden"))
    if count is None:
        return Verdict(figure, bar, "not counted")
    others = [(results.instructions[live, peer.name], peer.name) for peer in results.peers]
    beside = "; {1} {0:.1f}".format(*min(others)) if others else ""
    return Verdict(figure, bar, f"{count:.1f}{beside}", count <= most)


def start(results, index, most):
    name, unit, places = report.START_FIGURES[index]
    figure = f"start and first malloc, {name}"
    bar = f"+{most} {unit} over the bare one"
    column = column_of(results, "midden")
    if not results.starts or not column:
        return Verdict(figure, bar, "not started")
    over = report.start_over_bare(results, column, index)
    return Verdict(figure, bar, f"{over:+.{places}f} {unit}", over <= most)


def verdicts(results):
    return [
        mean(results, "our workloads, time", 0.88, "ours", "time"),
        mean(results, "real programs, time", 1.00, "real", "time"),
        worst_row(results),
        mean(results, "all rows, peak RSS", 1.00, None, "peak"),
        held(results, "big"),
        held(results, "leftovers"),
        held(results, "sparse", 0.6),
        instructions(results, 100),
        instructions(results, 0),
        start(results, 0, 300),
        start(results, 1, 64),
        start(results, 2, 0.5),
        mean(results, "hardened, real programs, time", 1.20, "real", "time",
             "hardened", "midden"),
        mean(results, "hardened, our workloads, time", 2.00, "ours", "time",
             "hardened", "midden"),
    ]


def table(judged, caveats, facts):
    rows = [("", "what it must reach", "at most", "measured")]
    rows += [(verdict.word, verdict.figure, verdict.bar, verdict.measured) for verdict in judged]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = []
    for row in rows:
        left = "  ".join(text.ljust(width) for text, width in zip(row, widths))
        lines += textwrap.wrap(row[3], WIDTH, initial_indent=left + "  ",
                               subsequent_indent=" " * (len(left) + 2), break_on_hyphens=False)
    words = [verdict.word for verdict in judged]
    counts = ", ".join(f"{words.count(word)} {word}" for word in ("met", "MISSED", "not measured"))
    lines += ["", f"{counts}.  The machine was {facts['noise']}."]
    if caveats:
        lines.append(f"Not the whole bench ({'; '.join(caveats)}): no verdict of it is final.")
    return "\n".join(lines)
