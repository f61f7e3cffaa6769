// cli/gate.c -- see gate.h.
// SPDX-License-Identifier: MIT
#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "cli.h"

struct cli_gate cli_gate_open(void) {
  return (struct cli_gate){.symbols = mid_symbols_open(), .status = CLI_GATE_STATUS};
}

void cli_gate_close(struct cli_gate *gate) {
  mid_suppressions_close(&gate->suppressions);
  mid_symbols_close(gate->symbols);
  *gate = (struct cli_gate){0};
}

// ---- the command line ---------------------------------------------------------------------------

static const char *kind_named(const char *word, size_t bytes) {
  const char *names[MID_FINDING_KINDS];
  size_t count = mid_finding_kinds(names);
  for (size_t i = 0; i < count; i++)
    if (strlen(names[i]) == bytes && memcmp(names[i], word, bytes) == 0) return names[i];
  const char *near = mid_nearest_name(word, bytes, names, count);
  if (near != NULL)
    cli_die(CLI_USAGE, "there is no finding '%.*s': did you mean '%s'?", (int)bytes, word, near);
  cli_die(CLI_USAGE, "there is no finding '%.*s': 'midden help attach' lists the kinds", (int)bytes,
          word);
}

static enum mid_confidence confidence_named(const char *word, size_t bytes) {
  const char *const names[] = {"possible", "likely", "certain"};
  for (int i = 0; i < 3; i++)
    if (strlen(names[i]) == bytes && memcmp(names[i], word, bytes) == 0)
      return (enum mid_confidence)i;
  cli_die(CLI_USAGE, "'%.*s' is no confidence: give possible, likely or certain", (int)bytes, word);
}

// KIND[:CONFIDENCE] with commas between.
void cli_gate_fail_on(struct cli_gate *gate, const char *list) {
  for (const char *at = list;; at++) {
    size_t bytes = strcspn(at, ","), kind = strcspn(at, ":,");
    if (gate->count == sizeof gate->fails / sizeof *gate->fails)
      cli_die(CLI_USAGE, "--fail-on has too many kinds: name each once");
    gate->fails[gate->count].kind = kind_named(at, kind);
    gate->fails[gate->count++].least =
        kind < bytes ? confidence_named(at + kind + 1, bytes - kind - 1) : MID_LIKELY;
    at += bytes;
    if (*at == 0) return;
  }
}

void cli_gate_fail_status(struct cli_gate *gate, const char *words) {
  char *end;
  long n = strtol(words, &end, 10);
  if (end == words || *end != 0 || n < 1 || n > 255)
    cli_die(CLI_USAGE, "'%s' is no exit status to fail with: give a number from 1 to 255", words);
  gate->status = (int)n;
}

void cli_gate_suppress(struct cli_gate *gate, const char *file) {
  char room[128];
  FILE *in = fopen(file, "re");
  if (in == NULL)
    cli_die(CLI_USAGE, "'%s' cannot be read: %s: name a file of suppressions", file,
            strerror(errno));
  const char *wrong = mid_suppressions_read(in, &gate->suppressions, room, sizeof room);
  bool whole = !ferror(in);
  fclose(in);
  if (!whole) cli_die(CLI_USAGE, "'%s' cannot be read: name a file of suppressions", file);
  if (wrong != NULL)
    cli_die(CLI_USAGE, "'%s', %s: a line is 'KIND PATTERN', such as 'leaked *_init'", file, wrong);
}

// ---- judging ------------------------------------------------------------------------------------

void cli_gate_diagnose(struct cli_gate *gate, const struct mid_watch *watch) {
  for (size_t i = 0; i < watch->count; i++)
    mid_diagnose(watch->process[i], watch->limit, gate->symbols, &gate->suppressions);
}

static struct mid_process *largest(const struct mid_watch *watch) {
  struct mid_process *most = NULL;
  for (size_t i = 0; i < watch->count; i++) {
    struct mid_process *p = watch->process[i];
    if (p->lives && p->profile != NULL && (most == NULL || p->memory.rss > most->memory.rss))
      most = p;
  }
  return most;
}

void cli_gate_warn(struct cli_gate *gate, struct mid_watch *watch) {
  struct mid_process *p = largest(watch);
  watch->warning[0] = 0;
  if (p == NULL) return;
  mid_diagnose(p, watch->limit, gate->symbols, &gate->suppressions);
  const struct mid_findings *found = &p->diagnosis->findings;
  for (size_t i = 0; i < found->count && watch->warning[0] == 0; i++) {
    const struct mid_finding *f = &found->at[i];
    if (strcmp(f->kind, "growing") != 0) continue;
    snprintf(watch->warning, sizeof watch->warning, "growing: %.60s (%s)",
             f->site != NULL ? mid_profile_place(f->site)->function : "the process",
             mid_confidence_name(f->confidence));
  }
}

static bool fails(const struct cli_gate *gate, const struct mid_finding *f) {
  for (size_t i = 0; i < gate->count; i++)
    if (strcmp(gate->fails[i].kind, f->kind) == 0 && f->confidence >= gate->fails[i].least)
      return true;
  return false;
}

int cli_gate_judge(const struct cli_gate *gate, const struct mid_watch *watch) {
  const struct mid_finding *worst = NULL;
  size_t count = 0;
  for (size_t i = 0; i < watch->count; i++) {
    const struct mid_diagnosis *d = watch->process[i]->diagnosis;
    for (size_t k = 0; d != NULL && k < d->findings.count; k++) {
      if (!fails(gate, &d->findings.at[k])) continue;
      if (count++ == 0) worst = &d->findings.at[k];
    }
  }
  if (count == 0) return 0;
  cli_say("%zu finding%s of a kind that --fail-on names, the first: %s in %s, %s: exit status %d",
          count, count == 1 ? "" : "s", worst->kind,
          worst->site != NULL ? mid_profile_place(worst->site)->function : "the process",
          mid_confidence_name(worst->confidence), gate->status);
  return gate->status;
}
