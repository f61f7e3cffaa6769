# tests/cli/a_program_tells_where_its_requests_end.sh -- what one allocates is in every report.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# Threads that answer, one that never allocates, and a start-up that is of no request.
program service -g -pthread <<'C'
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((weak)) void midden_request_end(void);
enum { THREADS = 3, ANSWERS = 3000, EMPTY = 1000, BLOCKS = 14, CHILDS = 10 };
static void *volatile kept[5000];
static pthread_barrier_t begin;
static _Atomic size_t bytes;
static void end(void) { if (midden_request_end) midden_request_end(); }
__attribute__((noinline)) static void *make(size_t n) { return malloc(n); }
static void answer(unsigned n) {
  void *p[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) p[i] = make(i > 0 ? 100 : n % 16 == 0 ? 300000 : 1000);
  for (int i = 0; i < BLOCKS; i++) bytes += malloc_usable_size(p[i]), free(p[i]);
}
static void *serve(void *unused) {
  free(make(1));  // a heap of its own, before the first request
  pthread_barrier_wait(&begin);
  pthread_barrier_wait(&begin);
  for (unsigned i = 0; i < ANSWERS; i++) answer(i), end();
  return unused;
}
static void *idle(void *unused) {
  pthread_barrier_wait(&begin);
  pthread_barrier_wait(&begin);
  for (unsigned i = 0; i < EMPTY; i++) end();
  return unused;
}
int main(int argc, char **argv) {
  pthread_t thread[THREADS + 1];
  for (int i = 0; i < 5000; i++) kept[i] = malloc(3000);
  if (argc > 1) {  // a child goes on from what its parent has counted
    answer(0), end(), bytes = 0;
    for (int i = 0; i < CHILDS; i++) answer(0), end();
    fork();
    for (int i = 0; i < CHILDS; i++) answer(0), end();
    exit(0);
  }
  pthread_barrier_init(&begin, NULL, THREADS + 2);
  for (int i = 0; i <= THREADS; i++) pthread_create(&thread[i], NULL, i < THREADS ? serve : idle, NULL);
  pthread_barrier_wait(&begin);
  answer(0), end();
  bytes = 0;
  pthread_barrier_wait(&begin);
  for (int i = 0; i <= THREADS; i++) pthread_join(thread[i], NULL);
  char line[32];
  (void)!write(1, line, (size_t)snprintf(line, sizeof line, "%zu", (size_t)bytes));
  exit(0);
}
C

run 0 ./service  # without Midden it runs as well
run 0 "$MIDDEN" run --option sample=1 --json run.json --report run.txt -- ./service
$python - "$(cat out)" <<'P' || fail "the figures are not those of the program"
import json, math, re, sys
run, = json.load(open("run.json"))
a, seconds = run["activity"], run["process"]["wall_seconds"]
assert a["requests"] == 1 + 3 * 3000 + 1000, a
assert math.isclose(a["blocks_per_request"], 3 * 3000 * 14 / 10000), a
assert math.isclose(a["bytes_per_request"], int(sys.argv[1]) / 10000), a
assert math.isclose(a["requests_per_second"], a["requests"] / seconds, rel_tol=1e-6), a
text = re.sub(r"\s+", " ", open("run.txt").read())
assert re.search(r" requests 10\.0 k, [0-9.]+( [kM])?/s on average; each allocates 13 blocks, ", text)
for kind in "churn", "temporary":
    found = [f["what"] for f in run["findings"] if f["kind"] == kind and f["function"] == "make"]
    each = re.search(r", ([0-9]+) a request", found[0])  # 12.6 is the truth, of samples an estimate
    assert len(found) == 1 and 11 <= int(each[1]) <= 13, (kind, run["findings"])
P
run 0 "$MIDDEN" export last --openmetrics metrics.txt
grep -q '^midden_requests_total{.*} 10001$' metrics.txt || fail "no metric of it"

run 0 "$MIDDEN" run --quiet --json forked.json -- ./service fork
$python - <<'P' || fail "a forked child has other figures"
import json
for process in json.load(open("forked.json")):
    a = process["activity"]
    assert a["requests"] == 21 and a["blocks_per_request"] == 14, a
P

# Nothing is said of what the program does not tell; of one request no average.
program silent <<'C'
int main(int argc, char **argv) {
  __attribute__((weak)) extern void midden_request_end(void);
  if (argc > 1) midden_request_end();
  return 0;
}
C
run 0 "$MIDDEN" run --json none.json -- ./silent
! grep -q '^  requests ' err || fail "requests that nobody told of"
run 0 "$MIDDEN" run --json one.json -- ./silent 1
grep -q '^  requests  *1, .*average$' err || fail "the only request has another line"
$python - <<'P' || fail "the figures of none or one"
import json
for name, requests in ("none", 0), ("one", 1):
    a = json.load(open(name + ".json"))[0]["activity"]
    assert (a["requests"], a["blocks_per_request"], a["bytes_per_request"]) == (requests, None, None), a
P
