#!/usr/bin/python3.11
# tests/findings/programs.py -- real programs are not accused of leaks that memcheck does not see.
# SPDX-License-Identifier: MIT
"""programs.py NAME...: run real programs of Debian's by `midden run --json`.  What is called leaked
for certain must also be what Valgrind's memcheck calls definitely lost, and nothing may be called
growing beyond `possible`.  memcheck's answers are in memcheck/NAME.txt: the package's version, then a
site on each line, its innermost frames outside of the C library.

--memcheck instead writes these files anew, in minutes."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True
from check import HERE, Wrong, at_least, bare, sentence, told

LIBC = re.compile(r"(libc|libstdc\+\+|ld-linux-.*|vgpreload_.*|libmidden)\.so.*|$")
FRAMES = 4  # of a site: deeper than functions that wrap malloc
PLACED = {2: 0x400000, 3: 0x108000}  # by the type in its ELF header: where valgrind has a program

# ---- the programs --------------------------------------------------------------------------------

SQL = """CREATE TABLE item (id INTEGER PRIMARY KEY, shelf INTEGER, name TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
  INSERT INTO item SELECT i, i * 7919 % 1009, 'item ' || (i * 31337 % 65537) FROM n;
CREATE INDEX by_name ON item (name);
SELECT shelf, count(*), group_concat(name) FROM item GROUP BY shelf;
DELETE FROM item WHERE shelf % 3 = 0;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name AND a.id < b.id;
"""

PYTHON = """import collections, decimal, json, re, threading
words = [f'word{i * 7919 % 1009}' for i in range(20000)]
count = collections.Counter(words)
text = json.dumps({word: list(range(n)) for word, n in count.items()})
assert len(re.findall(r'"word[0-9]+"', json.dumps(json.loads(text)))) == len(count)
def work(out): out.append(sum(decimal.Decimal(i) / 7 for i in range(2000)))
sums = []
threads = [threading.Thread(target=work, args=(sums,)) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def sqlite3(run, place):
    (place / "questions.sql").write_text(SQL)
    run(["/usr/bin/sqlite3", "-batch", ":memory:", ".read questions.sql"])


def python(run, place):
    run(["/usr/bin/python3.11", "-c", PYTHON])


def python_malloc(run, place):
    run(["/usr/bin/env", "PYTHONMALLOC=malloc", "/usr/bin/python3.11", "-c", PYTHON])


def git(run, place):
    def git_does(*words):
        run(["/usr/bin/git", "-C", "tree", "-c", "user.name=A", "-c", "user.email=a@example.org",
             "-c", "gc.auto=0", *words])

    run(["/usr/bin/git", "init", "-q", "tree"])
    for i in range(4):
        for k in range(30):
            (place / "tree" / f"file{k}").write_text("".join(
                f"line {n} of {k}{' changed' * (n % 5 == i)}\n" for n in range(200)))
        git_does("add", ".")
        git_does("commit", "-q", "-m", f"change {i}")
    git_does("log", "-p", "--stat")
    git_does("blame", "file3")
    git_does("gc", "-q")
    git_does("fsck", "--full")


def gcc(run, place):
    parts = ["struct s { int a[9]; double d; struct s *next; };\n"]
    for i in range(40):
        cases = "".join(f"    case {k}: sum += s->a[i % {k + 2}]; s->d /= {i + 1}; break;\n"
                        for k in range(5))
        parts.append(f"int f{i}(struct s *s, int n) {{\n  int sum = n * {i};\n"
                     f"  for (int i = 0; i < n; i++) switch (i % 5) {{\n{cases}    }}\n"
                     "  return s->d > 0 ? sum : sum + 1;\n}\n")
    (place / "large.c").write_text("".join(parts))
    run(["/usr/bin/gcc", "-O2", "-c", "large.c"])


def redis(run, place):
    with open(place / "driver.sh", "w") as script:
        script.write("""cd "$1"
until [ "$(redis-cli -s socket ping 2>&1)" = PONG ]; do sleep 0.1; done
redis-benchmark -s socket -q -n 2000 -r 500 -P 4 -t set,get,lpush,lpop,sadd,hset,zadd >/dev/null
redis-cli -s socket shutdown nosave
""")
    driver = subprocess.Popen(["sh", "driver.sh", place], cwd=place)
    run(["/usr/bin/redis-server", "--port", "0", "--unixsocket", "socket", "--save", ""])
    if driver.wait() != 0:
        raise Wrong("redis-benchmark failed")


# Name: what runs it, and the Debian package.
PROGRAMS = {
    "redis": (redis, "redis-server"),
    "sqlite3": (sqlite3, "sqlite3"),
    "python": (python, "python3.11"),
    "python_malloc": (python_malloc, "python3.11"),
    "git": (git, "git"),
    "gcc": (gcc, "gcc-12"),
}


def version(package):
    return subprocess.run(["dpkg-query", "-W", package], text=True, capture_output=True).stdout


# ---- sites: "MODULE FUNCTION", or "MODULE +OFFSET" where no function is known --------------------


def site_of(frames):
    """The innermost frames (module, function) outside of the C library, the innermost first."""
    outside = [frame for frame in frames if not LIBC.fullmatch(frame[0])]
    return " < ".join(" ".join(frame) for frame in outside[:FRAMES]) or "?"


def memcheck_frame(frame):
    path, name = frame.findtext("obj") or "", frame.findtext("fn")
    if name:
        return os.path.basename(path), bare(name)
    offset = 0
    if path and ".so" not in path:
        offset = int(frame.findtext("ip"), 16) - PLACED[pathlib.Path(path).read_bytes()[16]]
    return os.path.basename(path), f"+{offset:#x}"


def our_frame(frame):
    module = os.path.basename(frame["module"])
    name = bare(frame["function"])
    return module, name.removeprefix(module) if name.startswith(module + "+0x") else name


def same_frame(ours, theirs, same_version):
    """Whether the two name one place.  An offset may be that of the call or of its end, and says
    nothing of another version of the program."""
    (module, name), (other_module, other) = ours.split(" ", 1), theirs.split(" ", 1)
    if module != other_module:
        return False
    if name.startswith("+0x") and other.startswith("+0x"):
        return not same_version or abs(int(name[1:], 16) - int(other[1:], 16)) <= 8
    return name == other


def same_site(ours, theirs, same_version):
    pairs = zip(ours.split(" < "), theirs.split(" < "))
    return "?" not in (ours, theirs) and all(same_frame(*pair, same_version) for pair in pairs)


def lost_by_memcheck(program):
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)

        def run(words):
            done = subprocess.run(["valgrind", "--leak-check=full", "--show-leak-kinds=definite",
                                   "--num-callers=30", "--trace-children=yes", "--xml=yes",
                                   f"--xml-file={place}/%p.xml", *words], cwd=place, text=True,
                                  env={**os.environ, "HOME": str(place)}, capture_output=True)
            if done.returncode != 0:
                raise Wrong(f"{words[0]} failed under valgrind: {done.stderr}")

        program(run, place)
        sites = set()
        for file in place.glob("*.xml"):
            with contextlib.suppress(xml.ParseError):  # of a process that called exec
                for error in xml.parse(file).getroot().findall("error"):
                    if error.findtext("kind") == "Leak_DefinitelyLost":
                        frames = error.find("stack").findall("frame")
                        sites.add(site_of([memcheck_frame(frame) for frame in frames]))
        return sites


# ---- the command ---------------------------------------------------------------------------------


def answers(name):
    return HERE / "memcheck" / f"{name}.txt"


def ask_memcheck(name):
    start = time.monotonic()
    program, package = PROGRAMS[name]
    sites = lost_by_memcheck(program)
    answers(name).write_text(version(package) + "".join(f"{site}\n" for site in sorted(sites)))
    print(f"{name}: {len(sites)} sites, {time.monotonic() - start:.0f} s")


def check(name):
    program, package = PROGRAMS[name]
    of_version, *known = answers(name).read_text().splitlines()
    same_version = of_version == version(package).strip()
    false = []
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)

        def run(words):
            for process in told(words, [], place):
                for finding in process["findings"]:
                    site = site_of([our_frame(frame) for frame in finding["stack"]])
                    leaked = finding["kind"] == "leaked" and at_least(finding, "certain")
                    growing = finding["kind"] == "growing" and at_least(finding, "likely")
                    # Of a block whose stack was not sampled only the fact can be compared.
                    excused = known if site == "?" else any(
                        same_site(site, lost, same_version) for lost in known)
                    if growing or leaked and not excused:
                        false.append(f"{process['process']['command']}: {sentence(finding)} ({site})")

        program(run, place)
    if false:
        raise Wrong("accused without reason: " + "; ".join(false))


def main():
    words = sys.argv[1:]
    names = [word for word in words if word != "--memcheck"] or list(PROGRAMS)
    wrong = 0
    for name in names:
        try:
            ask_memcheck(name) if "--memcheck" in words else check(name)
        except Wrong as why:
            wrong += 1
            print(f"{name}: {why}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
