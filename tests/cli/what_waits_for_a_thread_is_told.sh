# tests/cli/what_waits_for_a_thread_is_told.sh -- a thread fills a table and then sleeps; what another
# frees of it waits for that thread, which is named.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

program table -g -pthread <<'P'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { ROWS = 40000 };
static char *table[ROWS];
static pthread_barrier_t full;
__attribute__((noinline)) char *make_row(int n) {
  char *row = malloc(200);
  memset(row, n, 200);
  return row;
}
static void *load(void *unused) {
  for (int i = 0; i < ROWS; i++) table[i] = make_row(i);
  pthread_barrier_wait(&full);
  for (;;) pause();
}
int main(void) {
  pthread_t loader;
  pthread_barrier_init(&full, NULL, 2);
  pthread_create(&loader, NULL, load, NULL);
  pthread_setname_np(loader, "loader");
  pthread_barrier_wait(&full);
  for (int i = 0; i < ROWS; i += 2) free(table[i]);
  sleep(2);
  return 0;
}
P
run 0 "$MIDDEN" run --json out.json ./table
said err "remote-free: make_row"
said err "(loader), which last came for memory"
waits=$(json 'next(f["what"] for f in j[0]["findings"] if f["kind"] == "remote-free")' out.json)
case $waits in *"; 3."*" MiB of freed blocks of these sizes wait for thread "*) ;;
*) fail "other memory waits: $waits" ;; esac
