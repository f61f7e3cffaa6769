// cli/file.h -- files that are written whole or not at all: beside, then renamed.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_FILE_H
#define MID_CLI_FILE_H

#include <stdbool.h>
#include <stdio.h>

// Whether `name` could be written now: 0, or the errno that says why not.
int cli_file_check(const char *name);

// The command ends with a complaint where `name`, if there is one, could not be written.
void cli_file_require(const char *name);

// Call `print` with a stream and see that all of it is in `name`: 0 or the errno.  What is no plain
// file, such as a pipe or a terminal, is written in place.
int cli_file_write(const char *name, bool (*print)(const void *self, FILE *out), const void *self);

// A `print` that copies the stream `self`, from its start.
bool cli_file_copy(const void *self, FILE *out);

#endif
