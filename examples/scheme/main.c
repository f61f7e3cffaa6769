// examples/scheme/main.c -- runs a file of Scheme on the collector of one's choice.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "scheme.h"

extern const char prelude[];

// ---- what a program can ask of its surroundings ----

PRIMITIVE_IN_C(main_print) {
  print(stdout, a[0].word, scheme.running->what);
  return scheme.root.unspecified;
}

PRIMITIVE_IN_C(main_die) {
  char text[300] = "";
  FILE *to = fmemopen(text, sizeof text - 1, "w");
  if (to != NULL) {
    if (kind_of(a[0].word) != STRING) fputs("an error that nothing handled: ", to);
    print(to, a[0].word, kind_of(a[0].word) != STRING);
    fclose(to);
  }
  die(text);
}

PRIMITIVE_IN_C(main_exit) { exit(n == 0 ? 0 : (int)need_index(a[0], 256)); }

PRIMITIVE_IN_C(main_seconds) { return flonum((double)clock() / CLOCKS_PER_SEC); }

PRIMITIVE_IN_C(main_collect) {
  midden_gc_collect(scheme.m, n == 1 && !is_true(a[0].word) ? MIDDEN_GC_MINOR : MIDDEN_GC_MAJOR);
  return scheme.root.unspecified;
}

PRIMITIVE_IN_C(main_collections) {
  midden_gc_stats stats;
  midden_gc_stats_read(scheme.gc, &stats);
  return fixnum((int64_t)(stats.minor + stats.major));
}

PRIMITIVE_IN_C(main_verify) {
  const char *wrong = midden_gc_verify(scheme.m);
  return wrong == NULL ? boolean(true) : string(wrong, strlen(wrong));
}

// clang-format off
const struct row system_rows[] = {
    ROW("display", 1, 1, main_print, false), ROW("write", 1, 1, main_print, true),
    ROW("%die", 1, 1, main_die), ROW("exit", 0, 1, main_exit), ROW("seconds", 0, 0, main_seconds),
    ROW("collect", 0, 1, main_collect),  // (collect #f): only what is young
    ROW("collections", 0, 0, main_collections), ROW("verify", 0, 0, main_verify),
    {.name = NULL},
};
// clang-format on

// ---- the command ----

// What changes here while a program runs is static, for a continuation brings back the stack.
__attribute__((noinline)) static void main_evaluate(value form) { eval(analyse(form, NULL), NULL); }

__attribute__((noinline)) static void main_run(void) {
  scheme.base = __builtin_frame_address(0);
  value form;
  while (read_next(&form)) main_evaluate(form);
}

static void main_run_text(const char *file, const char *text, size_t bytes) {
  scheme.text = (struct text){file, text, text + bytes, file != NULL};
  main_run();
}

static char *main_read_file(const char *name, size_t *bytes) {
  char *text = NULL;
  size_t room = 0;
  FILE *from = fopen(name, "r");
  ssize_t got = from == NULL ? -1 : getdelim(&text, &room, '\0', from);
  if (got < 0 && (from == NULL || ferror(from))) {
    perror(name);
    exit(2);
  }
  fclose(from);
  *bytes = got < 0 ? 0 : (size_t)got;
  return text;
}

static void main_measure_stack(void) {
  struct rlimit limit;
  size_t most = (size_t)64 << 20;
  if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < most) most = limit.rlim_cur;
  scheme.most_deep = (char *)__builtin_frame_address(0) - (most - SPARE);
  scheme.deepest = scheme.most_deep;
}

static void main_tell(void) {
  midden_gc_stats s;
  midden_gc_stats_read(scheme.gc, &s);
  fprintf(stderr, "%-12s  %8llu minor  %6llu major  %10.1f MiB allocated  %8.3f s stopped\n",
          midden_gc_collector(scheme.gc), (unsigned long long)s.minor, (unsigned long long)s.major,
          (double)s.allocated / (1 << 20), s.pause);
}

int main(int argc, char **argv) {
  const char *collector = NULL;
  bool tells = false;
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; at++) {
    if (strcmp(argv[at], "--stats") == 0)
      tells = true;
    else if (strcmp(argv[at], "--gc") == 0 && at + 1 < argc)
      collector = argv[++at];
    else
      break;
  }
  if (at != argc - 1) {
    fprintf(stderr, "usage: %s [--gc COLLECTOR] [--stats] FILE\n", argv[0]);
    return 2;
  }
  main_measure_stack();
  heap_open(collector);
  main_run_text(NULL, prelude, strlen(prelude));
  size_t bytes;
  char *text = main_read_file(argv[at], &bytes);
  main_run_text(argv[at], text, bytes);
  if (tells) main_tell();
  free(text);
  midden_gc_detach(scheme.m);
  midden_gc_close(scheme.gc);
  return ferror(stdout) || fflush(stdout) != 0;
}
