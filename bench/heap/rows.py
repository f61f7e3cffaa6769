# bench/heap/rows.py -- what is run: our own workloads, and real programs on fixed inputs.
# SPDX-License-Identifier: MIT
"""A row is a command and how to run it.  Inputs that would be long are made here, from the same few
rules every time, into build/bench/work."""

import pathlib
import subprocess
import time
from dataclasses import dataclass
from typing import Callable

from measure import BUILD, RUN_SECONDS, WORK, Failure, find

INPUTS = pathlib.Path(__file__).parent / "inputs"


@dataclass(frozen=True)
class Row:
    name: str
    group: str  # ours or real
    command: tuple
    idle: bool = False   # what it holds when idle is judged
    talks: bool = False  # says when its work is over, and waits
    times: int = 1       # starts in a run
    stdin: pathlib.Path | None = None
    env: tuple = ()
    seconds: int = RUN_SECONDS  # a run that takes longer has failed
    needs: tuple = ()    # programs of PROGRAMS without which it cannot run
    drive: Callable | None = None  # does the work from outside: (directory) -> (result, process id)
    stop: Callable | None = None   # ends what `drive` has left waiting: (directory)


# Name, program, variant, idle.
OURS = [
    ("pairs-stack", "pairs", "stack", False),
    ("pairs-queue", "pairs", "queue", False),
    ("sessions", "sessions", None, False),
    ("handoff", "handoff", None, False),
    ("threads", "threads", None, False),
    ("trees", "trees", None, False),
    ("strings", "strings", None, False),
    ("interpreter", "interpreter", None, False),
    ("sharing-active", "sharing", "active", False),
    ("sharing-passive", "sharing", "passive", False),
    ("big", "big", None, True),
    ("leftovers", "leftovers", None, True),
    ("sparse", "sparse", None, True),
]

# Programs that the real rows need, and the Debian packages that have them.
PROGRAMS = {
    "redis-server": "redis-server", "redis-benchmark": "redis-tools", "redis-cli": "redis-tools",
    "sqlite3": "sqlite3", "python3.11": "python3", "lua5.4": "lua5.4", "perl": "perl",
    "gcc": "gcc", "clang++": "clang", "z3": "z3", "gs": "ghostscript",
}


def our_rows(percent):
    rows = []
    for name, program, variant, idle in OURS:
        words = [variant] if variant else []
        rows.append(Row(name, "ours", (str(BUILD / program), *words, str(percent)), idle, True))
    starts = max(20, 2 * percent)
    rows.append(Row("start", "ours", (str(BUILD / "start"),), times=starts))
    return rows


# --- inputs -----------------------------------------------------------------------------------------


def make(name, text):
    path = WORK / name
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def c_source(functions):
    """Functions with loops, switches, structs and calls of one another."""
    parts = ["#include <stddef.h>\n#include <stdint.h>\n"
             "struct item { int kind; uint64_t value[8]; struct item *next; };\n"]
    for i in range(functions):
        cases = "".join(f"      case {k}: sum += item->value[{(i + k) % 8}] * {i * 31 + k + 1}u; "
                        f"{'break;' if (i + k) % 3 else ''}\n" for k in range(12))
        earlier = f"f{i - 1 - i * 7 % min(i, 5)}(item->next, sum)" if i else "sum"
        parts.append(f"""
uint64_t f{i}(struct item *item, uint64_t sum) {{
  uint64_t table[{16 + i % 16}] = {{0}};
  for (; item != NULL; item = item->next) {{
    switch (item->kind) {{
{cases}      default: sum ^= sum << {1 + i % 31};
    }}
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {{
      table[k] += (sum >> (k & 31)) * item->value[k & 7];
      if (table[k] % {i + 3} == {i % 3}) sum -= table[k];
    }}
    if (sum % {i + 2} == 0) return {earlier} + table[sum % {16 + i % 16}];
  }}
  return sum;
}}
""")
    return "".join(parts)


def cxx_source(classes):
    """Classes that use the standard library's templates, each with types of its own."""
    parts = ["#include <algorithm>\n#include <map>\n#include <memory>\n#include <numeric>\n"
             "#include <string>\n#include <unordered_map>\n#include <vector>\n"]
    for i in range(classes):
        parts.append(f"""
struct T{i} {{
  std::string name;
  std::vector<std::pair<int, std::string>> parts;
  std::unique_ptr<T{i}> next;
  bool operator<(const T{i} &other) const {{ return name < other.name; }}
}};
int run{i}(const std::vector<std::string> &words) {{
  std::map<std::string, T{i}> sorted;
  std::unordered_map<std::string, std::vector<T{i} *>> found;
  for (const auto &word : words) {{
    auto &t = sorted[word + "{i}"];
    t.name = word.substr(0, {i % 7 + 1});
    t.parts.emplace_back({i}, word);
    found[t.name].push_back(&t);
  }}
  std::vector<T{i}> all;
  for (auto &[key, t] : sorted) all.push_back(std::move(t));
  std::sort(all.begin(), all.end());
  return std::accumulate(all.begin(), all.end(), {i}, [](int sum, const T{i} &t) {{
    return sum + static_cast<int>(t.parts.size() + t.name.size());
  }});
}}
""")
    return "".join(parts)


def smt_problems(problems):
    """Small proofs with quantifiers, arithmetic and arrays.  Their course must not depend on where
    blocks lie in memory, as that of a long search for a model does."""
    parts = []
    for k in range(problems):
        step = k % 5 + 1
        parts.append(f"""(push)
(declare-fun f{k} (Int) Int) (declare-const c{k} Int) (declare-const a{k} (Array Int Int))
(assert (forall ((x Int)) (! (= (f{k} (+ x 1)) (+ (f{k} x) {step})) :pattern ((f{k} x)))))
{" ".join(f"(assert (= (select a{k} {i}) (f{k} {i})))" for i in range(12))}
(assert (= (f{k} 0) c{k})) (assert (distinct (select a{k} 11) (+ c{k} {11 * step})))
(check-sat) (pop)
""")
    return "".join(parts)


# --- redis ------------------------------------------------------------------------------------------

REDIS = ("redis-server", "redis-benchmark", "redis-cli")
VALUE_BYTES = (16, 128, 1024, 8192)
KEYS = 10000
PIPELINE = 16


REDIS_SOCKET = "redis.socket"  # in the run's own directory, so that servers can wait side by side


def redis_say(directory, *words):
    done = subprocess.run([find("redis-cli"), "-s", REDIS_SOCKET, *words], cwd=directory,
                          capture_output=True, text=True, timeout=RUN_SECONDS)
    return done.stdout.strip()


def redis_ask(directory, test, value_bytes, requests):
    # A number that is not whole pipelines would leave the last one to chance.
    requests -= requests % PIPELINE
    subprocess.run([find("redis-benchmark"), "-s", REDIS_SOCKET, "-t", test, "-n", str(requests),
                    "-d", str(value_bytes), "-r", str(KEYS), "-c", "8", "-P", str(PIPELINE), "-q"],
                   cwd=directory, check=True, stdout=subprocess.DEVNULL, timeout=RUN_SECONDS)


def redis_drive(directory, test, requests):
    """Send `requests` of each size of value to the server."""
    for _ in range(200):
        if redis_say(directory, "ping") == "PONG":
            break
        time.sleep(0.02)
    else:
        raise Failure("does not answer")
    process = next(line.partition(":")[2] for line in redis_say(directory, "info").splitlines()
                   if line.startswith("process_id:"))
    for value_bytes in VALUE_BYTES:
        if test == "get":
            redis_ask(directory, "set", value_bytes, 2 * KEYS)
        redis_ask(directory, test, value_bytes, requests)
    size = int(redis_say(directory, "dbsize"))
    full = KEYS * (1 if test != "lpush" else 0)
    if size < full * 0.8:
        raise Failure(f"holds {size} keys, not about {full}")
    redis_say(directory, "config", "set", "hz", "1")  # so that it uses no processor while it waits
    return redis_say(directory, "llen", "mylist"), int(process)


def redis_row(test, requests):
    server = (find(REDIS[0]), "--port", "0", "--unixsocket", REDIS_SOCKET, "--save", "",
              "--appendonly", "no", "--logfile", "/dev/null")
    return Row("redis-" + test, "real", server, needs=REDIS,
               drive=lambda directory: redis_drive(directory, test, requests),
               stop=lambda directory: redis_say(directory, "shutdown", "nosave"))


# --- real programs ----------------------------------------------------------------------------------


def real_rows(percent):
    def part(full):
        return str(max(1, full * percent // 100))

    def script(name):
        return str(INPUTS / name)

    c = make("large.c", c_source(int(part(180))))
    cxx = make("large.cc", cxx_source(int(part(6))))
    smt = make("proofs.smt2", smt_problems(int(part(2500))))
    def row(name, program, *words, **more):
        return Row(name, "real", (find(program), *words), needs=(program,), **more)

    return [
        redis_row("set", int(part(150000))),
        redis_row("get", int(part(150000))),
        redis_row("lpush", int(part(25000))),
        row("sqlite3", "sqlite3", "-init", "/dev/null", "-cmd", "pragma temp_store=memory",
            "-cmd", ".param set :rows " + part(150000), ":memory:", stdin=INPUTS / "rows.sql"),
        row("python", "python3.11", script("words.py"), part(40),
            env=(("PYTHONMALLOC", "malloc"), ("PYTHONHASHSEED", "0"))),
        row("lua", "lua5.4", script("words.lua"), part(120)),
        row("perl", "perl", script("words.pl"), part(60), env=(("PERL_HASH_SEED", "0"),)),
        row("gcc", "gcc", "-O2", "-c", "-o", str(WORK / "gcc.o"), str(c)),
        row("clang++", "clang++", "-std=c++17", "-O2", "-c", "-o", str(WORK / "clang.o"),
            str(cxx)),
        row("z3", "z3", str(smt)),
        row("gs", "gs", "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=ppmraw", "-r100",
            "-sOutputFile=/dev/null", "-dPages=" + part(14), script("pages.ps")),
    ]
