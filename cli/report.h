// cli/report.h -- the report of a run in a file: as text, or as a page or its data.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_REPORT_H
#define MID_CLI_REPORT_H

#include <stdbool.h>

// A report in a file of this name is text.
bool cli_report_is_text(const char *name);

// Write the page that shows `data` to file `name` or, where that ends in .json, the data
// themselves. returns  0 or the errno; NULL for data are no memory
int cli_report_write(const char *name, const char *data);

#endif
