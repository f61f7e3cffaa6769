# bench/gc/managers.py -- who manages the memory: how each is built, limited and asked for its pauses.
# SPDX-License-Identifier: MIT
"""A manager runs a workload as a command with an environment; C programs are compiled once for each
way of writing them (memory.h), and the collector, or the library with malloc, is chosen at the
start."""

import os
import pathlib
import re
import subprocess
from dataclasses import dataclass

from measure import BARE, BUILD, COLUMNS, FLAGS, ROOT, Column, Failure, find

HERE = pathlib.Path(__file__).resolve().parent
PLACE = BUILD / "gc"
RELEASE = ROOT / "build" / "release"
MIB = 1 << 20

# How a C workload is written, and what the compiler is told for it.
STYLES = {
    "malloc": ["-DMEMORY=MEMORY_MALLOC"],
    "arena": ["-DMEMORY=MEMORY_ARENA"],
    "bdwgc": ["-DMEMORY=MEMORY_BDWGC", "-lgc"],
    **{style: ["-DMEMORY=MEMORY_MIDDEN", f"-DMEMORY_STYLE=MEMORY_{style.upper()}",
               "-I", ROOT / "include", "-L", RELEASE, "-lmidden", f"-Wl,-rpath,{RELEASE}"]
       for style in ("plain", "stores", "precise")},
}


@dataclass(frozen=True)
class Manager:
    """A row of the tables.  `runtime` is whose live size its limits are multiples of; None: it has
    no limit, for its user frees."""
    name: str
    style: str  # of STYLES, or go, java, node
    runtime: str | None = None
    mode: str = ""
    column: Column = BARE  # whose malloc is preloaded

    @property
    def group(self):
        return "midden" if self.style in ("plain", "stores", "precise") else self.style

    def command(self, workload, numbers, limit=None, probe=False):
        """(words, environment) of a run; `limit` in bytes."""
        words = [str(number) for number in numbers]
        env = {"BENCH_PROBE": "1"} if probe else {}
        if self.style == "go":
            if limit:  # all that the limit allows is used, as Go's guide advises for a fixed limit
                env.update(GOMEMLIMIT=str(limit), GOGC="off")
            return [PLACE / "go", workload, *words], env
        if self.style == "java":
            heap = [f"-Xmx{limit // 1024}k"] if limit else []
            return [jdk("java"), f"-XX:+Use{self.mode}GC", *heap, "-XX:+ExitOnOutOfMemoryError",
                    "-Xlog:gc,safepoint:stdout", "-cp", PLACE / "java", "Bench", workload,
                    *words], env
        if self.style == "node":
            heap = [f"--max-old-space-size={max(1, round(limit / MIB))}"] if limit else []
            return [find("node"), *heap, "--trace-gc", *(["--expose-gc"] if probe else []),
                    HERE / "node" / "main.mjs", workload, *words], env
        if self.mode:
            env["BENCH_MODE"] = self.mode
        if limit:
            env["BENCH_LIMIT"] = str(limit)
        return [PLACE / f"{workload}-{self.style}", *words], env


def midden(collector, style):
    name = f"{collector} precise" if style == "precise" else collector
    return Manager(name, style, "midden", collector)


MALLOCS = [column for column in COLUMNS
           if column.name in ("glibc", "mimalloc", "jemalloc", "tcmalloc", "midden")]
MANAGERS = [
    midden("mark-sweep", "plain"), midden("mark-sweep", "precise"),
    midden("copying", "plain"), midden("copying", "precise"),
    midden("generational", "stores"), midden("generational", "precise"),
    midden("no-barrier", "plain"),
    Manager("bdwgc", "bdwgc", "bdwgc"),
    Manager("bdwgc incremental", "bdwgc", "bdwgc", "incremental"),
    *(Manager(f"malloc {column.name}", "malloc", column=column) for column in MALLOCS),
    Manager("arena", "arena"),
    Manager("go", "go", "go"),
    Manager("java serial", "java", "java", "Serial"),
    Manager("java parallel", "java", "java", "Parallel"),
    Manager("java g1", "java", "java", "G1"),
    Manager("java zgc", "java", "java zgc", "Z"),
    Manager("node", "node", "node"),
]
PEER_MALLOCS = [f"malloc {column.name}" for column in MALLOCS if column.peer]

# Who tells a runtime's live size.
PROBES = {"midden": "mark-sweep precise", "bdwgc": "bdwgc", "go": "go", "java": "java serial",
          "java zgc": "java zgc", "node": "node"}


def named(name):
    return next(manager for manager in MANAGERS if manager.name == name)


# --- building -------------------------------------------------------------------------------------


def jdk(program):
    """A program of OpenJDK 17, whichever Java is the machine's own; or None."""
    return next(pathlib.Path("/usr/lib/jvm").glob(f"java-17-*/bin/{program}"), None)


def newer(program, sources):
    """Whether `program` is there and no source was changed since."""
    return program.exists() and program.stat().st_mtime > max(
        source.stat().st_mtime for source in sources)


def build(words, what, **more):
    if subprocess.run(words, **more).returncode != 0:
        raise Failure(f"cannot compile {what}")


def build_c(name, style, extra=()):
    """Compile NAME.c, written in `style`; returns the program."""
    program = PLACE / f"{name}-{style}"
    sources = [HERE / f"{name}.c", *HERE.glob("*.h"), ROOT / "include" / "midden" / "gc.h"]
    if not newer(program, [source for source in sources if source.exists()]):
        build(["cc", *FLAGS, "-o", program, HERE / f"{name}.c", *STYLES[style], *extra],
              f"{name}.c for {style}")
    return program


def build_managers(managers, workloads):
    """Everything that these managers need to run these workloads."""
    PLACE.mkdir(parents=True, exist_ok=True)
    for style in sorted({manager.style for manager in managers} & STYLES.keys()):
        for workload in workloads:
            if workload.runs(style):
                build_c(workload.program, style)
    styles = {manager.style for manager in managers}
    if "go" in styles and not newer(PLACE / "go", HERE.glob("go/*")):
        env = {**os.environ, "GOCACHE": str(PLACE / "gocache"), "GOFLAGS": "-mod=mod"}
        build([find("go"), "build", "-o", PLACE / "go", "."], "Go", cwd=HERE / "go", env=env)
    if "java" in styles and not newer(PLACE / "java" / "Bench.class", HERE.glob("java/*")):
        build([jdk("javac"), "-d", PLACE / "java", *HERE.glob("java/*.java")], "Java")


# --- what runs print ------------------------------------------------------------------------------

SAFEPOINT = re.compile(r'Safepoint "(\w+)".*Total: +(\d+) ns')
STALL = re.compile(r"Allocation Stall \(.*\) ([\d.]+)ms")
SCAVENGE = re.compile(r"\d+ ms: [A-Z][\w\-() ]+? [\d.]+ \([\d.]+\) -> [\d.]+ \([\d.]+\) MB, "
                      r"([\d.]+) / [\d.]+ ms(?:.*?biggest step ([\d.]+) ms)?")
LINE = re.compile(r"(\w+)((?: \w+=-?[\d.]+)+)")


def printed(output):
    """{name: {key: number}} of the lines NAME KEY=NUMBER... ."""
    found = {}
    for line in output.splitlines():
        if match := LINE.fullmatch(line.strip()):
            pairs = (pair.split("=") for pair in match[2].split())
            found[match[1]] = {key: float(number) for key, number in pairs}
    return found


def ranks(ns):
    """As figures.h prints them."""
    ns = sorted(ns)
    def rank(thousandths):
        return ns[max(0, -(-len(ns) * thousandths // 1000) - 1)] if ns else 0
    return {"count": len(ns), "p50_ns": rank(500), "p99_ns": rank(990), "p999_ns": rank(999),
            "max_ns": rank(1000)}


def pauses(manager, output):
    """{count, p50_ns, p99_ns, p999_ns, max_ns} of a run."""
    if manager.style == "java":
        stops = [int(match[2]) for match in SAFEPOINT.finditer(output)]
        return ranks(stops + [float(match[1]) * 1e6 for match in STALL.finditer(output)])
    if manager.style == "node":
        return ranks([float(part) * 1e6 for match in SCAVENGE.finditer(output)
                      for part in match.groups() if part])
    return printed(output).get("pauses", ranks([]))
