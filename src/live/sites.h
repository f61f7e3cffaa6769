// live/sites.h -- the sites of one process over time: what each holds, how it grows, its name.
// SPDX-License-Identifier: MIT
//
//   profile (the sample file, read anew at each look) --take--> rows, one a site, that stay
//   rows --order--> those that a filter lets through, sorted
#ifndef MID_LIVE_SITES_H
#define MID_LIVE_SITES_H

#include "live/series.h"
#include "observe/profile.h"

struct mid_site_row {
  struct mid_profile_site now;  // figures of the last look; of its pointers only `frame` counts
  bool named;                   // the frames are there, and the row's own
  struct mid_series live;       // bytes
  struct mid_trend trend;       // of it
  bool trend_known;
  double rate;                     // bytes allocated a second, over some seconds
  double looked, allocated_bytes;  // at the last look
};

enum mid_site_column {
  MID_SITE_LIVE,
  MID_SITE_GROWTH,
  MID_SITE_RATE,
  MID_SITE_BLOCKS,
  MID_SITE_NAME,
  MID_SITE_COLUMNS
};
struct mid_site_heading {
  const char *heading;  // over the column
  const char *meaning;
};
extern const struct mid_site_heading mid_site_headings[MID_SITE_COLUMNS];

struct mid_sites {
  struct mid_site_row **row;  // in the order in which they were first seen
  size_t count;
  struct mid_site_row **by_stack;  // NULL: not seen
  size_t stacks;
  double profile_now;
};

void mid_sites_close(struct mid_sites *sites);

// Take the figures of a profile that was read at `now` seconds, looks being `interval` seconds
// apart.  A profile of another program, after exec, begins anew: pointers to rows are void then,
// and the answer is true.
bool mid_sites_take(struct mid_sites *sites, const struct mid_profile *profile, double now,
                    double interval);

// Name rows of `order` that have no names yet, in that order, until some seconds are spent; one at
// least.  `profile` is the one that was taken last.
// returns  whether all have names
bool mid_sites_name(struct mid_site_row *const *order, size_t count, struct mid_profile *profile,
                    struct mid_symbols *symbols, double seconds);

// Those that have `filter` in a function or file of their stack, largest first and names from A on,
// or the other way about.  *order is enlarged as needed.
// returns  how many
size_t mid_sites_order(const struct mid_sites *sites, enum mid_site_column column, bool reverse,
                       const char *filter, struct mid_site_row ***order);

bool mid_site_matches(const struct mid_site_row *row, const char *words);

// The frame to blame; its function is "..." as long as it has no name.
struct mid_profile_frame mid_site_place(const struct mid_site_row *row);
// Bytes an hour; 0 when it is not certain that it rises or falls at all.
double mid_site_growth(const struct mid_site_row *row);

#endif
