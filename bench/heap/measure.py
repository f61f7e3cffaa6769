# bench/heap/measure.py -- run one program under one allocator, and read what it cost.
# SPDX-License-Identifier: MIT
"""A run is a process of its own, started by the small program of launch.c, which reports what wait4
says of it.  A program that waits when its work is over (bench.h) is looked at from outside."""

import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
WORK = BUILD / "work"
LIBRARIES = pathlib.Path("/usr/lib") / (sysconfig.get_config_var("MULTIARCH") or "")
PROGRAM_PATH = "/usr/bin:/bin"  # Debian's own programs, never a wrapper that caches
RUN_SECONDS = 120  # a run that takes longer has failed, unless its row allows more
IDLE_SECONDS = 2.0  # from the end of the work to the look at what is resident
MOST_WAITING = 8  # programs at a time, for each may hold hundreds of MiB
LOOKERS = ThreadPoolExecutor(MOST_WAITING + 1)
FLAGS = ("-std=gnu11 -O2 -g -pthread -fno-builtin-malloc -fno-builtin-free"
         " -fno-builtin-calloc -fno-builtin-realloc").split()


class Failure(Exception):
    """What went wrong, in a sentence."""


@dataclass(frozen=True)
class Column:
    """An allocator: a library to preload (None: none) and what else it needs in the environment."""
    name: str
    library: pathlib.Path | None
    package: str = ""
    peer: bool = True
    env: tuple = ()

    def environment(self):
        env = {"PATH": PROGRAM_PATH, "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8",
               "TMPDIR": str(WORK), **dict(self.env)}
        if self.library:
            env["LD_PRELOAD"] = str(self.library)
        return env


MIDDEN = ROOT / "build" / "release" / "libmidden.so"
COLUMNS = [
    Column("midden", MIDDEN, peer=False),
    Column("hardened", MIDDEN, peer=False, env=(("MIDDEN_OPTIONS", "hardened=1"),)),
    Column("glibc", LIBRARIES / "libc.so.6", "libc6"),
    Column("mimalloc", LIBRARIES / "libmimalloc.so.2", "libmimalloc2.0"),
    Column("jemalloc", LIBRARIES / "libjemalloc.so.2", "libjemalloc2"),
    Column("tcmalloc", LIBRARIES / "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
    Column("tbbmalloc", LIBRARIES / "libtbbmalloc_proxy.so.2", "libtbbmalloc2"),
]
BARE = Column("bare", None)


@dataclass
class Run:
    """What one run cost.  Sizes are in KiB, times in seconds; None where it was not looked at."""
    walls: list = field(default_factory=list)  # of each start
    user: float = 0
    system: float = 0
    peak: int = 0
    minor: int = 0
    major: int = 0
    start: int | None = None  # resident before the first allocation
    live: int | None = None   # allocated when the work was over
    rollup: dict = field(default_factory=dict)  # smaps_rollup when it has waited
    idle_time: float | None = None  # used by the processor while it waited
    output: str = ""

    @property
    def wall(self):
        return sum(self.walls)

    @property
    def time(self):
        return self.user + self.system

    @property
    def held(self):
        """What the idle process keeps beyond its start and its live bytes."""
        return None if self.live is None else self.rollup["Rss"] - self.start - self.live


def find(program):
    """The path of a program of Debian's, or None."""
    return shutil.which(program, path=PROGRAM_PATH)


def compile_workloads():
    """Compile each C file here into build/bench, where it is newer than its program."""
    here = pathlib.Path(__file__).parent
    shared = max(p.stat().st_mtime for p in (here / "bench.h", here / "measure.py"))
    for source in sorted(here.glob("*.c")):
        program = BUILD / source.stem
        if program.exists() and program.stat().st_mtime > max(shared, source.stat().st_mtime):
            continue
        static = ["-static"] if source.stem == "launch" else []
        done = subprocess.run(["cc", *FLAGS, *static, "-o", program, source])
        if done.returncode != 0:
            raise Failure(f"cannot compile {source.name}")


def read_rollup(pid):
    """The sums of /proc/PID/smaps_rollup in KiB."""
    sums = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        sums[name.rstrip(":")] = int(value)
    return sums


def processor_seconds(pid):
    """What the threads of `pid` have used so far, to the clock tick."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def look(pid, idle_seconds):
    """(smaps_rollup of `pid` after `idle_seconds`, the processor time that it used meanwhile)."""
    before = processor_seconds(pid)
    time.sleep(idle_seconds)
    return read_rollup(pid), processor_seconds(pid) - before


def read_launch(lines, run, waited):
    """Add up what launch wrote, a line for each start."""
    for line in lines.splitlines():
        wall, user, system, peak, minor, major, status = (int(word) for word in line.split())
        if status != 0:
            raise Failure(f"ended with status {status}")
        run.walls.append(wall / 1e9 - waited)
        run.user += user / 1e6
        run.system += system / 1e6
        run.peak = max(run.peak, peak)
        run.minor += minor
        run.major += major
    if not run.walls:
        raise Failure("did not start")


class Started:
    """A program whose work is over, and which waits then if it is one that does: a process that
    waits uses no processor, so that other runs can go on beside it.  `finish` ends it."""

    def __init__(self, row, column, idle_seconds=IDLE_SECONDS, env=()):
        self.row, self.run, self.seen, self.waits_since = row, Run(), None, 0
        self.directory = tempfile.TemporaryDirectory(dir=WORK)
        self.place = pathlib.Path(self.directory.name)
        self.output = open(self.place / "output", "w+b")
        self.errors = open(self.place / "errors", "w+b")
        self.talk, theirs = socket.socketpair()
        self.from_launch, to_python = os.pipe()
        environment = {**column.environment(), **dict(row.env), **dict(env)}
        if row.talks:
            environment["BENCH_FD"] = str(theirs.fileno())
        with open(row.stdin or os.devnull, "rb") as stdin:
            self.process = subprocess.Popen(
                [BUILD / "launch", str(to_python), str(row.times), *row.command], stdin=stdin,
                stdout=self.output, stderr=self.errors, env=environment, cwd=self.place,
                start_new_session=True, pass_fds=(to_python, theirs.fileno()))
        theirs.close()
        os.close(to_python)
        try:
            self.wait(idle_seconds)
        except BaseException as error:
            raise self.failure(error) from None

    def wait(self, idle_seconds):
        """Until the work is over; a program that waits then will be looked at."""
        if self.row.drive:
            self.run.output, pid = self.row.drive(self.place)
        elif not select.select([self.talk], [], [], self.row.seconds)[0]:
            raise Failure(f"took longer than {self.row.seconds} seconds")
        elif words := self.talk.recv(200).split():
            pid, self.run.start, live = (int(word) for word in words)
            self.run.live = live // 1024
        else:
            return  # it has ended
        self.waits_since = time.monotonic()
        self.seen = LOOKERS.submit(look, pid, idle_seconds)

    def ready(self):
        """Whether `finish` has nothing to wait for but the end of the process."""
        return self.seen is None or self.seen.done()

    def finish(self):
        """End it, and return the Run."""
        try:
            waited = 0
            if self.seen:
                self.run.rollup, self.run.idle_time = self.seen.result()
                waited = time.monotonic() - self.waits_since
                if self.row.stop:
                    self.row.stop(self.place)
                else:
                    self.talk.send(b"x")
            self.process.wait(RUN_SECONDS)
            with open(self.from_launch, closefd=False) as lines:
                read_launch(lines.read(), self.run, waited)
            self.output.seek(0)
            self.run.output += self.output.read().decode(errors="replace")
        except BaseException as error:
            raise self.failure(error) from None
        self.close()
        return self.run

    def failure(self, error):
        """Close, and return the error that is to be raised: with what the program said of it."""
        self.errors.seek(0)
        tail = self.errors.read().decode(errors="replace").strip().splitlines()[-1:]
        self.close()
        if isinstance(error, (Failure, OSError, subprocess.SubprocessError)):
            return Failure(": ".join([str(error), *tail]))
        return error

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.talk.close()
        os.close(self.from_launch)
        self.output.close()
        self.errors.close()
        self.directory.cleanup()


# Two threads that bind at the same time may write on one line of the trace.
BINDING = re.compile(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: \w+ symbol `malloc'")


def read_bindings(trace):
    """Who asked for malloc in a trace of LD_DEBUG=bindings: {file: files that answered}."""
    answers = {}
    with open(trace, errors="replace") as lines:
        for line in lines:
            for pair in BINDING.findall(line):
                asked, answered = map(os.path.realpath, pair)
                answers.setdefault(asked, set()).add(answered)
    return answers


def check_binding(row, column):
    """Run `row` once under the dynamic loader's eyes: every malloc in it must be the column's."""
    traces = WORK / "bindings"
    shutil.rmtree(traces, ignore_errors=True)
    traces.mkdir()
    run = Started(row, column, idle_seconds=0,
                  env=(("LD_DEBUG", "bindings"), ("LD_DEBUG_OUTPUT", str(traces / "of")))).finish()
    library, bound = os.path.realpath(column.library), False
    for answers in map(read_bindings, traces.iterdir()):
        answers.pop(library, None)
        for asked, answered in answers.items():
            # A program at a fixed address answers with its own jump table: look where that leads.
            strange = {file for file in answered - {library}
                       if answers.get(file, {file}) - {file} != {library}}
            if strange:
                raise Failure(f"did not bind: malloc of {asked} is that of {strange.pop()}")
            bound = True
    shutil.rmtree(traces)
    if not bound:
        raise Failure("did not bind: nothing in it asked for malloc")
    return run
