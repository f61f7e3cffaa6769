// observe/report.h -- the report of a run, as text for a person and as JSON for a program.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_REPORT_H
#define MID_OBSERVE_REPORT_H

#include <stdio.h>

#include "observe/figures.h"

// What is known of a run beside its processes.
struct mid_run_story {
  const struct mid_watch *watch;
  int status;  // of the first process, from wait
  const char *const *note;
  size_t notes;
};

struct mid_report_style {
  bool colour;       // on a terminal; says nothing that the words do not say
  bool utf8;         // bars and rules from blocks and lines, else from ASCII
  unsigned columns;  // to wrap at
};

void mid_report_text(const struct mid_run_story *story, const struct mid_report_style *style,
                     FILE *out);

// What the process died of, as --diagnose-crash saw it; nothing where that is not known.
void mid_report_crash(const struct mid_process *process, const int *status,
                      const struct mid_report_style *style, FILE *out);

// What its collections cost; nothing where it had none.
void mid_report_collections(const struct mid_process *process, const struct mid_report_style *style,
                            FILE *out);

// What is found of one process, which was diagnosed; nothing where nothing is found.
void mid_report_findings(const struct mid_process *p, const struct mid_report_style *style,
                         FILE *out);

// false when there was no memory for it or `out` could not be written.
bool mid_report_json(const struct mid_run_story *story, FILE *out);

// One line for a terminal while the run goes on: at most `columns` wide.
void mid_report_line(const struct mid_watch *watch, unsigned columns, char *room, size_t bytes);

#endif
