// live/page.h -- pages of text: the stack of a site with its figures, and help.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_PAGE_H
#define MID_LIVE_PAGE_H

#include "live/sites.h"

// Each makes an array of lines with NULL at its end.  A line that begins with no blank is a
// heading.
char **mid_page_of_site(const struct mid_site_row *row);
char **mid_page_of_help(void);
size_t mid_page_lines(char *const *page);
void mid_page_close(char **page);

#endif
