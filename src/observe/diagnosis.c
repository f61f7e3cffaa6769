// observe/diagnosis.c -- see diagnosis.h.
// SPDX-License-Identifier: MIT
#include "observe/diagnosis.h"

#include <stdlib.h>

void mid_diagnosis_forget(struct mid_process *p) {
  if (p->diagnosis == NULL) return;
  mid_findings_close(&p->diagnosis->findings);
  mid_evidence_close(&p->diagnosis->evidence);
  free(p->diagnosis);
  p->diagnosis = NULL;
}

// ---- names --------------------------------------------------------------------------------------

// Of a stack, its innermost addresses: enough to come out of a language's library.
enum { INNER = 6 };

// By what a site could come to matter.
enum { MEASURES = 7 };
struct measures {
  double of[MEASURES];
};
static struct measures measure(const struct mid_profile_site *s) {
  return (struct measures){{s->allocated, s->allocated_bytes, s->live, s->live_bytes,
                            s->moved_bytes, s->remote,
                            (double)(s->pages_known - s->pages_touched)}};
}

static void measures_add(struct measures *sum, struct measures more) {
  for (int i = 0; i < MEASURES; i++) sum->of[i] += more.of[i];
}

static bool matters(const struct measures *part, const struct measures *all) {
  static const double least = 0.005;
  for (int i = 0; i < MEASURES; i++)
    if (part->of[i] > 0 && part->of[i] >= least * all->of[i]) return true;
  return false;
}

static int compare_inner(const struct mid_profile_site *a, const struct mid_profile_site *b) {
  for (uint32_t i = 0; i < INNER; i++) {
    uint64_t x = i < a->raws ? a->raw[i] : 0, y = i < b->raws ? b->raw[i] : 0;
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

static int by_inner(const void *a, const void *b) {
  return compare_inner(*(struct mid_profile_site *const *)a, *(struct mid_profile_site *const *)b);
}

static bool is_lost(const struct mid_last_facts *facts, uint32_t stack) {
  for (size_t i = 0; facts != NULL && i < facts->losts; i++)
    if (facts->lost[i].stack == stack) return true;
  return false;
}

// To look a name up takes long, and most of a large program's sites hold next to nothing: those are
// named whose innermost frames together come to a two-hundredth of anything, or that lost blocks.
static void name_what_matters(struct mid_profile *p, const struct mid_last_facts *facts,
                              struct mid_symbols *symbols) {
  struct mid_profile_site **sorted = calloc(p->sites + 1, sizeof *sorted);
  struct measures all = {{0}};
  if (sorted == NULL) abort();
  for (size_t i = 0; i < p->sites; i++) {
    sorted[i] = &p->site[i];
    measures_add(&all, measure(&p->site[i]));
    if (is_lost(facts, p->site[i].stack)) mid_profile_name(p, &p->site[i], symbols);
  }
  qsort(sorted, p->sites, sizeof *sorted, by_inner);
  for (size_t i = 0, end; i < p->sites; i = end) {
    struct measures part = {{0}};
    for (end = i; end < p->sites && compare_inner(sorted[i], sorted[end]) == 0; end++)
      measures_add(&part, measure(sorted[end]));
    if (!matters(&part, &all)) continue;
    for (size_t k = i; k < end; k++) mid_profile_name(p, sorted[k], symbols);
  }
  free(sorted);
}

// -------------------------------------------------------------------------------------------------

void mid_diagnose(struct mid_process *p, uint64_t limit, struct mid_symbols *symbols,
                  const struct mid_suppressions *suppressions) {
  mid_diagnosis_forget(p);
  struct mid_diagnosis *d = p->diagnosis = calloc(1, sizeof *d);
  if (d == NULL) abort();
  if (p->profile != NULL) name_what_matters(p->profile, p->facts, symbols);
  mid_evidence_open(&d->evidence, p, limit);
  mid_findings_make(&d->evidence, &d->findings);
  d->suppressed = mid_suppressions_apply(suppressions, &d->findings);
}
