# tests/cli/a_crash_is_explained.sh -- run --diagnose-crash: what each fatal fault was about.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program crash -g -pthread <<'P'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define APART __attribute__((noinline))
struct node { struct node *next; int value[10]; };
static int odd(int n, volatile char *p);
APART static int even(int n, volatile char *p) {
  volatile char room[40];
  room[0] = n;
  return n == -1 ? *p : odd(n + 1, room) + 1;
}
APART static int odd(int n, volatile char *p) {
  volatile char room[40];
  room[0] = n;
  return n == -1 ? *p : even(n + 1, room) + 1;
}
APART static int down(int n) {
  volatile char room[100];
  room[n % 100] = n;
  return n == -1 ? room[3] : down(n + 1) + room[0];
}
APART static void large_array(void) { volatile char room[9 << 20]; room[0] = 1; }
APART static char *buffer(void) { return malloc(64 << 20); }
static struct node *volatile nil;
static char *volatile text = "abc", *volatile far = (char *)0x123456789000;
APART static void null(void) { nil->value[3] = 1; }
APART static void constant(void) { *text = 1; }
APART static void nowhere(void) { *far = 1; }
APART static void past(void) { text = buffer(); text[(64 << 20) + 100] = 1; }
APART static void twice(void) { char *p = malloc(50); free(p); free(p); }
APART static void freed(void) {
  struct node *p = malloc(sizeof *p);
  p->next = malloc(sizeof *p);
  free(p);
  memset(p, 0x5a, sizeof *p);
  ((volatile struct node *)p->next)->value[0] = 1;
}
APART static void divide(void) { volatile int zero = 0; printf("%d\n", 5 / zero); }
APART static void give_up(void) { abort(); }
static volatile int counted;
static void count(int sig) { counted++; }
static void leave(int sig) { _exit(3); }
static void again(int sig) { signal(sig, SIG_DFL); raise(sig); }
static void skip(int sig, siginfo_t *info, void *context) { exit(0); }
static void *in_thread(void *unused) { printf("%d\n", even(0, NULL)); return NULL; }
static void *nothing(void *unused) { return malloc(10); }
int main(int argc, char **argv) {
  const char *how = argv[1];
  pthread_t thread;
  for (int i = 0; i < 100; i++) (void)!malloc(100);
  if (!strcmp(how, "down")) printf("%d\n", down(0));
  if (!strcmp(how, "thread"))
    pthread_create(&thread, NULL, in_thread, NULL), pthread_join(thread, NULL);
  if (!strcmp(how, "array")) large_array();
  if (!strcmp(how, "null")) null();
  if (!strcmp(how, "constant")) constant();
  if (!strcmp(how, "nowhere")) nowhere();
  if (!strcmp(how, "past")) past();
  if (!strcmp(how, "twice")) twice();
  if (!strcmp(how, "freed")) freed();
  if (!strcmp(how, "divide")) divide();
  if (!strcmp(how, "abort")) give_up();
  if (!strcmp(how, "leave")) signal(SIGSEGV, leave), null();
  if (!strcmp(how, "again")) signal(SIGSEGV, again), null();
  if (!strcmp(how, "survive")) {
    struct sigaction act = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &act, NULL);
    null();
  }
  if (!strcmp(how, "threads"))
    for (int i = 0; i < 300; i++)
      pthread_create(&thread, NULL, nothing, NULL), pthread_join(thread, NULL);
  if (!strcmp(how, "child")) return system("./crash twice"), 0;
  if (!strcmp(how, "signals")) {
    signal(SIGUSR1, count);
    for (int i = 0; i < 1000; i++) raise(SIGUSR1);
    return counted == 1000 ? 5 : 6;
  }
  return 5;
}
P

check() { [ "$(json "$1" out.json)" = True ] || fail "not true: $1"; }
# crash STATUS HOW FUNCTION SENTENCE [OPTION]: these words are in the report, and in the JSON.
crash() {
  run $1 "$MIDDEN" run --diagnose-crash --json out.json ${5:+--option $5} -- ./crash $2
  said err "$4"
  check "j[0]['crash']['function'] in '$3'.split('|')"
  check "'$4' in j[0]['crash']['sentence']"
  check "j[0]['crash']['file'].endswith('crash.c') and j[0]['crash']['line'] > 0"
  check "any(f['function'] == 'main' for f in j[0]['crash']['stack']) or '$2' in ('down', 'thread')"
}
stack='[f["function"] for f in j[0]["findings"] if f["kind"] == "stack"]'

crash 139 down down "a recursion without end: down calls down"
check "$stack == ['down']"
crash 139 thread 'odd|even' "overflowed: it has"
check "$stack in (['odd'], ['even'])"
check '"even calls odd" in j[0]["crash"]["sentence"]'
crash 139 array large_array "overflowed: it has 8.0 MiB"
check "$stack == ['large_array']"
crash 139 null null "it used 0x14: NULL and an offset"
check "$stack == []"
crash 139 constant constant "read-only memory of"
crash 139 nowhere nowhere "it used 0x123456789000: memory that is not there"
crash 139 past past "bytes past the end of a live block of 64.0 MiB" hardened=1
check '"that buffer (crash.c:" in j[0]["crash"]["sentence"]'
crash 139 freed freed "a register points into a freed block of"
crash 136 divide divide "divided by zero"
crash 134 abort give_up "it called abort"
crash 134 twice twice "midden: double free at 0x"
crash 3 leave null "NULL and an offset"
crash 139 again null "NULL and an offset"

# What was handled and went well is nobody's concern; nor are other signals and threads.
for how in survive:0 threads:5 signals:5; do
  run ${how#*:} "$MIDDEN" run --diagnose-crash --json out.json -- ./crash ${how%:*}
  check 'j[0]["crash"] is None and j[0]["process"]["seen_last"]'
done
run 143 "$MIDDEN" run --diagnose-crash --json out.json -- sh -c 'kill $$'
check 'j[0]["crash"] is None'

# Of children, and without being asked, what libmidden said is known.
run 0 "$MIDDEN" run --json out.json -- ./crash child
check '[p["crash"]["sentence"][:19] for p in j if p["crash"]] == ["midden: double free"]'
