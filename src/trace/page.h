// trace/page.h -- a summary for a person: text, the plot of live bytes, and that plot as SVG.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_PAGE_H
#define MID_TRACE_PAGE_H

#include <stdio.h>

#include "observe/report.h"
#include "trace/summary.h"

void mid_page_text(const struct mid_summary *s, const struct mid_trace *t, const char *name,
                   const struct mid_report_style *style, FILE *out);
void mid_page_svg(const struct mid_summary *s, const char *name, FILE *out);

// "libc.so.6+0x1234": what a return address is called; as long as `room`.
const char *mid_page_site(const struct mid_trace *t, uint32_t stack, char *room, size_t bytes);

#endif
