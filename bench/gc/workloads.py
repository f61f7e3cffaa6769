# bench/gc/workloads.py -- what is run, and how much of it.
# SPDX-License-Identifier: MIT
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    name: str
    program: str
    numbers: tuple
    quick: tuple
    title: str
    without: tuple = ("arena",)  # styles that cannot run it
    seconds: int = 300           # a run that takes longer has failed
    most_rounds: int = 100

    @property
    def serves(self):
        """Requests come on a schedule, and waiting for them is not work."""
        return self.program == "service"

    def runs(self, style):
        return style not in self.without

    def sized(self, quick):
        return self.quick if quick else self.numbers

    def probe(self, quick):
        """The numbers of a run that tells the live size."""
        numbers = self.sized(quick)
        return (*numbers[:2], 0) if self.serves else numbers


SERVICE_ROUNDS = 2  # each run is ten times as long as another's


def service(rate):
    return Workload(f"service-{rate}", "service", (10_000_000, rate, 10), (400_000, rate, 1),
                    "requests on a schedule beside objects in tables: OBJECTS RATE SECONDS",
                    most_rounds=SERVICE_ROUNDS)


WORKLOADS = [
    Workload("trees", "trees", (19,), (16,), "binary trees: DEPTH", ()),
    Workload("gcbench", "gcbench", (18,), (15,), "GCBench: DEPTH", ()),
    Workload("lru", "lru", (200_000, 20_000_000), (50_000, 2_000_000),
             "a cache, least recently used out first: ENTRIES STEPS"),
    Workload("arrays", "arrays", (64, 20_000), (16, 2_000), "large arrays: LIVE STEPS"),
    Workload("mutate", "mutate", (1_000_000, 20_000_000), (200_000, 2_000_000),
             "old objects that change: OBJECTS STEPS"),
    Workload("threads", "threads", (16, 6, 20_000), (8, 6, 4_000),
             "many threads that hand trees on: THREADS DEPTH STEPS", ("arena", "node")),
    service(10_000),
    service(15_000),
]
