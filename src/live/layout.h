// live/layout.h -- the parts of the screen of `midden top`, and who draws them.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_LAYOUT_H
#define MID_LIVE_LAYOUT_H

#include "live/text.h"
#include "live/top.h"

// Which rows belong to what, from above.
struct mid_layout {
  unsigned columns, rows;
  unsigned chart_rows;                    // of each of the two charts; 0: none
  bool second, requests, collects, keys;  // lines that are there
  unsigned list;                          // where the list begins, its heading first
  unsigned list_rows;                     // without the heading
};

void mid_draw_above(const struct mid_top *top, const struct mid_layout *l);  // the process
void mid_draw_sites(struct mid_top *top, const struct mid_layout *l);        // the table

// A sentence in place of a list.
void mid_draw_sentence(const char *words, const struct mid_layout *l);

#endif
