// observe/finding.h -- a finding: one diagnosed problem, with its evidence and advice.
// SPDX-License-Identifier: MIT
//
//   evidence (profile, its history, feed images, /proc, leak walk) --rules, one file each in
//   finding/--> findings --sorted, worst first; suppressed ones dropped--> text, JSON, report, gate
#ifndef MID_OBSERVE_FINDING_H
#define MID_OBSERVE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "observe/profile.h"

enum mid_confidence { MID_POSSIBLE, MID_LIKELY, MID_CERTAIN };
const char *mid_confidence_name(enum mid_confidence c);  // "possible", "likely", "certain"

struct mid_finding {
  const char *kind;  // "leaked", "realloc-ladder", ...
  enum mid_confidence confidence;
  const struct mid_profile_site *site;  // NULL: the process as a whole, or a block without a stack
  double bytes, blocks;                 // what is at stake
  char *what;                           // one line: the figures, in plain words
  char *why;                            // one line: the evidence for the confidence
  char *advice;                         // one line: a concrete fix
  const struct mid_holder *holder;      // observe/evidence.h; NULL: not known
  double badness;                       // to sort by: bytes that would be saved, or their like
};

struct mid_findings {
  struct mid_finding *at;
  size_t count, room;
};

// Add one; the words are made as by printf and belong to the list.
struct mid_finding *mid_finding_add(struct mid_findings *list, const char *kind,
                                    enum mid_confidence confidence,
                                    const struct mid_profile_site *site, double bytes,
                                    double blocks);
__attribute__((format(printf, 2, 3))) void mid_finding_what(struct mid_finding *f,
                                                            const char *format, ...);
__attribute__((format(printf, 2, 3))) void mid_finding_why(struct mid_finding *f,
                                                           const char *format, ...);
__attribute__((format(printf, 2, 3))) void mid_finding_advise(struct mid_finding *f,
                                                              const char *format, ...);
void mid_finding_forget(struct mid_finding *f);  // its words

// Whether users know a finding by this name; and how many such names there are.
bool mid_finding_is_kind(const char *kind);
enum { MID_FINDING_KINDS = 32 };
size_t mid_finding_kinds(const char *names[MID_FINDING_KINDS]);

void mid_findings_sort(struct mid_findings *list);
void mid_findings_close(struct mid_findings *list);

#endif
