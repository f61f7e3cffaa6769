// export/formats.h -- a run in the formats of other tools.  docs/export.md tells what reads which.
// SPDX-License-Identifier: MIT
//
// Each is false where `out` could not be written or there was no memory.
#ifndef MID_EXPORT_FORMATS_H
#define MID_EXPORT_FORMATS_H

#include <stdio.h>

#include "export/kept.h"

// gzip of a profile.proto, as `go tool pprof` reads it: all sites of all processes.
bool mid_export_pprof(const struct mid_kept *k, FILE *out);

// A line a site: frames with semicolons between, the outermost first, and its bytes.
bool mid_export_folded(const struct mid_kept *k, bool allocated, FILE *out);

// Chrome's trace events: live memory over time, and findings at the end.
bool mid_export_chrome(const struct mid_kept *k, FILE *out);

// The figures of each process and its largest sites, as OpenMetrics 1.0 or, where `openmetrics` is
// false, as the text format 0.0.4 of Prometheus.
bool mid_export_metrics(const struct mid_kept *k, bool openmetrics, FILE *out);

#endif
