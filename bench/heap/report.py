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

INTERVAL_ROUNDS = 5  # fewer rounds say nothing of how far another bench would be off
RESAMPLES = 1000
OTHERS_MOST, STOLEN_MOST, SPREAD_MOST = 0.05, 0.01, 0.03  # of a machine that is called quiet
IDLE_TIME_MOST = 0.05  # seconds: a process that used more while it waited was in others' way


class Results:
    """All that was measured.  runs[row name, column name] is a list with one entry for each round;
    instructions and starts are what counts.py returns, or empty."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.instructions, self.starts = {}, {}
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
        return self.deviation(self.values(row, column, measure))

    @staticmethod
    def deviation(values):
        middle = statistics.median(values)
        return statistics.median(abs(value - middle) for value in values) / middle if middle else 0

    def usual_spread(self):
        """The median of all rows' and columns' spread of time; 0 where nothing ran."""
        found = [self.spread(row, column, "time") for row in self.rows for column in self.columns
                 if self.runs[row.name, column.name]]
        return statistics.median(found) if found else 0

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
        """The peer with the least mean; None where there is no peer or nothing ran."""
        if not self.peers or not self.whole(group):
            return None
        return min(self.peers, key=lambda column: self.mean(group, column, measure))

    def mean_ratio(self, group, column, other, measure, picks=None):
        return (self.mean(group, column, measure, picks)
                / self.mean(group, other, measure, picks))

    def rounds(self):
        return max((len(runs) for runs in self.runs.values()), default=0)

    def interval(self, group, column, other, measure):
        """The ends of the 95 % interval of column's mean over other's: of what it comes to when as
        many rounds are drawn from those that ran, with replacement and the same for every row."""
        rounds = self.rounds()
        if rounds < INTERVAL_ROUNDS:
            return None
        draw = random.Random(1)
        found = sorted(
            self.mean_ratio(group, column, other, measure,
                            [draw.randrange(rounds) for _ in range(rounds)])
            for _ in range(RESAMPLES))
        return found[RESAMPLES // 40], found[-RESAMPLES // 40]

    def restless(self):
        """(row, column, seconds) of programs that used the processor while they waited."""
        found = [(row.name, column.name, self.median(row, column, "idle_time"))
                 for row in self.rows for column in self.columns]
        return [entry for entry in found if (entry[2] or 0) > IDLE_TIME_MOST]


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

    def sentence(self, results):
        """Whether these times may be quoted.  What the host does beside is not always told as
        stolen: then it shows in how far the rounds lie apart."""
        others, stolen = self.shares()
        spread = results.usual_spread()
        noisy = others > OTHERS_MOST or stolen > STOLEN_MOST or spread > SPREAD_MOST
        return (f"{'noisy, do not quote these times' if noisy else 'quiet'} (others used "
                f"{others:.1%} of the machine, the host stole {stolen:.1%}, the usual spread of a "
                f"row's time was {spread:.1%})")


# --- tables -----------------------------------------------------------------------------------------


def cell(text):
    return f"{text:>11}"


def ratio_cell(results, row, column, measure):
    ratio = results.ratio(row, column, measure)
    if ratio is None:
        return cell("failed")
    return cell(f"{ratio:.2f} ±{results.spread(row, column, measure):3.0%}")


def header(title, columns, second=""):
    return [title, f"{'':16}{second:>19}" + "".join(cell(column.name) for column in columns)]


def ratio_table(results, title, measure, unit):
    lines = header(title, results.columns, "best peer")
    for row in results.rows:
        best = results.best_peer(row, measure)
        best_text = f"{unit(best[0])} {best[1]}" if best else ""
        lines.append(f"{row.name:16}{best_text:>19}" + "".join(
            ratio_cell(results, row, column, measure) for column in results.columns))
    for group, name in (("ours", "our workloads"), ("real", "real programs"), (None, "all rows")):
        rows, single = results.whole(group), results.best_single(group, measure)
        if not single or group is None and len({row.group for row in rows}) == 1:
            continue
        ratios = [results.mean_ratio(group, column, single, measure)
                  for column in results.columns]
        lines.append(f"{name:16}{'mean, ' + single.name:>19}" + "".join(
            cell("failed" if ratio == math.inf else f"{ratio:.3f}     ") for ratio in ratios))
    return "\n".join(lines)


def held_table(results):
    """What our workloads hold when idle; the rows on which it is judged stand first."""
    rows = sorted((row for row in results.rows if row.talks), key=lambda row: not row.idle)
    lines = header("held two seconds after the work: RSS, less that at the start, less live bytes;"
                   " MiB", results.columns, "best peer")
    for row in rows:
        best = results.best_peer(row, "held")
        cells = [results.median(row, column, "held") for column in results.columns]
        lines.append(f"{row.name:16}{best[1] if best else '':>19}" + "".join(
            cell("failed" if held is None else f"{held / 1024:.2f}") for held in cells))
    return "\n".join(lines) if rows else ""


def instruction_table(results):
    lines = header("instructions of malloc(32) + free, by callgrind", results.columns)
    for live in sorted({live for live, _ in results.instructions}, reverse=True):
        lines.append(f"{f'{live} blocks live':35}" + "".join(
            cell(f"{results.instructions[live, column.name]:.1f}") for column in results.columns))
    return "\n".join(lines) if results.instructions else ""


# Name, unit, places after the point.
START_FIGURES = (("Rss", "KiB", 0), ("Anonymous", "KiB", 0), ("time", "ms", 2))


def start_over_bare(results, column, index):
    return results.starts[column.name][index] - results.starts["bare"][index]


def start_table(results):
    if not results.starts:
        return ""
    lines = header("a start and a first malloc(32), over the bare program", results.columns)
    for index, (name, unit, places) in enumerate(START_FIGURES):
        lines.append(f"{f'{name}, {unit}':35}" + "".join(
            cell(f"{start_over_bare(results, column, index):+.{places}f}")
            for column in results.columns))
    return "\n".join(lines)


def tables(results):
    found = []
    if results.peers and results.rows:
        found += [ratio_table(results, "time: user + system seconds, over those of the best peer",
                              "time", lambda s: f"{s:.2f} s"),
                  ratio_table(results, "memory: peak RSS, over that of the best peer",
                              "peak", lambda kib: f"{kib / 1024:.1f} MiB"),
                  "Figures are medians; ± is the median absolute deviation between the rounds."]
    found += [held_table(results), instruction_table(results), start_table(results)]
    found += [f"{row} under {column} used {seconds:.2f} s of processor while it waited: it was in"
              " the way of others" for row, column, seconds in results.restless()]
    return "\n\n".join(table for table in found if table)


# --- the file ---------------------------------------------------------------------------------------

MEASURES = ("wall", "user", "system", "time", "peak", "minor", "major", "start", "live", "held",
            "idle_time")
ROLLUP = ("Rss", "Private_Dirty", "LazyFree", "AnonHugePages")
FIELDS = ("row group column rounds wall_s user_s system_s time_s peak_kib minor_faults major_faults"
          " start_kib live_kib held_kib idle_time_s idle_rss_kib idle_private_dirty_kib"
          " idle_lazyfree_kib idle_anonhuge_kib time_rounds_s peak_rounds_kib").split()


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


def machine(results, command, noise):
    """What a reader must know of where and how the figures were taken, {name: text}."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    cpu = next((line.split(":")[1].strip() for line in info.splitlines()
                if line.startswith(("model name", "CPU part"))), platform.machine())
    huge = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return {
        "date": datetime.datetime.now().isoformat(" ", "minutes"),
        "cpu": f"{cpu}, {os.cpu_count()} processors, {memory} MiB",
        "kernel": platform.release(),
        "huge pages": huge.read_text().strip() if huge.exists() else "none",
        "command": "./dev bench heap" + "".join(" " + word for word in command),
        "versions": ", ".join(f"{c.name} {version(c)}" for c in results.columns),
        "rounds": f"{results.rounds()} after one that is thrown away" if results.rows else "none",
        "noise": noise.sentence(results),
    }


def csv_line(results, row, column):
    runs = results.runs[row.name, column.name]
    numbers = [results.median(row, column, measure) for measure in MEASURES]
    numbers += [statistics.median(run.rollup[name] for run in runs) if runs[0].rollup else None
                for name in ROLLUP]
    words = ["" if n is None else f"{n:.6g}" if isinstance(n, float) else n for n in numbers]
    rounds = [" ".join(f"{value:.6g}" for value in results.values(row, column, measure))
              for measure in ("time", "peak")]
    return [row.name, row.group, column.name, len(runs), *words, *rounds]


def counted_lines(results):
    """What was measured beside the rows, a line each."""
    for (live, name), count in results.instructions.items():
        yield f"instructions with {live} live: {name}: {count:.1f}"
    for index, (figure, unit, _) in enumerate(START_FIGURES):
        for name, found in results.starts.items():
            yield f"start {figure}, {unit}: {name}: {found[index]:.6g}"


def save(results, facts, judged):
    """Write bench/results/heap-DATE.csv and return its path."""
    stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H%M")
    path = ROOT / "bench" / "results" / f"heap-{stamp}.csv"
    lines = [f"{name}: {text}" for name, text in facts.items()]
    lines += [*counted_lines(results), *(f"verdict: {verdict}" for verdict in judged)]
    with open(path, "w", newline="") as file:
        file.writelines(f"# {line}\n" for line in lines)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for row in results.rows:
            for column in results.columns:
                if results.runs[row.name, column.name]:
                    writer.writerow(csv_line(results, row, column))
    return path
