# tests/cli/prometheus_scrapes_what_is_served.sh -- Debian's Prometheus finds our figures, and the
# server gives them to nobody but those on this machine.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program keeps -g <<'C'
#include <stdlib.h>
#include <unistd.h>
static char *volatile kept[1000];
__attribute__((noinline)) void keep(int i) { kept[i] = malloc(4096); }
int main(void) {
  for (int i = 0; i < 1000; i++) keep(i);
  write(1, "ready\n", 6);
  sleep(600);
}
C
"$MIDDEN" run --quiet --option sample=1 -- ./keeps >ready &
started=$!
wait_for grep -q ready ready
pid=$(cat /proc/$started/task/$started/children | tr -d ' ')
started="$started $pid"

# free_port: one that nobody listens at.
free_port() { $python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
"$MIDDEN" export --listen 127.0.0.1:$port $pid 2>said.err &
server=$!
started="$started $server"
wait_for grep -q "http://127.0.0.1:$port/metrics has the figures" said.err

# get PATH [METHOD [ACCEPT]]: the status and the type in `head`, what is said in `body`.
cat >get.py <<'P'
import http.client, sys
path, method, accept, port = sys.argv[1:]
c = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
c.request(method, path, headers={"Accept": accept})
r = c.getresponse()
open("body", "wb").write(r.read())
print(r.status, r.getheader("Content-Type"))
P
get() { $python get.py "$1" "${2:-GET}" "${3:-*/*}" $port; }
open_metrics='application/openmetrics-text; version=1.0.0; charset=utf-8'
[ "$(get /metrics GET "$open_metrics,text/plain;q=0.5")" = "200 $open_metrics" ] || fail "no OpenMetrics"
[ "$(tail -n 1 body)" = '# EOF' ] || fail "there is no end"
$python - $pid <<'P' || fail "the strict parser refuses it"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = {f.name: f for f in parse(open("body").read())}
site = [s for s in families["midden_site_live_bytes"].samples if s.labels["function"] == "keep"]
assert [s.value for s in site] == [4096000] and site[0].labels["pid"] == sys.argv[1]
P
[ "$(get /metrics)" = '200 text/plain; version=0.0.4; charset=utf-8' ] || fail "no older text"
grep -q '^# TYPE midden_allocations_total counter$' body && ! grep -q '^# \(EOF\|UNIT\)' body ||
  fail "the older text is not the older"
$python -c 'from prometheus_client.parser import text_string_to_metric_families as parse
assert len(list(parse(open("body").read()))) > 10' || fail "the older parser refuses it"
[ "$(get / | cut -c1-3)" = 404 ] && [ "$(get /metrics/../etc | cut -c1-3)" = 404 ] ||
  fail "there is more than /metrics"
[ "$(get /metrics POST | cut -c1-3)" = 405 ] || fail "it may be posted to"
[ "$(get /metrics HEAD | cut -c1-3)" = 200 ] && [ ! -s body ] || fail "HEAD has a body"

# Loopback alone, and not for two.
$python - $port <<'P' || fail "it listens at more than 127.0.0.1"
import sys
listening = [l.split()[1] for f in ("/proc/net/tcp", "/proc/net/tcp6") for l in open(f)
             if l.split()[3] == "0A" and l.split()[1].endswith(":%04X" % int(sys.argv[1]))]
assert listening == ["0100007F:%04X" % int(sys.argv[1])], listening
P
run 1 timeout 20 "$MIDDEN" export --listen 127.0.0.1:$port
said err "midden: '127.0.0.1:$port' cannot be listened at: Address already in use"

# Prometheus itself.
own=$(free_port)
mkdir data
cat >prometheus.yml <<Y
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: midden
    static_configs: [{targets: ["127.0.0.1:$port"]}]
Y
prometheus --config.file=prometheus.yml --storage.tsdb.path=data \
  --web.listen-address=127.0.0.1:$own --log.level=warn >prometheus.log 2>&1 &
started="$started $!"
cat >ask.py <<'P'
import json, sys, urllib.request
try:
    ask = lambda path: json.load(urllib.request.urlopen("http://127.0.0.1:%s/api/v1/%s" % (sys.argv[1], path), timeout=20))["data"]
    target = ask("targets")["activeTargets"][0]
    found = ask("query?query=midden_live_bytes")["result"]
    site = ask("query?query=midden_site_live_bytes%7Bfunction=%22keep%22%7D")["result"]
except (OSError, IndexError):
    sys.exit(1)
print(target["health"], target["lastError"], found, site)
assert target["health"] == "up" and found[0]["metric"]["pid"] == sys.argv[2]
assert float(site[0]["value"][1]) == 4096000 <= float(found[0]["value"][1]) < 4300000
P
asked() { $python ask.py $own $pid >asked 2>&1; }
wait_for asked

# It ends by a signal, at once, and with success.
kill -TERM $server
status=0
wait $server || status=$?
[ $status -eq 0 ] || fail "it ended with $status"
