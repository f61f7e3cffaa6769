// observe/page.h -- the report of a run as one HTML file that needs nothing else.
// SPDX-License-Identifier: MIT
//
//   story, profiles, findings, histories --mid_page_data--> data (docs/report.md), which can be
//   kept data + the template that web/report/ is built to --mid_page_write--> page
#ifndef MID_OBSERVE_PAGE_H
#define MID_OBSERVE_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "observe/report.h"

// The data of a page, as JSON, once its processes were diagnosed (observe/diagnosis.h).
// returns  the caller's to free; NULL: there was no memory
char *mid_page_data(const struct mid_run_story *story);

// Whether these bytes are such data: NULL, or a sentence that says what is wrong with them.
const char *mid_page_check(const char *data, size_t bytes);

// Write the page that shows `data`.  false: there was no memory, or `out` could not be written.
bool mid_page_write(const char *data, FILE *out);

#endif
