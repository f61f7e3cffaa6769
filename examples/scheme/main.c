// examples/scheme/main.c -- runs a file of Scheme on the collector of one's choice.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <sys/resource.h>

#include "scheme.h"

extern const char prelude[];

PRIMITIVE_IN_C(main_print) {
  print(stdout, a[0].word, scheme.running->what);
  return scheme.root.unspecified;
}

PRIMITIVE_IN_C(main_die) {
  char text[300];
  value v = need(a[0], STRING);
  snprintf(text, sizeof text, "%.*s", (int)count_of(v), AS(string, v)->text);
  die(text);
}

PRIMITIVE_IN_C(main_exit) { exit(n == 0 ? 0 : (int)need_index(a[0], 256)); }

// (collect #f): only what is young.
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
    ROW("%die", 1, 1, main_die), ROW("exit", 0, 1, main_exit), ROW("collect", 0, 1, main_collect),
    ROW("collections", 0, 0, main_collections), ROW("verify", 0, 0, main_verify), {.name = NULL},
};
// clang-format on

// What changes here while a program runs is static, for a continuation brings back the stack.
__attribute__((noinline)) static void main_evaluate(value form) { eval(analyse(form, NULL), NULL); }

__attribute__((noinline)) static void main_run(const char *file, const char *text) {
  scheme.file = file;
  scheme.text = text;
  scheme.text_line = file != NULL;
  scheme.base = __builtin_frame_address(0);
  value form;
  while (read_next(&form)) main_evaluate(form);
}

static char *main_read_file(const char *name) {
  char *text = strdup("");
  size_t room = 1;
  FILE *from = fopen(name, "r");
  if (from == NULL || (getdelim(&text, &room, '\0', from) < 0 && ferror(from))) {
    perror(name);
    exit(2);
  }
  fclose(from);
  return text;
}

static void main_measure_stack(void) {
  struct rlimit limit;
  size_t most = (size_t)64 << 20;
  if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < most) most = limit.rlim_cur;
  scheme.most_deep = (char *)__builtin_frame_address(0) - (most - SPARE);
  scheme.deepest = scheme.most_deep;
}

int main(int argc, char **argv) {
  const char *collector = argc == 4 && strcmp(argv[1], "--gc") == 0 ? argv[2] : NULL;
  if (argc != 2 && collector == NULL) {
    fprintf(stderr, "usage: %s [--gc COLLECTOR] FILE\n", argv[0]);
    return 2;
  }
  main_measure_stack();
  heap_open(collector);
  main_run(NULL, prelude);
  char *text = main_read_file(argv[argc - 1]);
  main_run(argv[argc - 1], text);
  free(text);
  midden_gc_detach(scheme.m);
  midden_gc_close(scheme.gc);
  return ferror(stdout) || fflush(stdout) != 0;
}
