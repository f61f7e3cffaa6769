// observe/page_sites.h -- the sites of a process as a page has them: the largest first, and those
// that would be too many as one.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_PAGE_SITES_H
#define MID_OBSERVE_PAGE_SITES_H

#include <jansson.h>

#include "observe/watch.h"

struct mid_page_sites {
  const struct mid_process *process;
  size_t *order;  // places in the profile, the largest site first
  size_t *rank;   // where each place of the profile stands in `order`
  size_t most;    // from this one on they are one
};

// process  its profile may be NULL, and else is named
struct mid_page_sites mid_page_sites_open(const struct mid_process *process, size_t most);
void mid_page_sites_close(struct mid_page_sites *s);

// The place in the page of the site with this stack; null where there is none.
json_t *mid_page_site(const struct mid_page_sites *s, uint32_t stack);

// Write `strings`, `frames` and `sites`.
void mid_page_sites_add(const struct mid_page_sites *s, json_t *process);

#endif
