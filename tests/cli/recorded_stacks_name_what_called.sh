# tests/cli/recorded_stacks_name_what_called.sh -- record --stacks: each event with its whole stack,
# which trace shows by function, line and what was inlined, as far as the files tell.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# stack_of FUNCTION: the first stack of the table that has it, from there on, without figures.
stack_of() {
  awk -v name="$1" '
    / function, and what called it$/ { table = 1; next }
    !table { next }
    / % / { if (found) exit; sub(/.* %  *[0-9.]+ [A-Za-z]+  /, "") }
    { sub(/^ */, "") }
    $1 == name { found = 1 }
    found' out
}

# ---- functions and lines, and of inlined ones too ----

cat >chain.c <<'CODE'
#include <stdlib.h>
void *volatile kept;
static inline __attribute__((always_inline)) void in_between(int n) {
  kept = malloc(n);
}
__attribute__((noinline)) void innermost(int n) {
  in_between(n * 1000);
  __asm__ volatile("");
}
__attribute__((noinline)) void with_a_loop(int n) {
  for (int i = 0; i < n; i++) innermost(100);
  __asm__ volatile("");
}
int main(void) {
  with_a_loop(50);
  return 0;
}
CODE
cat >want <<'END_OF_WANT'
in_between  chain.c:4 (inlined)
innermost  chain.c:7
with_a_loop  chain.c:11
main  chain.c:15
END_OF_WANT
# The second has gaps between its segments.
for layout in -pie "-no-pie -Wl,-z,max-page-size=0x100000"; do
  # shellcheck disable=SC2086 # a word is a flag
  ${CC:-cc} -O2 -g -fno-builtin -fomit-frame-pointer $layout -o chain chain.c
  run 0 "$MIDDEN" record --stacks -o chain.midden -- ./chain
  not_said err "lost"
  run 0 "$MIDDEN" trace chain.midden
  stack_of in_between >got
  head -n 4 got >first
  diff want first || fail "not the stack of the program ($layout)"
  grep -q '^_start' got || fail "the stack does not reach the start of the program ($layout)"
done

# A file that was made anew says nothing about the program that ran.
cp chain.c changed.c && echo 'int more = 1;' >>changed.c
${CC:-cc} -O2 -g -fno-builtin -o chain changed.c
run 0 "$MIDDEN" trace chain.midden
not_said out "with_a_loop"
said out "chain+0x"

# Without debugging information by the symbol table; without that by module and offset.
${CC:-cc} -O2 -fno-builtin -o chain chain.c
run 0 "$MIDDEN" record --stacks -o chain.midden -- ./chain
run 0 "$MIDDEN" trace chain.midden
said out "with_a_loop chain+0x"
strip chain
run 0 "$MIDDEN" record --stacks -o chain.midden -- ./chain
run 0 "$MIDDEN" trace chain.midden
not_said out "with_a_loop"
said out "chain+0x"

# ---- C++ ----

cat >names.cc <<'CODE'
namespace town {
struct house {
  __attribute__((noinline)) int *build(int n) { int *p = new int[n]; __asm__ volatile(""); return p; }
};
template <typename T> __attribute__((noinline)) int *street(T n) {
  int *p = house().build((int)n);
  __asm__ volatile("");
  return p;
}
}
int main() {
  int *p = town::street<long>(70000);
  delete[] p;
  return 0;
}
CODE
${CXX:-c++} -O2 -g -fno-builtin -o names names.cc
run 0 "$MIDDEN" record --stacks -o names.midden -- ./names
run 0 "$MIDDEN" trace names.midden
said out "town::house::build names.cc:3"
said out "town::street<long> names.cc:6"

# ---- threads, a child, a signal's handler ----

program crowd -pthread <<'CODE'
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
void *volatile kept;
__attribute__((noinline)) void handled(int n) { kept = malloc(300000 + n); }
__attribute__((noinline)) void deep(int n) {
  if (n > 0) deep(n - 1);
  else kept = malloc(200000);
  __asm__ volatile("");
}
__attribute__((noinline)) void *body(void *p) {
  deep(3);
  kept = malloc(500000);
  return p;
}
__attribute__((noinline)) void in_child(void) { kept = malloc(700000); __asm__ volatile(""); }
int main(void) {
  pthread_t thread[4];
  signal(SIGUSR1, handled);
  for (int i = 0; i < 4; i++) pthread_create(&thread[i], 0, body, 0);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], 0);
  raise(SIGUSR1);
  if (fork() == 0) in_child(), _exit(0);
  wait(0);
  return 0;
}
CODE
run 0 "$MIDDEN" record --stacks -o crowd.midden -- ./crowd
run 0 "$MIDDEN" trace crowd.midden
[ "$(stack_of deep | grep -c '^deep ')" -eq 4 ] || fail "not four frames of a recursion"
stack_of deep | grep -q '^body ' || fail "what began the thread is not there"
stack_of handled | grep -q '^main ' || fail "what a signal interrupted is not there"
stack_of in_child | grep -q '^main ' || fail "the stack of a forked child is not there"

# ---- a library in the place of another ----

for i in 1 2; do
  echo "#include <stdlib.h>
    void *volatile kept_$i;
    void plugin_$i(void) { kept_$i = malloc(10000$i); __asm__ volatile(\"\"); }" >plugin.c
  ${CC:-cc} -O2 -shared -fPIC -fno-builtin -o plugin_$i.so plugin.c
done
program host -ldl <<'CODE'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  void *at[2];
  for (int i = 0; i < 20; i++) {
    char path[32], name[32];
    snprintf(path, sizeof path, "./plugin_%d.so", i % 2 + 1);
    snprintf(name, sizeof name, "plugin_%d", i % 2 + 1);
    void *handle = dlopen(path, RTLD_NOW);
    void (*plugin)(void) = dlsym(handle, name);
    plugin();
    at[i % 2] = (void *)plugin;
    dlclose(handle);
  }
  return at[0] != at[1];
}
CODE
run 0 "$MIDDEN" record --stacks -o host.midden -- ./host
run 0 "$MIDDEN" trace --csv host.csv host.midden
for i in 1 2; do
  [ "$(grep -c ",malloc,.*,10000$i,16,plugin_$i.so+" host.csv)" -eq 10 ] ||
    fail "the calls of plugin $i are not all its own"
done

# Without stacks a library that is gone again may not be known, but is never taken for another.
run 0 "$MIDDEN" record -o host.midden -- ./host
run 0 "$MIDDEN" trace --csv host.csv host.midden
[ "$(grep -c ",malloc,.*,10000[12],16," host.csv)" -eq 20 ] || fail "not all calls of the plugins"
! grep "100001,16,plugin_2\|100002,16,plugin_1" host.csv || fail "a plugin is taken for another"
