// observe/diagnosis.h -- what is found of one process, with all that it was found from.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_DIAGNOSIS_H
#define MID_OBSERVE_DIAGNOSIS_H

#include "observe/evidence.h"
#include "observe/suppress.h"

struct mid_diagnosis {
  struct mid_evidence evidence;
  struct mid_findings findings;  // worst first
  size_t suppressed;
};

// Make p->diagnosis anew from what is known of it now; it is good until the next look.
// limit    bytes: of its cgroup; 0: not known
// symbols  names are looked up with; kept open by the caller
void mid_diagnose(struct mid_process *p, uint64_t limit, struct mid_symbols *symbols,
                  const struct mid_suppressions *suppressions);
void mid_diagnosis_forget(struct mid_process *p);

#endif
