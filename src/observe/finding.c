// observe/finding.c -- see finding.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // vasprintf
#include "observe/finding.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "observe/evidence.h"

const char *mid_confidence_name(enum mid_confidence c) {
  static const char *const names[] = {"possible", "likely", "certain"};
  return names[c];
}

struct mid_finding *mid_finding_add(struct mid_findings *list, const char *kind,
                                    enum mid_confidence confidence,
                                    const struct mid_profile_site *site, double bytes,
                                    double blocks) {
  if (list->count == list->room) {
    list->room = list->room == 0 ? 16 : 2 * list->room;
    list->at = realloc(list->at, list->room * sizeof *list->at);
    if (list->at == NULL) abort();
  }
  struct mid_finding *f = &list->at[list->count++];
  *f = (struct mid_finding){.kind = kind,
                            .confidence = confidence,
                            .site = site,
                            .bytes = bytes,
                            .blocks = blocks,
                            .badness = bytes};
  return f;
}

static void say(char **word, const char *format, va_list args) {
  free(*word);
  if (vasprintf(word, format, args) < 0) abort();
}

#define SAY(field)            \
  do {                        \
    va_list args;             \
    va_start(args, format);   \
    say(field, format, args); \
    va_end(args);             \
  } while (0)

void mid_finding_what(struct mid_finding *f, const char *format, ...) { SAY(&f->what); }
void mid_finding_why(struct mid_finding *f, const char *format, ...) { SAY(&f->why); }
void mid_finding_advise(struct mid_finding *f, const char *format, ...) { SAY(&f->advice); }

// What is not sure weighs less: a certain leak comes before a doubt of ten times its size.
static double weight(const struct mid_finding *f) {
  static const double of[] = {0.05, 0.5, 1};
  return f->badness * of[f->confidence];
}

static int worse_first(const void *a, const void *b) {
  double x = weight(a), y = weight(b);
  return x > y ? -1 : x < y;
}

void mid_findings_sort(struct mid_findings *list) {
  if (list->count > 0) qsort(list->at, list->count, sizeof *list->at, worse_first);
}

void mid_finding_forget(struct mid_finding *f) {
  free(f->what);
  free(f->why);
  free(f->advice);
}

size_t mid_finding_kinds(const char *names[MID_FINDING_KINDS]) {
  size_t count = 0;
  while (mid_finding_rules[count] != NULL && count < MID_FINDING_KINDS) {
    names[count] = mid_finding_rules[count]->kind;
    count++;
  }
  return count;
}

bool mid_finding_is_kind(const char *kind) {
  for (size_t i = 0; mid_finding_rules[i] != NULL; i++)
    if (strcmp(mid_finding_rules[i]->kind, kind) == 0) return true;
  return false;
}

void mid_findings_close(struct mid_findings *list) {
  for (size_t i = 0; i < list->count; i++) mid_finding_forget(&list->at[i]);
  free(list->at);
  *list = (struct mid_findings){0};
}

// Of what is held still: who holds it.
static void find_holder(const struct mid_last_facts *facts, struct mid_finding *f) {
  if (f->site == NULL || (strcmp(f->kind, "growing") != 0 && strcmp(f->kind, "fragmented") != 0))
    return;
  const struct mid_profile_frame *place = mid_profile_place(f->site);
  for (size_t i = 0; i < facts->holders && f->holder == NULL; i++) {
    const struct mid_holder *h = &facts->holder[i];
    if (h->line == place->line && strcmp(h->function, place->function) == 0 &&
        strcmp(h->file, place->file) == 0)
      f->holder = h;
  }
}

void mid_findings_make(const struct mid_evidence *e, struct mid_findings *out) {
  *out = (struct mid_findings){0};
  for (size_t i = 0; mid_finding_rules[i] != NULL; i++) mid_finding_rules[i]->find(e, out);
  for (size_t i = 0; e->facts != NULL && i < out->count; i++) find_holder(e->facts, &out->at[i]);
  mid_findings_sort(out);
}
