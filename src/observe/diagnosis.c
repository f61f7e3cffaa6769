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

void mid_diagnose(struct mid_process *p, uint64_t limit, struct mid_symbols *symbols,
                  const struct mid_suppressions *suppressions) {
  mid_diagnosis_forget(p);
  struct mid_diagnosis *d = p->diagnosis = calloc(1, sizeof *d);
  if (d == NULL) abort();
  if (p->profile != NULL) mid_profile_name_all(p->profile, symbols);
  mid_evidence_open(&d->evidence, p, limit);
  mid_findings_make(&d->evidence, &d->findings);
  d->suppressed = mid_suppressions_apply(suppressions, &d->findings);
}
