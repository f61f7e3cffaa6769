// observe/json.h -- pieces of what is told as JSON, and how its numbers and words are made.
// SPDX-License-Identifier: MIT
//
// Without memory each gives NULL, which jansson's calls take and turn into a failure.
#ifndef MID_OBSERVE_JSON_H
#define MID_OBSERVE_JSON_H

#include <jansson.h>

#include "observe/profile.h"
#include "observe/report.h"

json_t *mid_json_number(uint64_t n);
json_t *mid_json_round(double value);    // to the nearest whole number; what is none becomes null
json_t *mid_json_string(const char *s);  // what is not UTF-8 is shown as '?'
// Set `function`, `file`, `line` and `stack` of an object; NULL: not known.
void mid_json_set_place(json_t *j, const struct mid_profile_site *site);

// A process of the story, as docs/json.md describes it.
json_t *mid_json_process(const struct mid_run_story *story, size_t i);

#endif
