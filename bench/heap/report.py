# bench/heap/report.py -- medians, ratios, tables and the CSV file of a bench.
# SPDX-License-Identifier: MIT
import csv
import datetime
import math
import os
import pathlib
import platform
import random
import statistics
import subprocess

from measure import MIDDEN, ROOT

SPREAD_MOST = 0.05  # a median absolute deviation over this share of the median is marked
INTERVAL_ROUNDS = 5  # fewer rounds say nothing of how far another bench would be off
RESAMPLES = 1000


class Results:
    """All runs: results.runs[row name, column name] is a list, one entry for each round."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.peers = [column for column in columns if column.peer]
        self.runs = {(row.name, column.name): [] for row in rows for column in columns}

    def values(self, row, column, measure):
        found = [getattr(run, measure) for run in self.runs[row.name, column.name]]
        return [value for value in found if value is not None]

    def median(self, row, column, measure, picks=None):
        """The median over the rounds, or over the rounds that `picks` names; None without any."""
        values = self.values(row, column, measure)
        if picks and values:
            values = [values[pick % len(values)] for pick in picks]
        return statistics.median(values) if values else None

    def spread(self, row, column, measure):
        """The median absolute deviation as a share of the median."""
        values = self.values(row, column, measure)
        middle = statistics.median(values)
        return statistics.median(abs(value - middle) for value in values) / middle if middle else 0

    def best_peer(self, row, measure):
        """(median, column) of the row's best peer, or None."""
        found = [(self.median(row, column, measure), column.name) for column in self.peers]
        return min((pair for pair in found if pair[0] is not None), default=None)

    def ratio(self, row, column, measure):
        best, value = self.best_peer(row, measure), self.median(row, column, measure)
        return value / best[0] if best and best[0] and value is not None else None

    def whole(self, group):
        """The rows of `group` (None: all) that ran under every column that ran at all."""
        ran = [column for column in self.columns
               if any(self.runs[row.name, column.name] for row in self.rows)]
        return [row for row in self.rows if group in (None, row.group)
                and all(self.runs[row.name, column.name] for column in ran)]

    def mean(self, group, column, measure, picks=None):
        """The geometric mean of medians over the whole rows; infinite where nothing ran."""
        medians = [self.median(row, column, measure, picks) for row in self.whole(group)]
        if None in medians:
            return math.inf
        return math.exp(statistics.fmean(math.log(max(m, 1e-6)) for m in medians))

    def best_single(self, group, measure):
        return min(self.peers, key=lambda column: self.mean(group, column, measure))

    def rounds(self):
        return max((len(runs) for runs in self.runs.values()), default=0)

    def interval(self, group, column, other, measure):
        """The 95 % interval of column's mean over other's, by drawing rounds anew."""
        rounds = self.rounds()
        draw = random.Random(1)
        found = []
        for _ in range(RESAMPLES):
            picks = [draw.randrange(rounds) for _ in range(rounds)]
            found.append(self.mean(group, column, measure, picks)
                         / self.mean(group, other, measure, picks))
        found.sort()
        return found[RESAMPLES // 40], found[-RESAMPLES // 40]


# --- the noise of the machine -----------------------------------------------------------------------


def machine_ticks():
    """(busy, stolen, all) ticks of every processor since it started."""
    words = [int(w) for w in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq, steal = words
    return user + nice + system + irq + softirq, steal, sum(words)


class Noise:
    """How much of the machine others used while the bench ran."""

    def __init__(self):
        self.ticks, self.mine = machine_ticks(), self.my_seconds()

    @staticmethod
    def my_seconds():
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system

    def shares(self):
        """(used by others, stolen by the host), each as a share of all processor time."""
        busy, stolen, every = (now - then for now, then in zip(machine_ticks(), self.ticks))
        mine = (self.my_seconds() - self.mine) * os.sysconf("SC_CLK_TCK")
        return max(0, busy - mine) / max(1, every), stolen / max(1, every)

    def sentence(self):
        others, stolen = self.shares()
        verdict = ("noisy, do not quote these times" if others > 0.05 or stolen > 0.01
                   else "quiet")
        return f"{verdict} (others used {others:.1%} of the machine, the host stole {stolen:.1%})"


# --- tables -----------------------------------------------------------------------------------------


def cell(text):
    return f"{text:>10}"


def ratio_cell(results, row, column, measure):
    ratio = results.ratio(row, column, measure)
    if ratio is None:
        return cell("failed ")
    mark = "~" if results.spread(row, column, measure) > SPREAD_MOST else " "
    return cell(f"{ratio:.2f}{mark}")


def header(title, columns, second=""):
    return [title, f"{'':16}{second:>17}" + "".join(cell(c.name + " ") for c in columns)]


def ratio_table(results, title, measure, unit):
    lines = header(title, results.columns, "best peer")
    for row in results.rows:
        best = results.best_peer(row, measure)
        best_text = f"{unit(best[0])} {best[1]}" if best else ""
        lines.append(f"{row.name:16}{best_text:>17}" + "".join(
            ratio_cell(results, row, column, measure) for column in results.columns))
    for group, name in (("ours", "our workloads"), ("real", "real programs"), (None, "all rows")):
        rows = results.whole(group)
        if not rows or group is None and len({row.group for row in rows}) == 1:
            continue
        single = results.best_single(group, measure)
        means = [results.mean(group, column, measure) for column in results.columns]
        least = results.mean(group, single, measure)
        lines.append(f"{name:16}{'mean, ' + single.name:>17}" + "".join(
            cell("failed " if mean == math.inf else f"{mean / least:.3f}") for mean in means))
    return lines


def held_table(results):
    rows = [row for row in results.rows if row.idle]
    if not rows:
        return []
    lines = header("held when idle: RSS less that at the start, less live bytes; MiB",
                   results.columns, "best peer")
    for row in rows:
        best = results.best_peer(row, "held")
        cells = [results.median(row, column, "held") for column in results.columns]
        lines.append(f"{row.name:16}{best[1] if best else '':>17}" + "".join(
            cell("failed " if held is None else f"{held / 1024:.1f} ") for held in cells))
    return lines + [""]


def interval_words(results, group, column, other, measure):
    if results.rounds() < INTERVAL_ROUNDS:
        return ""
    low, high = results.interval(group, column, other, measure)
    return f" (95 % interval {low:.3f} to {high:.3f})"


def summary(results):
    """How each column that is no peer stands to the best single peer, and where it is worst."""
    lines = []
    for column in results.columns:
        if column.peer or not results.peers or results.mean(None, column, "time") == math.inf:
            continue
        for measure, groups in (("time", ("ours", "real")), ("peak", (None,))):
            for group in groups:
                if not results.whole(group):
                    continue
                single = results.best_single(group, measure)
                ratio = (results.mean(group, column, measure)
                         / results.mean(group, single, measure))
                lines.append(f"{column.name}, {measure}, {group or 'all rows'}: {ratio:.3f} of "
                             f"{single.name}"
                             + interval_words(results, group, column, single, measure))
        timed = [(results.ratio(row, column, "time") or 0, row.name) for row in results.rows
                 if (results.median(row, column, "time") or 0) > 0.1]
        if timed:
            lines.append(f"{column.name}, worst row over 100 ms: {max(timed)[1]}, "
                         f"{max(timed)[0]:.2f} of its best peer")
    return lines


def tables(results):
    lines = []
    if results.peers:
        lines += ratio_table(results, "time: user + system seconds, over those of the best peer",
                             "time", lambda s: f"{s:.2f} s") + [""]
        lines += ratio_table(results, "memory: peak RSS, over that of the best peer",
                             "peak", lambda kib: f"{kib / 1024:.1f} MiB") + [""]
    lines += held_table(results) + summary(results)
    lines.append(f"~ spread (median absolute deviation) over {SPREAD_MOST:.0%}")
    return "\n".join(lines)


def instruction_table(counts, columns, kinds):
    lines = header("instructions of malloc(32) + free, by callgrind", columns)
    for kind in kinds:
        lines.append(f"{f'{kind} blocks live':33}" + "".join(
            cell(f"{counts[kind, column.name]:.1f} ") for column in columns))
    return "\n".join(lines)


def start_table(starts, columns):
    lines = header("a start and a first malloc(32), over the bare program", columns)
    bare = starts["bare"]
    for index, (name, places) in enumerate((("Rss, KiB", 0), ("Anonymous, KiB", 0), ("ms", 2))):
        lines.append(f"{name:33}" + "".join(
            cell(f"{starts[column.name][index] - bare[index]:+.{places}f} ") for column in columns))
    return "\n".join(lines)


# --- the file ---------------------------------------------------------------------------------------

MEASURES = ("wall", "user", "system", "time", "peak", "minor", "major", "start", "live", "held")
FIELDS = ("row group column rounds wall_s user_s system_s time_s peak_kib minor_faults major_faults"
          " start_kib live_kib held_kib time_min_s time_max_s peak_min_kib peak_max_kib idle_rss_kib"
          " idle_private_dirty_kib idle_lazyfree_kib idle_anonhuge_kib").split()


def version(column):
    if not column.package and column.library != MIDDEN:
        return str(column.library)
    if not column.package:
        done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT,
                              capture_output=True, text=True)
        return done.stdout.strip() or "unknown"
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", column.package],
                          capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def machine(columns, command, noise):
    """What a reader must know of where and how the figures were taken, as (name, text)."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    cpu = next((line.split(":")[1].strip() for line in info.splitlines()
                if line.startswith(("model name", "CPU part"))), platform.machine())
    huge = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return [
        ("date", datetime.datetime.now().isoformat(" ", "minutes")),
        ("cpu", f"{cpu}, {os.cpu_count()} processors, {memory} MiB"),
        ("kernel", platform.release()),
        ("huge pages", huge.read_text().strip() if huge.exists() else "none"),
        ("command", "./dev bench heap" + "".join(" " + word for word in command)),
        ("versions", ", ".join(f"{c.name} {version(c)}" for c in columns)),
        ("noise", noise.sentence()),
    ]


def csv_line(results, row, column):
    runs = results.runs[row.name, column.name]
    medians = [results.median(row, column, measure) for measure in MEASURES]
    ends = [end(results.values(row, column, measure)) for measure in ("time", "peak")
            for end in (min, max)]
    idle = [statistics.median(run.rollup[name] for run in runs) if runs[0].rollup else None
            for name in ("Rss", "Private_Dirty", "LazyFree", "AnonHugePages")]
    numbers = ["" if n is None else f"{n:.6g}" if isinstance(n, float) else n
               for n in medians + ends + idle]
    return [row.name, row.group, column.name, len(runs), *numbers]


def save(results, facts, extra):
    """Write bench/results/heap-DATE.csv; `extra` are lines of (row, column, value) beside the runs.
    Returns the path."""
    stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H%M")
    path = ROOT / "bench" / "results" / f"heap-{stamp}.csv"
    with open(path, "w", newline="") as file:
        for name, text in facts:
            file.write(f"# {name}: {text}\n")
        for row, column, value in extra:
            file.write(f"# {row}: {column}: {value}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for row in results.rows:
            for column in results.columns:
                if results.runs[row.name, column.name]:
                    writer.writerow(csv_line(results, row, column))
    return path
