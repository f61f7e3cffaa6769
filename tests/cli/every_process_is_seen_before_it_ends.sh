# tests/cli/every_process_is_seen_before_it_ends.sh -- whatever way it ends; and it always ends.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

check() { [ "$(json "$1" out.json)" = True ] || fail "not true: $1"; }
program ends -pthread <<'P'
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static char *kept;
static void hold(size_t mib) { kept = memset(malloc(mib << 20), 1, mib << 20); }
static void *forever(void *unused) { for (;;) free(malloc(100)); }
static void *leave(void *unused) { exit(7); }
static void *crash(void *unused) { *(volatile char *)8 = 1; return NULL; }
static void handler(int sig) { exit(7); }
int main(int argc, char **argv) {
  pthread_t thread;
  const char *how = argv[1];
  hold(20);
  if (!strcmp(how, "return")) return 7;
  if (!strcmp(how, "exit")) exit(7);
  if (!strcmp(how, "_exit")) _exit(7);
  if (!strcmp(how, "_Exit")) _Exit(7);
  if (!strcmp(how, "quick_exit")) quick_exit(7);
  if (!strcmp(how, "syscall")) syscall(SYS_exit_group, 7);
  if (!strcmp(how, "abort")) abort();
  if (!strcmp(how, "fault")) *(volatile char *)8 = 1;
  if (!strcmp(how, "kill")) kill(getpid(), SIGKILL);
  if (!strcmp(how, "term")) kill(getpid(), SIGTERM);
  if (!strcmp(how, "threads")) {
    for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, forever, NULL);
    usleep(20000);
    exit(7);
  }
  if (!strcmp(how, "by_thread")) pthread_create(&thread, NULL, leave, NULL), pause();
  if (!strcmp(how, "thread_fault")) pthread_create(&thread, NULL, crash, NULL), pause();
  if (!strcmp(how, "main_is_gone")) {
    pthread_create(&thread, NULL, forever, NULL);
    struct sigaction act = {.sa_handler = handler};
    sigaction(SIGALRM, &act, NULL);
    ualarm(300000, 0);
    pthread_exit(NULL);
  }
  if (!strcmp(how, "in_handler")) {
    struct sigaction act = {.sa_handler = handler};
    sigaction(SIGALRM, &act, NULL);
    ualarm(50000, 0);
    forever(NULL);
  }
  if (!strcmp(how, "exec")) execl("/bin/sh", "sh", "-c", "exit 7", NULL);
  return 1;
}
P

# The program itself.  Its figures are those of its end, not of some look before.
for how in return exit _exit _Exit quick_exit syscall threads by_thread in_handler \
  main_is_gone exec; do
  run 7 "$MIDDEN" run --quiet --json out.json -- ./ends $how
  [ ! -s err ] || fail "something was said of $how"
  check 'j[0]["process"]["seen_last"] and j[0]["process"]["exit"] == 7'
  [ $how = exec ] || check 'j[0]["memory"]["live"] >= 20 << 20'
done
for end in abort:134 fault:139 kill:137 term:143 thread_fault:139; do
  run ${end#*:} "$MIDDEN" run --quiet --json out.json -- ./ends ${end%:*}
  check 'j[0]["process"]["seen_last"] and j[0]["memory"]["live"] >= 20 << 20'
done

# Its children: all but those that die by a signal or by the kernel's own exit.
for how in return exit _exit _Exit quick_exit threads by_thread in_handler; do
  run 0 "$MIDDEN" run --quiet --json out.json -- sh -c "./ends $how; [ \$? = 7 ]"
  check 'len(j) == 2 and j[1]["process"]["seen_last"] and j[1]["memory"]["live"] >= 20 << 20'
done

# These are said to be unseen, and why.
for how in term:143 fault:139 syscall:7; do
  run 0 "$MIDDEN" run --json out.json -- sh -c "./ends ${how%:*}; [ \$? = ${how#*:} ]"
  check 'len(j) == 2 and j[0]["process"]["unseen"] is None and not j[1]["process"]["seen_last"]'
  check 'j[1]["process"]["unseen"].startswith("it ended without calling exit: a signal killed it")'
  said err "what 1 child process held at the end was not seen, since it ended by a signal"
done

# Not asked for, it does not happen; nor does it without the feed, or one that is kept.
for option in last_look=0 feed=0 feed=1; do
  run 7 "$MIDDEN" run --quiet --json out.json --option $option -- sh -c './ends exit; exit 7'
  check 'not any(p["process"]["seen_last"] for p in j[1:])'
done
run 7 "$MIDDEN" run --quiet --json out.json --option last_look=0 -- ./ends exit
check 'not j[0]["process"]["seen_last"]'
check 'j[0]["process"]["unseen"] == "the option last_look is 0"'

# A child that did nothing with the heap since it was forked holds what its parent does; one that
# did is looked at.
program forks <<'P'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
  void *volatile p = malloc(1000);
  for (int i = 0; i < 6; i++)
    if (fork() == 0) {
      for (int n = 0; i >= 3 && n < 100000; n++) p = malloc(n % 1000);
      _exit(0);
    }
  while (wait(NULL) > 0) continue;
  return 0;
}
P
run 0 "$MIDDEN" run --quiet --json out.json -- ./forks
check 'len(j) == 4 and all(p["process"]["seen_last"] for p in j)'

# Where the process cannot be asked, or cannot be traced, it ends all the same.
program odd <<'P'
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
  const char *how = argv[1];
  for (int i = 0; i < 10000; i++) (void)!malloc(100);
  if (!strcmp(how, "closed")) for (int fd = 0; fd < 1000; fd++) close(fd);
  if (!strcmp(how, "root") && chroot("/proc/self/fdinfo") != 0) return 1;
  if (!strcmp(how, "dumpable")) prctl(PR_SET_DUMPABLE, 0);
  if (!strcmp(how, "limit")) setrlimit(RLIMIT_AS, &(struct rlimit){1 << 20, 1 << 20});
  if (!strcmp(how, "filter")) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog all = {sizeof code / sizeof *code, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) != 0) return 2;
  }
  return 7;
}
P
for how in closed root dumpable limit filter; do
  [ $how != root ] || [ "$(id -u)" -eq 0 ] || continue
  run 7 "$MIDDEN" run --json out.json -- ./odd $how
  run 7 "$MIDDEN" run --quiet --json out.json -- sh -c "./odd $how; exit \$?"
done
run 7 sh -c "ulimit -v 60000; exec '$MIDDEN' run --quiet --json out.json -- ./ends exit"

# A set-uid child, in which libmidden is not.
cp /usr/bin/id id
[ "$(id -u)" -ne 0 ] || chown nobody id
chmod u+s id
run 7 "$MIDDEN" run --quiet --json out.json -- sh -c './id -u; exit 7'
check 'len(j) == 1 and j[0]["process"]["seen_last"]'
[ "$(id -u)" -ne 0 ] || [ "$(cat out)" = "$(id -u nobody)" ] || fail "it lost its rights"

# Traced by another already.
run 139 strace -f -o trace "$MIDDEN" run -- ./ends fault
said err "note: what the program held at its end was not seen: the kernel does not let it be traced"

# midden is killed while the program ends, or before: the program goes on and ends.
program slow <<'P'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void last(void) { FILE *f = fopen("gone", "w"); fputs("gone", f); fclose(f); }
int main(void) {
  atexit(last);
  FILE *f = fopen("ready", "w");
  fprintf(f, "%d\n", getpid());
  fclose(f);
  while (access("enough", F_OK) != 0) usleep(10000);
  return 0;
}
P
"$MIDDEN" run --quiet -- ./slow &
midden=$!
started="$started $midden"
wait_for test -s ready
kill -KILL $midden
wait $midden || :
touch enough
wait_for test -s gone
ended() { ! kill -0 "$(cat ready)" 2>/dev/null; }
wait_for ended

# Those who live on after the run are not held up, and the bell is gone.
run 0 "$MIDDEN" run --quiet -- sh -c 'rm -f ready gone enough; ./slow & exit 0'
wait_for test -s ready
touch enough
wait_for ended
run 0 "$MIDDEN" run --quiet -- true
[ "$(find midden -name '*.bell' | wc -l)" -eq 0 ] || fail "a bell was left behind"
[ "$(find midden -name '*.feed' | wc -l)" -le 2 ] || fail "feeds were left behind"
