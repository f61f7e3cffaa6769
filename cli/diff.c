// cli/diff.c -- `midden diff`: which sites grew or shrank from one run to another.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli.h"
#include "export/changes.h"
#include "file.h"
#include "find.h"
#include "gate.h"
#include "observe/json.h"
#include "observe/words.h"

enum { DIFF_THRESHOLD, DIFF_JSON };  // places in the verb's table
enum { DIFF_ROWS = 20 };             // the JSON has all

struct diff {
  const char *name[2], *json;
  struct mid_kept kept[2];
  struct mid_changes changes;
  struct mid_threshold threshold;
  bool judges;
};

// ---- the command line ---------------------------------------------------------------------------

// SIZE, or PERCENT%.
static void read_threshold(struct diff *d, const char *words) {
  size_t bytes = strlen(words);
  uint64_t size;
  char *end;
  d->judges = true;
  if (bytes > 1 && words[bytes - 1] == '%' && *words >= '0' && *words <= '9') {
    d->threshold.percent = strtod(words, &end);
    if (end == words + bytes - 1 && d->threshold.percent > 0 && isfinite(d->threshold.percent))
      return;
  } else if (mid_text_read_size(words, bytes, &size)) {
    d->threshold.bytes = (double)size;
    return;
  }
  cli_die(CLI_USAGE, "'%s' is no threshold: give a size such as 64k, or a part such as 10%%",
          words);
}

static void read_diff_option(struct diff *d, int option, const char *value) {
  if (option == DIFF_THRESHOLD) read_threshold(d, value);
  if (option == DIFF_JSON) d->json = value;
}

// Options may stand before and behind the runs.
static void read_diff(struct diff *d, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  for (size_t runs = 0; runs < 3; runs++) {
    for (int option; (option = cli_args_next(&args)) >= 0;) read_diff_option(d, option, args.value);
    if (runs == 2) break;
    if (args.at == args.argc) cli_die(CLI_USAGE, "two runs are compared: give each as " CLI_RUNS);
    d->name[runs] = args.argv[args.at++];
  }
  cli_args_end(&args);
  cli_file_require(d->json);
}

// ---- as text ------------------------------------------------------------------------------------

static const char *signed_size(double bytes, char *room, size_t most) {
  struct mid_words words;
  snprintf(room, most, "%s%s",
           bytes > 0   ? "+"
           : bytes < 0 ? "-"
                       : "",
           mid_words_size((uint64_t)llround(fabs(bytes)), &words));
  return room;
}

static const char *signed_count(double count, char *room, size_t most) {
  struct mid_words words;
  snprintf(room, most, "%s%s",
           count > 0   ? "+"
           : count < 0 ? "-"
                       : "",
           mid_words_count(fabs(count), &words));
  return room;
}

static const char *percent_of(double change, double before, char *room, size_t most) {
  if (before > 0 && change / before < 100)
    snprintf(room, most, "%+.1f %%", 100 * change / before);
  else if (before > 0)
    snprintf(room, most, "x%.0f", (before + change) / before);
  else
    snprintf(room, most, "new");
  return room;
}

// As in `add_listener service.c:12 < accept`: the place, and what called it.
static void site_words(const struct mid_profile_site *site, char *room, size_t most) {
  const struct mid_profile_frame *f = mid_profile_place(site);
  const char *slash = strrchr(f->file, '/');
  int n = snprintf(room, most, "%.120s", f->function);
  if (f->line > 0)
    n += snprintf(room + n, most - (size_t)n, " %.80s:%u", slash != NULL ? slash + 1 : f->file,
                  f->line);
  if (site->place + 1 < site->frames)
    snprintf(room + n, most - (size_t)n, " < %.120s", site->frame[site->place + 1].function);
  mid_words_tame(room);
}

static void print_row(double before, double after, const char *percent, double blocks,
                      const char *words, unsigned columns) {
  struct mid_words from, to;
  char change[40], count[40];
  int most = (int)columns - 66;
  printf("%10s  %10s  %11s  %9s  %9s    %.*s\n", mid_words_size((uint64_t)llround(before), &from),
         mid_words_size((uint64_t)llround(after), &to),
         signed_size(after - before, change, sizeof change), percent,
         signed_count(blocks, count, sizeof count), most < 24 ? 24 : most, words);
}

static void print_change(const struct mid_change *c, unsigned columns) {
  char words[400], percent[32];
  double before = mid_change_before(c);
  site_words(mid_change_site(c), words, sizeof words);
  percent_of(c->bytes, before, percent, sizeof percent);
  print_row(before, before + c->bytes, c->after == NULL ? "gone" : percent, c->blocks, words,
            columns);
}

static void print_run_line(const char *word, const char *name, const struct mid_kept *k) {
  struct mid_words took;
  char command[512];
  snprintf(command, sizeof command, "%s", k->count > 0 ? k->process[0].command : "?");
  mid_words_tame(command);
  printf("%-5s %s: %s, %s\n", word, name, command,
         mid_words_seconds(k->count > 0 ? k->process[0].seconds : 0, &took));
}

static void print_diff(const struct diff *d) {
  const struct mid_changes *c = &d->changes;
  unsigned columns = isatty(STDOUT_FILENO) ? cli_columns(STDOUT_FILENO) : 4096;
  char percent[32];
  print_run_line("from", d->name[0], &d->kept[0]);
  print_run_line("to", d->name[1], &d->kept[1]);
  printf("\n%10s  %10s  %11s  %9s  %9s    %s\n", "LIVE FROM", "LIVE TO", "CHANGE", "CHANGE",
         "BLOCKS", "SITE");
  for (size_t i = 0; i < c->count && i < DIFF_ROWS; i++) print_change(&c->at[i], columns);
  percent_of(c->all.bytes, c->before_bytes, percent, sizeof percent);
  print_row(c->before_bytes, c->after_bytes, c->before_bytes > 0 || c->all.bytes > 0 ? percent : "",
            c->all.blocks, "all sites", columns);
  if (c->count > DIFF_ROWS)
    printf("%zu sites changed less than these: --json FILE has them\n", c->count - DIFF_ROWS);
}

// ---- as JSON ------------------------------------------------------------------------------------

static json_t *sum_json(const struct mid_sum *s) {
  if (s == NULL) return json_null();
  json_t *j = json_object();
  json_object_set_new(j, "live_bytes", mid_json_round(s->live_bytes));
  json_object_set_new(j, "live_error", mid_json_round(sqrt(s->variance)));
  json_object_set_new(j, "live_blocks", mid_json_round(s->live));
  json_object_set_new(j, "allocated_bytes", mid_json_round(s->allocated_bytes));
  json_object_set_new(j, "allocated_blocks", mid_json_round(s->allocated));
  return j;
}

static json_t *change_json(const struct diff *d, const struct mid_change *c) {
  char key[20];
  json_t *j = json_object();
  snprintf(key, sizeof key, "%016" PRIx64, (c->after != NULL ? c->after : c->before)->key);
  json_object_set_new(j, "site", json_string(key));
  mid_json_set_place(j, mid_change_site(c));
  json_object_set_new(j, "before", sum_json(c->before));
  json_object_set_new(j, "after", sum_json(c->after));
  json_object_set_new(j, "bytes", mid_json_round(c->bytes));
  json_object_set_new(j, "blocks", mid_json_round(c->blocks));
  json_object_set_new(
      j, "exceeds",
      d->judges ? json_boolean(mid_changes_exceed(&d->changes, c, &d->threshold)) : json_null());
  return j;
}

static bool print_diff_json(const void *self, FILE *out) {
  const struct diff *d = self;
  const struct mid_changes *c = &d->changes;
  json_t *j = json_object(), *sites = json_array();
  for (size_t i = 0; i < c->count; i++) json_array_append_new(sites, change_json(d, &c->at[i]));
  json_object_set_new(j, "before", mid_json_string(d->name[0]));
  json_object_set_new(j, "after", mid_json_string(d->name[1]));
  json_object_set_new(j, "live_bytes_before", mid_json_round(c->before_bytes));
  json_object_set_new(j, "live_bytes_after", mid_json_round(c->after_bytes));
  json_object_set_new(j, "bytes", mid_json_round(c->all.bytes));
  json_object_set_new(j, "blocks", mid_json_round(c->all.blocks));
  json_object_set_new(j, "sites", sites);
  bool ok = json_dumpf(j, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
  json_decref(j);
  return ok;
}

// ---- the threshold ------------------------------------------------------------------------------

// The exit status, with a sentence where it is not 0.
static int judge_diff(const struct diff *d) {
  const struct mid_changes *c = &d->changes;
  char words[400], change[40];
  size_t count = 0;
  const struct mid_change *worst = NULL;
  if (!d->judges) return 0;
  for (size_t i = 0; i < c->count; i++)
    if (mid_changes_exceed(c, &c->at[i], &d->threshold) && count++ == 0) worst = &c->at[i];
  if (worst != NULL) {
    site_words(mid_change_site(worst), words, sizeof words);
    cli_say("%zu site%s grew by more than the threshold, the first by %s: %s: exit status %d",
            count, count == 1 ? "" : "s", signed_size(worst->bytes, change, sizeof change), words,
            CLI_GATE_STATUS);
  } else if (mid_changes_exceed(c, &c->all, &d->threshold)) {
    cli_say("all sites together grew by more than the threshold, by %s: exit status %d",
            signed_size(c->all.bytes, change, sizeof change), CLI_GATE_STATUS);
  } else {
    return 0;
  }
  return CLI_GATE_STATUS;
}

int cli_diff(int argc, char **argv) {
  struct diff d = {0};
  setlocale(LC_CTYPE, "");
  read_diff(&d, argc, argv);
  for (size_t i = 0; i < 2; i++) d.kept[i] = cli_run_read(d.name[i]);
  d.changes = mid_changes_make(&d.kept[0], &d.kept[1]);
  print_diff(&d);
  int error = d.json != NULL ? cli_file_write(d.json, print_diff_json, &d) : 0;
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", d.json, strerror(error));
  int status = judge_diff(&d);
  mid_changes_close(&d.changes);
  for (size_t i = 0; i < 2; i++) mid_kept_close(&d.kept[i]);
  return status;
}
