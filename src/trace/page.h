// trace/page.h -- a summary for a person: text, the plot of live bytes, and that plot as SVG.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_PAGE_H
#define MID_TRACE_PAGE_H

#include <stdio.h>

#include "observe/report.h"
#include "trace/sites.h"

// `symbols` as in mid_sites_print.
void mid_page_text(const struct mid_summary *s, const struct mid_trace *t,
                   struct mid_symbols *symbols, const char *name,
                   const struct mid_report_style *style, FILE *out);
void mid_page_svg(const struct mid_summary *s, const char *name, FILE *out);

#endif
