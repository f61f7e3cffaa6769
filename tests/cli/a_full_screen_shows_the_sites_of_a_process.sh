# tests/cli/a_full_screen_shows_the_sites_of_a_process.sh -- midden top: figures, sites, keys, sizes.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/screen.inc"

program service -g <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((weak)) void midden_request_end(void);
static void *kept[1 << 20];
static size_t count;
__attribute__((noinline)) void cache_put(size_t bytes) {
  kept[count++] = memset(malloc(bytes), 1, bytes);
}
__attribute__((noinline)) void parse(size_t bytes) {
  for (int i = 0; i < 20; i++) free(memset(malloc(bytes), 1, bytes));
}
__attribute__((noinline)) void listener_add(void) { kept[count++] = malloc(64); }
__attribute__((noinline)) void handle(int i) {
  cache_put(2000 + i % 1000);
  parse(300);
  if (i % 10 == 0) listener_add();
}
int main(void) {
  for (int i = 0; i < 1 << 19; i++) {
    handle(i);
    if (midden_request_end) midden_request_end();
    usleep(2000);
  }
}
C
LD_PRELOAD="$LIBMIDDEN" ./service &
service=$!
started="$started $service"
is_listed() { "$MIDDEN" ps | grep -q "^ *$service "; }
wait_for is_listed

# Chosen from the list, which may have processes of other tests.
screen 80 24 "exec $MIDDEN top"
see "Processes on Midden"
press / "$service" Enter Enter
see_line "^service ($service) up .* RSS .* of .* \((machine\|cgroup)\)"
see_line '^live [0-9.]* [KM]iB   [0-9.]*.* alloc/s   [0-9]* % fragmented   1 thread '
see_line '^requests [0-9.]*.* [0-9.]* a second   2[12] blocks and [0-9.]* KiB each'
see_line '^live .*█ *[0-9.]* [KM]iB to [0-9.]* MiB'
see_line '^RSS .*█ '
see_line '^ *▼LIVE *+/h *RATE/s *N *TREND *SITE'
see_line '^ *[0-9.]* [KM]iB .* cache_put  .*service.c:8'
# It grows, and the table says so.
see_line '^ *[0-9.]* [KM]iB *+[0-9.]* [MG]iB .*▁.*█ *cache_put '
shown
[ "$(wc -L <out)" -le 80 ] || fail "a line is wider than the screen"
[ "$(sed -n '/▼LIVE/{n;p;}' out | grep -c cache_put)" -eq 1 ] || fail "the largest is not first"
press Escape
see "Processes on Midden"

# Every key does what the help says.
screen 80 24 "exec $MIDDEN top $service"
see cache_put
press '?'
see "search a function or file in the stacks, or a process"
press h Escape
see_line 'TREND *SITE'
press '>'
see_line '▼+/h'
press '<' '<'
see_line '▼LIVE'
press r
see_line '▲LIVE'
press r s
see "Sort by"
press j j Enter
see_line '▼RATE/s'
see_line '^ *[0-9.]* [KM]\{0,1\}i\{0,1\}B .* parse  .*service.c:11'
press f l i s t e n Enter
see "filter: listen"
see_no parse
press f C-h C-h C-h C-h C-h C-h Enter
see parse
press / c a c h e _ p u t Enter Enter
see "Stack, the innermost call first"
see_line '^  > cache_put  .*service.c:8'
see_line '^    handle  .*service.c:1[0-9]'
see_line 'live  *[0-9.]* MiB ± .* blocks ([0-9]* sampled)'
press PageDown
see "How long blocks lived"
press Escape / n o t h i n g Enter
see "no site has 'nothing' in its stack"
press Space
see PAUSED
press Space
see_no PAUSED
press -- - -
see "a look each 0.25 s"
press +
see "a look each 0.5 s"

# What is written is all of it, once.
press w
see "written: midden-$service-"
file=$(echo midden-$service-*.json)
[ "$(json 'j["process"]["pid"]' "$file")" = $service ] || fail "the snapshot is of another"
[ "$(json 'j["process"]["requests"] > 100 and 20 < j["process"]["blocks_per_request"] < 23' "$file")" = True ] ||
  fail "requests are not in the snapshot"
found='[s for s in j["sites"] if s["function"] == "cache_put"][0]'
[ "$(json "$found['line']" "$file")" = 8 ] || fail "cache_put is not in the snapshot"
[ "$(json "$found['live_bytes'] > 100000 and 'growth_per_hour' in $found" "$file")" = True ] ||
  fail "its figures are not in the snapshot"
[ "$(json "'handle' in [f['function'] for f in $found['stack']]" "$file")" = True ] ||
  fail "its stack is not in the snapshot"
said "$source/docs/top.md" growth_per_hour

# It takes the size that it gets, down to what is too small for anything.
for size in '40 10' '200 60' '30 6' '20 3' '5 2' '80 24'; do
  resize $size
  wait_for sh -c 'sleep 0.3'
  shown
  [ "$(wc -L <out)" -le "${size% *}" ] || fail "at $size a line is too wide"
  [ "${size% *}" -lt 40 ] || see cache_put
  [ "${size% *}" -lt 30 ] || see "service ($service)"
done
resize 200 60
see_line 'cache_put  .*service.c:8 ‹ handle ‹ main'
resize 40 10
see_line 'LIVE  *+/h  *SITE$'

# Only what changed is sent, four times a second at most.
screen 80 24 "$MIDDEN top $service; echo \"ended with \$?\""
see cache_put
on_tmux pipe-pane "cat >sent"
sleep 5
on_tmux pipe-pane
[ "$(wc -c <sent)" -gt 50 ] || fail "nothing was drawn in five looks"
[ "$(wc -c <sent)" -lt 8000 ] || fail "$(wc -c <sent) bytes were sent in five looks"

# When the process ends, what was last seen stays until q.
kill -KILL $service
see "The process has ended."
see "ENDED after"
see cache_put
press q
see "ended with 0"

# ASCII where the locale is no UTF-8; no colour where none is wanted.
LD_PRELOAD="$LIBMIDDEN" ./service &
service=$!
started="$started $service"
wait_for is_listed
colour=$(printf '\033\[[0-9;]*3[0-7]m')
screen 80 24 "exec env LC_ALL=C $MIDDEN top $service"
see_line '^ *vLIVE .* SITE'
see_line '^live .*# *[0-9.]* [KM]iB to '
! LC_ALL=C grep -q '[^ -~]' out || fail "there is more than ASCII in the C locale"
on_tmux capture-pane -pe >out
grep -q "$colour" out || fail "there is no colour"
screen 80 24 "exec env NO_COLOR=1 $MIDDEN top $service"
see_line '▼LIVE'
on_tmux capture-pane -pe >out
! grep -q "$colour" out || fail "there is colour in spite of NO_COLOR"
