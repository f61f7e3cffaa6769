# tests/cli/leaks_are_named_live_and_from_a_core.sh -- lost blocks by the line that allocated them.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# start PROGRAM [OPTION=VALUE]: run it on Midden until it says that it is ready; its number is $pid.
start() {
  rm -f ready
  MIDDEN_OPTIONS=${2:-} LD_PRELOAD="$LIBMIDDEN" "./$1" &
  pid=$!
  started="$started $pid"
  wait_for test -e ready
}

# groups FILE: "function kind,kind,kind confidence how" of each, the blocks direct, indirect, possible.
groups() {
  json '"\n".join(sorted("%s %d,%d,%d %s %s" % (g["function"] or g["name"], g["direct"]["blocks"],
    g["indirect"]["blocks"], g["possible"]["blocks"], g["confidence"], g["named_by"])
    for g in j["groups"]))' "$1"
}

# same FILE: it holds what is on standard input.
same() {
  cat >wanted
  groups "$1" | diff -u wanted - >differs || { cat differs >&2; fail "other groups"; }
}

program plants -O0 -g -lpthread <<'C'
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct node {
  struct node *next, *other;
  char room[80];
};
struct node *list, *kept_list;
char *middle;
__thread char *of_thread;
pthread_barrier_t up;

struct node *make(struct node *next, struct node *other) {
  struct node *n = calloc(1, sizeof *n);
  n->next = next;
  n->other = other;
  return n;
}

void lose_list(void) {
  for (int i = 0; i < 10; i++) {
    struct node *n = calloc(1, sizeof *n);
    n->next = list;
    list = n;
  }
  list = NULL;
}

void lose_ring(void) {
  struct node *first = calloc(1, sizeof *first), *last = first;
  for (int i = 0; i < 4; i++) last = last->next = make(NULL, NULL);
  last->next = first;
}

struct node *lose_tree(int depth) {
  struct node *n = calloc(1, sizeof *n);
  if (depth > 0) n->next = lose_tree(depth - 1), n->other = lose_tree(depth - 1);
  return n;
}

void keep_all(void) {
  for (int i = 0; i < 10; i++) kept_list = make(kept_list, NULL);
}

void keep_inside(void) { middle = (char *)calloc(1, 384) + 100; }

void *wait_in_thread(void *none) {
  char *volatile on_stack = strdup("on the stack of a thread");
  of_thread = strdup("in thread-local storage");
  pthread_barrier_wait(&up);
  for (;;) pause();
  return on_stack;
}

void wipe(void) {
  volatile char room[65536];
  memset((void *)room, 0, sizeof room);
}

int main(void) {
  pthread_t thread;
  lose_list();
  lose_ring();
  lose_tree(3);
  keep_all();
  keep_inside();
  pthread_barrier_init(&up, NULL, 2);
  pthread_create(&thread, NULL, wait_in_thread, NULL);
  pthread_barrier_wait(&up);
  wipe();
  close(open("ready", O_CREAT | O_WRONLY, 0600));
  for (;;) pause();
}
C

# The ring's first block and the others are of two lines: its leader may be any of them.
start plants
run 1 "$MIDDEN" leaks --json live.json $pid
groups live.json >all
grep -v ' 1,4,0 ' all >kept
grep -qx 'lose_list 1,9,0 certain stack' kept || fail "the list: $(cat kept)"
grep -qx 'lose_tree 1,14,0 certain stack' kept || fail "the tree: $(cat kept)"
grep -qx 'keep_inside 0,0,1 possible stack' kept || fail "the inside: $(cat kept)"
[ "$(wc -l <kept)" -eq 3 ] || fail "more than was planted: $(cat kept)"
[ "$(grep -cE '^(lose_ring|make) 1,4,0 certain stack$' all)" -eq 1 ] || fail "the ring: $(cat all)"
[ "$(json 'j["direct"]["blocks"], j["indirect"]["blocks"], j["possible"]["blocks"]' live.json)" = \
  "(3, 27, 1)" ] || fail "other sums"
[ "$(json 'j["pid"]' live.json)" -eq $pid ] || fail "another process"
line=$(grep -n 'calloc(1, sizeof \*n)' plants.c | sed -n 2s/:.*//p)
[ "$(json '[g["line"] for g in j["groups"] if g["function"] == "lose_list"][0]' live.json)" -eq \
  "$line" ] || fail "not line $line"
said out "lose_list plants.c:$line"
said out "Lost: 2.8 KiB in 30 blocks, 3 of them direct and 27 indirect"
said out "Possibly lost: 384 B in 1 block."
[ "$(awk '{ if (length($0) > most) most = length($0) } END { print most }' out)" -le 80 ] ||
  fail "it is wider than 80 columns"

# Every key is in its document.
for key in $(json '"\n".join(list(j) + list(j["groups"][0]))' live.json); do
  grep -q "\`\(groups\[\]\.\)*$key\`" "$source/docs/leaks.md" || fail "docs/leaks.md lacks $key"
done

# The process goes on, and its core says the same, its samples being in their file.
[ "$(cut -d' ' -f3 /proc/$pid/stat)" = S ] || fail "it does not run on"
gcore -o core $pid >gcore.out 2>&1 || fail "no core file"
kill -KILL $pid
run 1 "$MIDDEN" leaks --json core.json core.$pid
same core.json <all
[ "$(json 'j["pid"]' core.json)" = None ] || fail "a core file is no process"

# Without samples a block is named by its size.
start plants sample=0
run 1 "$MIDDEN" leaks --json size.json $pid
groups size.json >kept
grep -qx 'blocks of 96 B 3,27,0 certain size' kept || fail "not by its size: $(cat kept)"
said err "midden: no stacks are known"
[ "$(json 'j["direct"]["blocks"], j["indirect"]["blocks"]' size.json)" = "(3, 27)" ] ||
  fail "other sums without samples"
kill -KILL $pid

# A C++ object is named by its class then, in a stripped program too.
cat >shapes.cc <<'C'
#include <fcntl.h>
#include <unistd.h>
#include <string>

struct Shape {
  virtual ~Shape() {}
  virtual double area() { return 0; }
};
struct Named {
  virtual ~Named() {}
  std::string name = "a name that is too long for the string itself";
};
namespace plane {
struct Circle : Shape, Named {
  double radius = 1;
  double area() override { return radius; }
};
}  // namespace plane
Named *volatile second_base[30];
struct Counted {
  virtual ~Counted() {}
  long n[7];
};
Counted *volatile array;

__attribute__((noinline)) void lose() {
  for (int i = 0; i < 20; i++) new plane::Circle;
}
__attribute__((noinline)) void keep() {
  for (auto &held : second_base) held = new plane::Circle;
  array = new Counted[50];
}
__attribute__((noinline)) void wipe() {
  volatile char room[65536];
  for (auto &c : room) c = 0;
}

int main() {
  lose();
  keep();
  wipe();
  close(open("ready", O_CREAT | O_WRONLY, 0600));
  for (;;) pause();
}
C
${CXX:-c++} -O1 -w -s -o shapes shapes.cc
start shapes sample=0
run 1 "$MIDDEN" leaks --json type.json $pid
same type.json <<'G'
plane::Circle 20,20,0 certain type
G
kill -KILL $pid

# What is sampled thinly names what is not, and what lies in a coarser class as a thread's first.
program many -O0 -g <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
void lose_many(void) {
  for (int i = 0; i < 40000; i++) *(long *)memset(malloc(96), 0, 96) = i;
}
void lose_others(void) {
  for (int i = 0; i < 20000; i++) *(long *)memset(malloc(176), 0, 176) = i;
}
int main(void) {
  for (int i = 0; i < 3000000; i++) free(malloc(96));
  lose_many();
  lose_others();
  close(open("ready", O_CREAT | O_WRONLY, 0600));
  for (;;) pause();
}
C
start many
run 1 "$MIDDEN" leaks --json many.json $pid
# A vector register that nobody has used since may still refer to one of them.
groups many.json | sed 's/ 39999,/ 40000,/; s/ 19999,/ 20000,/' >lost
diff -u - lost <<'G' >differs || { cat differs >&2; fail "other groups"; }
lose_many 40000,0,0 certain stack
lose_others 20000,0,0 certain stack
G
[ "$(json 'max(g["sampled"] for g in j["groups"]) < 40000' many.json)" = True ] ||
  fail "all are sampled: nothing was shown"
kill -KILL $pid

# A library that was loaded later: its variables, and those of each thread, which lie in blocks.
cat >plugin.c <<'C'
#include <stdlib.h>
#include <string.h>
char *volatile of_all;
__thread char *volatile of_thread, *volatile room[1000];
void keep(void) {
  of_all = strdup("held by a library's variable");
  of_thread = strdup("held by a variable of a thread");
  room[999] = strdup("and far in there");
}
C
${CC:-cc} -O1 -g -shared -fPIC -o plugin.so plugin.c
program loads -O0 -g -lpthread <<'C'
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
void (*keep)(void);
pthread_barrier_t up;
void *work(void *none) {
  keep();
  pthread_barrier_wait(&up);
  for (;;) pause();
  return none;
}
int main(void) {
  pthread_t thread;
  void *library = dlopen("./plugin.so", RTLD_NOW);
  keep = (void (*)(void))dlsym(library, "keep");
  keep();
  pthread_barrier_init(&up, NULL, 2);
  pthread_create(&thread, NULL, work, NULL);
  pthread_barrier_wait(&up);
  close(open("ready", O_CREAT | O_WRONLY, 0600));
  for (;;) pause();
}
C
start loads
run 1 "$MIDDEN" leaks --json loads.json $pid
same loads.json <<'G'
keep 1,0,0 certain stack
G
kill -KILL $pid

# A program that frees what it has.
program tidy -O0 -g <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
void *volatile kept[100];
int main(void) {
  for (int i = 0; i < 100; i++) kept[i] = malloc(100 + i);
  for (int i = 0; i < 100; i += 2) free(kept[i]);
  close(open("ready", O_CREAT | O_WRONLY, 0600));
  for (;;) pause();
}
C
start tidy
run 0 "$MIDDEN" leaks $pid
said out "Nothing is lost."
