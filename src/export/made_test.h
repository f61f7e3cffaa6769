// export/made_test.h -- the data of a run that a test makes; behind test.h.
// SPDX-License-Identifier: MIT
#ifndef MID_EXPORT_MADE_TEST_H
#define MID_EXPORT_MADE_TEST_H

#include <stdio.h>

#include "export/kept.h"

// One process of these sites, which are in JSON: {"stack": [0], "live_bytes": 10, ...}.  Frame 0 is
// `leaf`, 1 is `main`, 2 is `inner`, inlined, all of f.c; 3 is of a site that has no name.
static inline struct mid_kept made_run(const char *sites) {
  static char data[4096];
  struct mid_kept k;
  snprintf(data, sizeof data,
           "{\"made\": \"2026-01-02T03:04:05Z\", \"processes\": [{\"process\": {\"pid\": 42,"
           " \"command\": \"/usr/bin/tool -x\", \"wall_seconds\": 2.5},"
           " \"sampling\": {\"mean\": 512},"
           " \"strings\": [\"\", \"leaf;a\", \"main\", \"inner\", \"/src/f.c\", \"/bin/tool\","
           " \"?\"],"
           " \"frames\": [[1, 4, 10, 5, 0], [2, 4, 20, 5, 0], [3, 4, 30, 5, 1], [6, 0, 0, 0, 0]],"
           " \"sites\": %s}]}",
           sites);
  CHECK_WHOLE(mid_kept_read(data, strlen(data), &k));
  return k;
}

#endif
