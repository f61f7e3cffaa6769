// cli/gate.h -- what `midden run` and `midden attach` share about findings: suppressions, and the
// gate that makes a run fail.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_GATE_H
#define MID_CLI_GATE_H

#include "observe/diagnosis.h"

enum { CLI_GATE_STATUS = 86 };  // no status that programs or shells use for anything else

struct cli_gate {
  struct mid_suppressions suppressions;
  struct mid_symbols *symbols;
  int status;  // of a run that fails
  struct {
    const char *kind;
    enum mid_confidence least;
  } fails[2 * MID_FINDING_KINDS];
  size_t count;
};

struct cli_gate cli_gate_open(void);
void cli_gate_close(struct cli_gate *gate);

// The values of --fail-on, --fail-status and --suppress; a bad one ends the command.
void cli_gate_fail_on(struct cli_gate *gate, const char *list);
void cli_gate_fail_status(struct cli_gate *gate, const char *words);
void cli_gate_suppress(struct cli_gate *gate, const char *file);

// Diagnose every process of the watch.
void cli_gate_diagnose(struct cli_gate *gate, const struct mid_watch *watch);

// Put what seems to grow into the watch's warning: of the living process that holds most.
void cli_gate_warn(struct cli_gate *gate, struct mid_watch *watch);

// The status with which a command ends that else ended well: 0, or the gate's, with a sentence on
// standard error that says why.
int cli_gate_judge(const struct cli_gate *gate, const struct mid_watch *watch);

#endif
