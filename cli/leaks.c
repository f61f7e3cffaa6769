// cli/leaks.c -- `midden leaks`: blocks of a process or a core file that nothing points to.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "midden/version.h"
#include "observe/json.h"
#include "observe/words.h"
#include "walk/lost.h"

enum { LEAKS_JSON };                         // places in the verb's table
enum { LEAKS_ROWS = 20, LEAKS_FRAMES = 8 };  // that are printed at most
enum { LEAKS_FOUND = 1 };                    // exit status

struct leaks_view {
  const char *of, *json;
  pid_t pid;  // 0: `of` is a core file
  struct mid_lost_look lost;
  struct mid_report_style style;
};

static void leaks_arguments(struct leaks_view *v, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  for (bool operand = false;; operand = true) {
    for (int option; (option = cli_args_next(&args)) >= 0;)
      if (option == LEAKS_JSON) v->json = args.value;
    if (operand) break;
    if (args.at == argc)
      cli_die(CLI_USAGE, "a process or a core file is missing: midden leaks [OPTION]... PID|CORE");
    v->of = argv[args.at++];
  }
  cli_args_end(&args);
  if (v->of[strspn(v->of, "0123456789")] == 0) v->pid = cli_read_pid(v->of);
  cli_file_require(v->json);
}

// ---- looking ----

// NULL, or what went wrong.
static const char *leaks_look(struct leaks_view *v) {
  struct mid_target target;
  struct mid_blocks blocks;
  const char *wrong =
      v->pid != 0 ? mid_target_copy(v->pid, &target) : mid_target_core(v->of, &target);
  if (wrong != NULL) return wrong;
  if ((wrong = mid_blocks_read(&target, &blocks)) == NULL) {
    wrong = mid_lost_take(&target, &blocks, NULL, &v->lost);
    mid_blocks_close(&blocks);
  }
  mid_target_close(&target);
  return wrong;
}

static void leaks_observe(struct leaks_view *v) {
  const char *wrong = leaks_look(v);
  if (wrong == NULL && v->pid != 0) wrong = mid_lost_again(v->pid, NULL, &v->lost);
  if (wrong != NULL && v->pid != 0) cli_die(CLI_UNSEEN, "process %d: %s", (int)v->pid, wrong);
  if (wrong != NULL) cli_die(CLI_UNSEEN, "'%s': %s", v->of, wrong);
}

// ---- on the terminal ----

static uint64_t leaks_lost(const uint64_t *of_kind) {
  return of_kind[MID_LEAK_DIRECT] + of_kind[MID_LEAK_INDIRECT];
}

// A function and its place, under each other where they are too long for a line.
static void leaks_print_place(const struct leaks_view *v, unsigned column, const char *function,
                              const char *file, unsigned line) {
  char place[4200] = "";
  if (line != 0) snprintf(place, sizeof place, "%s:%u", file, line);
  if (line == 0) snprintf(place, sizeof place, "%s", file);
  unsigned width =
      mid_words_columns(function, strlen(function)) + mid_words_columns(place, strlen(place)) + 2;
  fputs(function, stdout);
  if (place[0] != 0 && column + width <= v->style.columns)
    printf("  %s", place);
  else if (place[0] != 0)
    printf("\n%16s%s", "", place);
  putchar('\n');
}

static void leaks_print_frames(const struct leaks_view *v, const struct mid_profile_site *site) {
  size_t most = site->frames < LEAKS_FRAMES ? site->frames : LEAKS_FRAMES;
  for (size_t i = 0; i < most; i++) {
    const struct mid_profile_frame *f = &site->frame[i];
    printf("           %s ", i == site->place ? "->" : "  ");
    leaks_print_place(v, 14, f->function, f->line != 0 ? f->file : f->module, f->line);
  }
  if (site->frames > most) printf("              ... and %zu callers\n", site->frames - most);
}

static void leaks_print_examples(const struct mid_leak_group *g) {
  printf("              at");
  for (size_t i = 0; i < g->examples; i++) printf(" 0x%" PRIx64, g->example[i]);
  putchar('\n');
}

static void leaks_print_why(const struct leaks_view *v, const struct mid_leak_group *g) {
  struct mid_words age;
  char why[512];
  snprintf(why, sizeof why, "%s, by its %s: %s%s%s%s", mid_confidence_name(g->confidence),
           mid_leak_naming_words(g->naming), g->why, g->youngest < 0 ? "" : "; the youngest is ",
           g->youngest < 0 ? "" : mid_words_seconds(g->youngest, &age),
           g->youngest < 0 ? "" : " old");
  printf("%14s", "");
  mid_words_wrap(stdout, why, 14, v->style.columns);
}

static void leaks_print_group(const struct leaks_view *v, const struct mid_leak_group *g) {
  const struct mid_profile_frame *place = g->site == NULL ? NULL : mid_profile_place(g->site);
  struct mid_words size, direct, indirect, possible;
  const char *file = place == NULL || place->line == 0 ? "" : place->file;
  const char *slash = strrchr(file, '/');
  printf("%10s  %9s %9s %9s  ",
         mid_words_size(leaks_lost(g->bytes) + g->bytes[MID_LEAK_POSSIBLE], &size),
         mid_words_count((double)g->blocks[MID_LEAK_DIRECT], &direct),
         mid_words_count((double)g->blocks[MID_LEAK_INDIRECT], &indirect),
         mid_words_count((double)g->blocks[MID_LEAK_POSSIBLE], &possible));
  leaks_print_place(v, 43, g->name, slash == NULL ? file : slash + 1,
                    place == NULL ? 0 : place->line);
  leaks_print_why(v, g);
  if (g->site != NULL && g->site->frames > 0)
    leaks_print_frames(v, g->site);
  else
    leaks_print_examples(g);
}

static const char *leaks_blocks(uint64_t blocks, struct mid_words *room) {
  char count[sizeof room->at];
  snprintf(count, sizeof count, "%s", mid_words_count((double)blocks, room));
  snprintf(room->at, sizeof room->at, "%.20s block%s", count, blocks == 1 ? "" : "s");
  return room->at;
}

static void leaks_print_total(const struct leaks_view *v) {
  const struct mid_leaks *l = &v->lost.leaks;
  struct mid_words lost, blocks, direct, indirect, live, all, possible, count;
  char text[512];
  int at = 0;
  if (leaks_lost(l->blocks) == 0)
    at = snprintf(text, sizeof text, "Nothing is lost.");
  else
    at = snprintf(text, sizeof text, "Lost: %s in %s, %s of them direct and %s indirect.",
                  mid_words_size(leaks_lost(l->bytes), &lost),
                  leaks_blocks(leaks_lost(l->blocks), &blocks),
                  mid_words_count((double)l->blocks[MID_LEAK_DIRECT], &direct),
                  mid_words_count((double)l->blocks[MID_LEAK_INDIRECT], &indirect));
  if (l->blocks[MID_LEAK_POSSIBLE] > 0)
    at += snprintf(text + at, sizeof text - (size_t)at, " Possibly lost: %s in %s.",
                   mid_words_size(l->bytes[MID_LEAK_POSSIBLE], &possible),
                   leaks_blocks(l->blocks[MID_LEAK_POSSIBLE], &count));
  snprintf(text + at, sizeof text - (size_t)at, " The heap has %s live in %s.",
           mid_words_size(l->live_bytes, &live), leaks_blocks(l->live_blocks, &all));
  mid_words_wrap(stdout, text, 0, v->style.columns);
}

static void leaks_print(const struct leaks_view *v) {
  const struct mid_leaks *l = &v->lost.leaks;
  size_t rows = l->groups < LEAKS_ROWS ? l->groups : LEAKS_ROWS;
  if (l->groups > 0)
    printf("%10s  %9s %9s %9s  %s\n", "BYTES", "DIRECT", "INDIRECT", "POSSIBLE", "ALLOCATED BY");
  for (size_t i = 0; i < rows; i++) leaks_print_group(v, &l->group[i]);
  if (rows < l->groups)
    printf("... and %zu more, all of them smaller: --json FILE has them\n", l->groups - rows);
  if (l->groups > 0) putchar('\n');
  leaks_print_total(v);
  if (v->lost.no_profile != NULL && l->groups > 0)
    cli_say("no stacks are known: %s", v->lost.no_profile);
}

// ---- JSON ----

static json_t *leaks_count_json(uint64_t blocks, uint64_t bytes) {
  return json_pack("{s:o, s:o}", "blocks", mid_json_number(blocks), "bytes",
                   mid_json_number(bytes));
}

static void leaks_counts_json(json_t *to, const uint64_t *blocks, const uint64_t *bytes) {
  static const char *const name[] = {"direct", "indirect", "possible"};
  for (int k = 0; k < MID_LEAK_KINDS; k++)
    json_object_set_new(to, name[k], leaks_count_json(blocks[k], bytes[k]));
}

static json_t *leaks_group_json(const struct mid_leak_group *g) {
  json_t *examples = json_array();
  char address[32];
  for (size_t i = 0; i < g->examples; i++) {
    snprintf(address, sizeof address, "0x%" PRIx64, g->example[i]);
    json_array_append_new(examples, json_string(address));
  }
  json_t *j =
      json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o}", "name", mid_json_string(g->name), "named_by",
                mid_leak_naming_words(g->naming), "confidence", mid_confidence_name(g->confidence),
                "why", g->why, "sampled",
                mid_json_number(g->sampled[MID_LEAK_DIRECT] + g->sampled[MID_LEAK_POSSIBLE]),
                "youngest_seconds", g->youngest < 0 ? json_null() : json_real(g->youngest),
                "examples", examples);
  if (j == NULL) return NULL;
  mid_json_set_place(j, g->site);
  leaks_counts_json(j, g->blocks, g->bytes);
  return j;
}

static bool leaks_json(const void *self, FILE *out) {
  const struct leaks_view *v = self;
  const struct mid_leaks *l = &v->lost.leaks;
  json_t *groups = json_array();
  for (size_t i = 0; i < l->groups; i++)
    json_array_append_new(groups, leaks_group_json(&l->group[i]));
  json_t *j = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "version", MIDDEN_VERSION, "pid",
                        v->pid == 0 ? json_null() : json_integer(v->pid), "core",
                        v->pid == 0 ? mid_json_string(v->of) : json_null(), "live",
                        leaks_count_json(l->live_blocks, l->live_bytes), "doubt",
                        l->doubt == NULL ? json_null() : json_string(l->doubt), "groups", groups);
  if (j != NULL) leaks_counts_json(j, l->blocks, l->bytes);
  bool good = j != NULL && json_array_size(groups) == l->groups &&
              json_dumpf(j, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 &&
              fputc('\n', out) != EOF;
  json_decref(j);
  return good;
}

int cli_leaks(int argc, char **argv) {
  struct leaks_view v = {0};
  setlocale(LC_ALL, "");
  leaks_arguments(&v, argc, argv);
  v.style = cli_style(STDOUT_FILENO);
  leaks_observe(&v);
  leaks_print(&v);
  int error = v.json == NULL ? 0 : cli_file_write(v.json, leaks_json, &v);
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", v.json, strerror(error));
  int status = v.lost.leaks.blocks[MID_LEAK_DIRECT] > 0 ? LEAKS_FOUND : 0;
  mid_lost_close(&v.lost);
  return status;
}
