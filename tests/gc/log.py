# tests/gc/log.py -- reads a log of collections, ours or the JVM's, by the rules of those who read
# the JVM's, and holds two of them against each other.
# SPDX-License-Identifier: MIT
#
#   log.py OURS JAVAS
#   log.py OURS           of a collector without generations
#
# The rules are those of GCViewer (DataReaderUnifiedJvmLogging, AbstractGCEvent) and of Microsoft's
# gctoolkit (UnifiedGenerationalPatterns), neither of which Debian has: an event is taken only if
# its whole name, cause and all, is one of Java's; pools are known by the names of Serial's.
import re
import sys

LINE = re.compile(r"\[(\d+\.\d{3})s\]\[(\w+) *\]\[([\w,]+) *\] (.*)")
EVENT = re.compile(r"GC\((\d+)\) ([A-Za-z \-.:()]+?) (\d+)([BKMG])->(\d+)([BKMG])\((\d+)([BKMG])\) "
                   r"(\d+\.\d{3})ms$")
POOL = re.compile(r"(\w+): (\d+)K\((\d+)K\)->(\d+)K\((\d+)K\)")
CPU = re.compile(r"GC\((\d+)\) User=(\d+\.\d\d)s Sys=(\d+\.\d\d)s Real=(\d+\.\d\d)s$")
AGE = re.compile(r"GC\((\d+)\) Desired survivor size (\d+) bytes, new threshold (\d+) "
                 r"\(max threshold (\d+)\)$")
AGES = re.compile(r"GC\((\d+)\) - age +(\d+): +(\d+) bytes, +(\d+) total$")
NAMES = {"Pause Young (Allocation Failure)", "Pause Full (Allocation Failure)",
         "Pause Full (System.gc())", "Pause Full (Ergonomics)"}
UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def check(true, *words):
    if not true:
        sys.exit("log.py: " + " ".join(str(word) for word in words))


class Collection:
    def __init__(self):
        self.pools, self.ages = {}, []
        self.start = self.event = self.cpu = self.threshold = None


class Log:
    def __init__(self, path):
        self.path, self.collector, self.of, self.own = path, None, {}, []
        last = 0
        for number, line in enumerate(open(path), 1):
            match = LINE.match(line.rstrip("\n"))
            check(match, f"{path}:{number}: no line of a log: {line!r}")
            uptime, level, tags, words = match.groups()
            # Lines of one collection are stamped with its start and its end.
            check(float(uptime) + 1e-9 >= last, f"{path}:{number}: time goes back")
            last = float(uptime)
            self.read(number, level, tags, words)

    def collection(self, number):
        return self.of.setdefault(int(number), Collection())

    def read(self, number, level, tags, words):
        where = f"{self.path}:{number}:"
        if words.startswith("Using "):
            self.collector = words[6:]
        elif tags == "gc,midden":
            self.own.append(words)
        elif tags == "gc,start":
            head = re.match(r"GC\((\d+)\) (.*)", words)
            self.collection(head[1]).start = head[2]
        elif tags == "gc":
            match = EVENT.match(words)
            check(match, where, "no event:", words)
            check(match[2] in NAMES, where, "no event of Java's:", match[2])
            sizes = [int(match[i]) * UNITS[match[i + 1]] for i in (3, 5, 7)]
            self.collection(match[1]).event = (match[2], *sizes, float(match[9]))
        elif tags == "gc,heap":
            pools = POOL.findall(words)
            check(pools and words.startswith("GC("), where, "no pools:", words)
            for name, *sizes in pools:
                self.collection(words[3:words.index(")")]).pools[name] = tuple(map(int, sizes))
        elif tags == "gc,cpu":
            match = CPU.match(words)
            check(match, where, "no times:", words)
            self.collection(match[1]).cpu = tuple(float(match[i]) for i in (2, 3, 4))
        elif tags == "gc,age" and "Desired" in words:
            match = AGE.match(words)
            check(match and level == "debug", where, "no threshold:", words)
            self.collection(match[1]).threshold = tuple(map(int, match.groups()[1:]))
        elif tags == "gc,age" and "- age" in words:
            match = AGES.match(words)
            check(match and level == "trace", where, "no age:", words)
            self.collection(match[1]).ages.append(tuple(map(int, match.groups()[1:])))


def plausible(log, number, c):
    where = f"{log.path}: collection {number}:"
    check(c.event is not None, where, "it has no end")
    name, before, after, total, pause = c.event
    check(c.start == name, where, "it began as", c.start, "and ended as", name)
    check(after <= total and before <= total + UNITS["M"], where, "more is used than there is")
    check(0 < pause < 60000, where, "a pause of", pause, "ms")
    for pool, (was, room, now, room_now) in c.pools.items():
        check(was <= room and now <= room_now, where, pool, "holds more than it can")
    check(c.cpu is not None and abs(c.cpu[2] - pause / 1000) < 0.011, where, "another Real time")
    if set(c.pools) == {"Tenured"} and log.alone:
        check(name.startswith("Pause Full"), where, name)
        return
    check(set(c.pools) == {"DefNew", "Eden", "From", "Tenured"}, where, "pools", *c.pools)
    eden, survivors, young = c.pools["Eden"], c.pools["From"], c.pools["DefNew"]
    check(eden[2] == 0, where, "Eden is not empty at the end")
    for i in range(4):
        check(abs(young[i] - eden[i] - survivors[i]) <= 2, where, "DefNew is not Eden and From")
    old = c.pools["Tenured"]
    for used, i in ((before, 0), (after, 2)):
        check(abs(used - 1024 * (young[i] + old[i])) <= 2 * UNITS["M"], where,
              "used is not DefNew and Tenured")
    if name.startswith("Pause Young"):
        check(c.threshold is not None, where, "no threshold")
        size, threshold, most = c.threshold
        check(1 <= threshold <= most == 15, where, "threshold", threshold)
    total = 0
    for age, amount, so_far in c.ages:
        total += amount
        check(1 <= age <= 15 and so_far == total, where, "ages do not add up")


def read(path, alone=False):
    log = Log(path)
    log.alone = alone
    check(log.collector == "Serial", path, "is of", log.collector)
    check(sorted(log.of) == list(range(len(log.of))), path, "collections are missing")
    for number, c in sorted(log.of.items()):
        plausible(log, number, c)
    names = [c.event[0] for c in log.of.values()]
    check(names.count("Pause Full (System.gc())") == 1, path, "not one System.gc()")
    if not alone:
        check(names.count("Pause Young (Allocation Failure)") >= 5, path, "few minor collections")
        check(any(c.ages for c in log.of.values()), path, "no ages")
    return log


if len(sys.argv) == 2:
    read(sys.argv[1], alone=True)
    sys.exit()
ours, javas = read(sys.argv[1]), read(sys.argv[2])
check(not javas.own and ours.own, "gc,midden is ours alone")
check({tuple(sorted(c.pools)) for c in ours.of.values()} ==
      {tuple(sorted(c.pools)) for c in javas.of.values()}, "other pools")
check(any(words.startswith("Pauses: %d, p50 " % len(ours.of)) for words in ours.own),
      "no percentiles at the end")
check(any(words.startswith("Mutator utilisation in 10ms: least ") for words in ours.own),
      "no utilisation at the end")
