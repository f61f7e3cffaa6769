// cli/graph.c -- `midden graph`: who holds the memory of a process, a core file or a snapshot.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "graph/hprof.h"
#include "graph/snapshot.h"
#include "graph/story.h"
#include "graph/take.h"
#include "graph/v8.h"

enum {  // places in the verb's table
  GRAPH_SITE,
  GRAPH_TO,
  GRAPH_DIFF,
  GRAPH_FINAL,
  GRAPH_OUT,
  GRAPH_HPROF,
  GRAPH_V8,
  GRAPH_JSON
};

struct graph_view {
  const char *of, *site, *to, *baseline, *final, *out, *hprof, *v8, *json;
  struct mid_graph graph, before, after;
  const char *no_stacks;  // NULL, or why no stack is known
};

static void graph_option(struct graph_view *v, int option, const char *value) {
  const char **const place[] = {
      [GRAPH_SITE] = &v->site,   [GRAPH_TO] = &v->to,    [GRAPH_DIFF] = &v->baseline,
      [GRAPH_FINAL] = &v->final, [GRAPH_OUT] = &v->out,  [GRAPH_HPROF] = &v->hprof,
      [GRAPH_V8] = &v->v8,       [GRAPH_JSON] = &v->json};
  *place[option] = value;
}

static void graph_arguments(struct graph_view *v, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  for (bool operand = false;; operand = true) {
    for (int option; (option = cli_args_next(&args)) >= 0;) graph_option(v, option, args.value);
    if (operand) break;
    if (args.at == argc)
      cli_die(CLI_USAGE,
              "a process, a core file or a snapshot is missing: "
              "midden graph [OPTION]... PID|CORE|FILE");
    v->of = argv[args.at++];
  }
  cli_args_end(&args);
  if (v->final != NULL && v->baseline == NULL)
    cli_die(CLI_USAGE, "--final compares with a baseline: give it with --diff FILE");
  const char *const written[] = {v->out, v->hprof, v->v8, v->json};
  for (size_t i = 0; i < sizeof written / sizeof *written; i++) cli_file_require(written[i]);
}

// ---- opening ------------------------------------------------------------------------------------

static FILE *graph_file(const char *name) {
  struct stat s;
  int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
  if (in == NULL) cli_die(CLI_FAILED, "'%s' cannot be opened: %s", name, strerror(errno));
  if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
    cli_die(CLI_FAILED, "'%s' is no plain file: give a process, a core file or a snapshot", name);
  return in;
}

static void graph_open_snapshot(const char *name, struct mid_graph *g) {
  FILE *in = graph_file(name);
  const char *wrong = mid_snapshot_read(in, g);
  fclose(in);
  if (wrong != NULL) cli_die(CLI_FAILED, "'%s' cannot be read: %s", name, wrong);
}

static void graph_take_target(struct graph_view *v, pid_t pid) {
  struct mid_target target;
  const char *wrong = pid != 0 ? mid_target_copy(pid, &target) : mid_target_core(v->of, &target);
  if (wrong == NULL) {
    wrong = mid_graph_take(&target, NULL, &v->graph, &v->no_stacks);
    if (wrong == NULL && target.incomplete != NULL)
      cli_say("'%s': %s; what it lacks holds nothing here", v->of, target.incomplete);
    mid_target_close(&target);
  }
  if (wrong != NULL && pid != 0) cli_die(CLI_UNSEEN, "process %d: %s", (int)pid, wrong);
  if (wrong != NULL) cli_die(CLI_UNSEEN, "'%s': %s", v->of, wrong);
  mid_graph_finish(&v->graph);
}

static void graph_open(struct graph_view *v) {
  if (v->of[strspn(v->of, "0123456789")] == 0) {
    graph_take_target(v, cli_read_pid(v->of));
    return;
  }
  FILE *in = graph_file(v->of);
  bool snapshot = mid_snapshot_is(in);
  fclose(in);
  if (snapshot)
    graph_open_snapshot(v->of, &v->graph);
  else
    graph_take_target(v, 0);
}

// ---- what is asked for --------------------------------------------------------------------------

static uint64_t graph_address(const char *words) {
  char *end;
  errno = 0;
  uint64_t address = strtoull(words, &end, 16);
  if (errno != 0 || end == words || *end != 0 || words[0] == '-')
    cli_die(CLI_USAGE, "'%s' is no address: give one such as 0x7f0012345678", words);
  return address;
}

static void graph_ask(const struct graph_view *v, struct mid_graph_story *story) {
  if (v->site != NULL && mid_graph_story_ask(story, v->site) == 0)
    cli_die(CLI_FAILED, "no site with live blocks has '%s' in its name: the table BY SITE has them",
            v->site);
  if (v->to == NULL) return;
  story->to = mid_graph_find(&v->graph, graph_address(v->to));
  if (story->to == MID_GRAPH_NONE)
    cli_die(CLI_FAILED, "no live block lies at %s: BY SITE and the suspects name some", v->to);
}

static bool graph_write(const char *name, bool (*print)(const void *, FILE *), const void *self) {
  int error = name == NULL ? 0 : cli_file_write(name, print, self);
  if (error != 0) cli_say("'%s' could not be written: %s", name, strerror(error));
  return error == 0;
}

static bool graph_tell(const struct graph_view *v) {
  struct mid_report_style style = cli_style(STDOUT_FILENO);
  struct mid_graph_diff diff;
  struct mid_graph_story story;
  mid_graph_story_open(&story, &v->graph);
  if (v->baseline != NULL) {
    mid_graph_diff_make(&v->before, &v->graph, v->final == NULL ? NULL : &v->after, &diff);
    story.diff = &diff;
  }
  graph_ask(v, &story);
  if (v->no_stacks != NULL) cli_say("no stacks are known: %s", v->no_stacks);
  mid_graph_text(&story, &style, stdout);
  bool ok = graph_write(v->out, mid_snapshot_write, &v->graph);
  ok &= graph_write(v->hprof, mid_hprof_write, &v->graph);
  ok &= graph_write(v->v8, mid_v8_write, &v->graph);
  ok &= graph_write(v->json, mid_graph_json, &story);
  if (v->baseline != NULL) mid_graph_diff_close(&diff);
  mid_graph_story_close(&story);
  return ok;
}

int cli_graph(int argc, char **argv) {
  static struct graph_view v;
  setlocale(LC_CTYPE, "");
  graph_arguments(&v, argc, argv);
  if (v.to != NULL) graph_address(v.to);
  if (v.baseline != NULL) graph_open_snapshot(v.baseline, &v.before);
  if (v.final != NULL) graph_open_snapshot(v.final, &v.after);
  graph_open(&v);
  bool ok = graph_tell(&v);
  mid_graph_close(&v.graph);
  if (v.baseline != NULL) mid_graph_close(&v.before);
  if (v.final != NULL) mid_graph_close(&v.after);
  return ok ? 0 : CLI_FAILED;
}
