// cli/doctor.c -- `midden doctor`: whether the structures of a heap are whole.
// SPDX-License-Identifier: MIT
#include "walk/doctor.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "observe/proc.h"
#include "observe/words.h"

enum { DOCTOR_JSON };
enum { DOCTOR_LOOKS = 4 };  // at a process that seems broken

struct doctor_view {
  const char *of;  // a process number or a file
  pid_t pid;       // 0: a core file
  const char *json;
  struct mid_doctor found;
  const char *incomplete;
};

static const struct {
  const char *name, *key, *what;
} doctor_parts[MID_DOCTOR_PARTS] = {
    [MID_DOCTOR_SPANS] = {"spans of blocks", "spans", "sizes and counts"},
    [MID_DOCTOR_FREE] = {"free blocks", "free_blocks", "lists, links and marks"},
    [MID_DOCTOR_LARGE] = {"large blocks", "large_blocks", "sizes"},
    [MID_DOCTOR_RUNS] = {"free runs of pages", "free_runs", "ends and links"},
    [MID_DOCTOR_HEAPS] = {"heaps", "heaps", "lists of spans"},
};

// ---- looking ----

static const char *doctor_look_once(const struct doctor_view *v, struct mid_doctor *found,
                                    char *incomplete, size_t bytes) {
  struct mid_target target;
  const char *wrong =
      v->pid != 0 ? mid_target_stop(v->pid, &target) : mid_target_core(v->of, &target);
  if (wrong != NULL) return wrong;
  if (target.incomplete != NULL) snprintf(incomplete, bytes, "%s", target.incomplete);
  wrong = mid_doctor_look(&target, found);
  mid_target_close(&target);
  return wrong;
}

static void doctor_look(struct doctor_view *v) {
  static char incomplete[256];
  const struct timespec pause = {.tv_nsec = 20000000};
  struct mid_doctor again;
  const char *wrong = doctor_look_once(v, &v->found, incomplete, sizeof incomplete);
  for (int n = 1; wrong == NULL && v->pid != 0 && !mid_doctor_is_sound(&v->found); n++) {
    if (n == DOCTOR_LOOKS) break;
    nanosleep(&pause, NULL);
    wrong = doctor_look_once(v, &again, incomplete, sizeof incomplete);
    if (wrong == NULL) mid_doctor_agree(&v->found, &again);
  }
  if (wrong != NULL && v->pid != 0) cli_die(CLI_UNSEEN, "process %d: %s", (int)v->pid, wrong);
  if (wrong != NULL) cli_die(CLI_UNSEEN, "'%s': %s", v->of, wrong);
  if (incomplete[0] != 0) v->incomplete = incomplete;
}

// ---- telling ----

static void doctor_print_head(const struct doctor_view *v) {
  char command[256];
  const char *is = mid_doctor_is_sound(&v->found) ? "is sound" : "is broken";
  if (v->pid == 0) {
    printf("the heap in %s %s\n\n", v->of, is);
    return;
  }
  mid_proc_command(v->pid, command, sizeof command);
  printf("the heap of process %d (%.60s) %s\n\n", (int)v->pid, command, is);
}

static void doctor_print_parts(const struct mid_doctor *d) {
  for (int p = 0; p < MID_DOCTOR_PARTS; p++) {
    printf("%12" PRIu64 "  %-18s  ", d->checked[p], doctor_parts[p].name);
    if (d->broken[p] > 0)
      printf("BROKEN, %" PRIu64 " of them\n", d->broken[p]);
    else
      printf("%s hold\n", doctor_parts[p].what);
  }
}

static void doctor_print(const struct doctor_view *v) {
  const struct mid_doctor *d = &v->found;
  uint64_t all = 0;
  doctor_print_head(v);
  doctor_print_parts(d);
  if (d->faults > 0) putchar('\n');
  for (size_t i = 0; i < d->faults; i++)
    printf("%#18" PRIx64 "  %s\n", d->fault[i].address, d->fault[i].what);
  for (int p = 0; p < MID_DOCTOR_PARTS; p++) all += d->broken[p];
  if (all > d->faults) printf("%18s  and %" PRIu64 " more\n", "", all - d->faults);
  if (d->faults > 0) {
    printf("\n");
    mid_words_wrap(stdout,
                   "Something wrote where it should not have: run the program with 'midden run "
                   "--option hardened=1', which stops it close to where that happens.",
                   0, cli_columns(STDOUT_FILENO));
    printf("\n");
  }
  if (v->incomplete != NULL) cli_say("%s: what is missing was taken for broken", v->incomplete);
}

static json_t *doctor_json(const struct doctor_view *v) {
  const struct mid_doctor *d = &v->found;
  json_t *all = json_object(), *parts = json_object(), *faults = json_array();
  json_object_set_new(all, "of", json_string(v->of));
  json_object_set_new(all, "sound", json_boolean(mid_doctor_is_sound(d)));
  for (int p = 0; p < MID_DOCTOR_PARTS; p++)
    json_object_set_new(parts, doctor_parts[p].key,
                        json_pack("{s:I, s:I}", "checked", (json_int_t)d->checked[p], "broken",
                                  (json_int_t)d->broken[p]));
  json_object_set_new(all, "parts", parts);
  for (size_t i = 0; i < d->faults; i++)
    json_array_append_new(
        faults, json_pack("{s:s, s:s, s:I}", "part", doctor_parts[d->fault[i].part].key, "what",
                          d->fault[i].what, "address", (json_int_t)d->fault[i].address));
  json_object_set_new(all, "faults", faults);
  return all;
}

static bool doctor_write(const void *self, FILE *out) {
  json_t *all = doctor_json(self);
  bool good = json_dumpf(all, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
  json_decref(all);
  return good;
}

// Options may stand before the operand and behind it.
static void doctor_arguments(struct doctor_view *v, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  while (v->of == NULL || args.at < argc) {
    for (int option; (option = cli_args_next(&args)) >= 0;)
      if (option == DOCTOR_JSON) v->json = args.value;
    if (v->of != NULL) break;
    if (args.at == argc)
      cli_die(CLI_USAGE, "a process or a core file is missing: midden doctor [OPTION]... PID|CORE");
    v->of = argv[args.at++];
  }
  cli_args_end(&args);
  if (v->of[strspn(v->of, "0123456789")] == 0) v->pid = cli_read_pid(v->of);
  cli_file_require(v->json);
}

int cli_doctor(int argc, char **argv) {
  struct doctor_view v = {0};
  doctor_arguments(&v, argc, argv);
  doctor_look(&v);
  doctor_print(&v);
  int error = v.json != NULL ? cli_file_write(v.json, doctor_write, &v) : 0;
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", v.json, strerror(error));
  return mid_doctor_is_sound(&v.found) ? 0 : CLI_FAILED;
}
