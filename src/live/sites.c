// live/sites.c -- see sites.h.
// SPDX-License-Identifier: MIT
#include "live/sites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "observe/must.h"

const struct mid_site_heading mid_site_headings[MID_SITE_COLUMNS] = {
    [MID_SITE_LIVE] = {"LIVE", "bytes that are live now"},
    [MID_SITE_GROWTH] = {"+/h", "growth of these in an hour"},
    [MID_SITE_RATE] = {"RATE/s", "bytes allocated in a second"},
    [MID_SITE_BLOCKS] = {"N", "blocks that are live now"},
    [MID_SITE_NAME] = {"SITE", "name of the function"},
};

enum {
  SITE_WINDOWS = 64,
  MOST_STACKS = 1 << 20,  // a sample file has room for fewer
  RATE_SECONDS = 5        // that a rate is smoothed over
};

// ---- rows ---------------------------------------------------------------------------------------

static void row_close(struct mid_site_row *row) {
  for (size_t i = 0; row->named && i < row->now.frames; i++) {
    free((char *)(uintptr_t)row->now.frame[i].function);
    free((char *)(uintptr_t)row->now.frame[i].file);
    free((char *)(uintptr_t)row->now.frame[i].module);
  }
  if (row->named) free(row->now.frame);
  mid_series_close(&row->live);
  free(row);
}

void mid_sites_close(struct mid_sites *sites) {
  for (size_t i = 0; i < sites->count; i++) row_close(sites->row[i]);
  free(sites->row);
  free(sites->by_stack);
  *sites = (struct mid_sites){0};
}

static struct mid_site_row **row_slot(struct mid_sites *sites, uint32_t stack) {
  if (stack >= sites->stacks) {
    size_t more = 2 * (size_t)stack + 64;
    sites->by_stack = mid_must(realloc(sites->by_stack, more * sizeof(void *)));
    memset(sites->by_stack + sites->stacks, 0, (more - sites->stacks) * sizeof(void *));
    sites->stacks = more;
  }
  return &sites->by_stack[stack];
}

static struct mid_site_row *row_of(struct mid_sites *sites, uint32_t stack, double interval) {
  struct mid_site_row **slot = row_slot(sites, stack);
  if (*slot != NULL) return *slot;
  struct mid_site_row *row = *slot = mid_must(calloc(1, sizeof *row));
  mid_series_open(&row->live, SITE_WINDOWS, interval, mid_series_longest);
  sites->row = mid_must(realloc(sites->row, (sites->count + 1) * sizeof(void *)));
  return sites->row[sites->count++] = row;
}

// At the first look it is what it was on average so far.
static void row_rate(struct mid_site_row *row, const struct mid_profile_site *site, double now,
                     double profile_now) {
  double seconds = now - row->looked, whole = profile_now - site->first;
  if (row->looked == 0) {
    row->rate = whole > 1 ? site->allocated_bytes / whole : 0;
  } else if (seconds > 0) {
    double rate = fmax(site->allocated_bytes - row->allocated_bytes, 0) / seconds;
    row->rate += (rate - row->rate) * -expm1(-seconds / RATE_SECONDS);
  }
  row->looked = now;
  row->allocated_bytes = site->allocated_bytes;
}

static void row_take(struct mid_site_row *row, const struct mid_profile_site *site, double now,
                     double profile_now) {
  struct mid_profile_frame *frame = row->now.frame;
  size_t frames = row->now.frames, place = row->now.place, windows = row->live.count;
  double began = windows > 0 ? row->live.when[windows - 1] : 0;
  row->now = *site;
  row->now.raw = NULL;
  row->now.frame = frame;
  row->now.frames = frames;
  row->now.place = place;
  row_rate(row, site, now, profile_now);
  mid_series_add(&row->live, now, site->live_bytes);
  // A trend changes as a window is closed.
  if (row->live.count != windows || row->live.when[row->live.count - 1] != began)
    row->trend_known = mid_series_trend(&row->live, &row->trend);
}

bool mid_sites_take(struct mid_sites *sites, const struct mid_profile *profile, double now,
                    double interval) {
  bool anew = profile->now < sites->profile_now;
  if (anew) mid_sites_close(sites);
  sites->profile_now = profile->now;
  for (size_t i = 0; i < profile->sites; i++) {
    const struct mid_profile_site *site = &profile->site[i];
    if (site->stack < MOST_STACKS)
      row_take(row_of(sites, site->stack, interval), site, now, profile->now);
  }
  return anew;
}

// ---- names --------------------------------------------------------------------------------------

static char *row_word(const char *words) { return mid_must(strdup(words != NULL ? words : "")); }

static void row_name(struct mid_site_row *row, struct mid_profile *profile,
                     struct mid_symbols *symbols) {
  const struct mid_profile_site *known = mid_profile_site_of(profile, row->now.stack);
  if (known == NULL) return;
  struct mid_profile_site *site = &profile->site[known - profile->site];
  mid_profile_name(profile, site, symbols);
  row->now.frame = mid_must(calloc(site->frames + 1, sizeof *row->now.frame));
  row->now.frames = site->frames;
  row->now.place = site->place;
  for (size_t i = 0; i < site->frames; i++) {
    struct mid_profile_frame *f = &row->now.frame[i];
    *f = site->frame[i];
    f->function = row_word(f->function);
    f->file = row_word(f->file);
    f->module = row_word(f->module);
  }
  row->named = true;
}

static double site_processor_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool mid_sites_name(struct mid_site_row *const *order, size_t count, struct mid_profile *profile,
                    struct mid_symbols *symbols, double seconds) {
  double end = site_processor_seconds() + seconds;
  for (size_t i = 0; i < count; i++) {
    if (order[i]->named) continue;
    row_name(order[i], profile, symbols);
    if (site_processor_seconds() > end) return false;
  }
  return true;
}

struct mid_profile_frame mid_site_place(const struct mid_site_row *row) {
  if (!row->named) return (struct mid_profile_frame){"...", "", 0, "", false, 0};
  return *mid_profile_place(&row->now);
}

// ---- order --------------------------------------------------------------------------------------

double mid_site_growth(const struct mid_site_row *row) {
  const struct mid_trend *t = &row->trend;
  bool sure = row->trend_known && (t->lower > 0 || t->upper < 0);
  return sure ? t->slope * 3600 : 0;
}

bool mid_site_matches(const struct mid_site_row *row, const char *words) {
  for (size_t i = 0; row->named && i < row->now.frames; i++)
    if (strcasestr(row->now.frame[i].function, words) != NULL ||
        strcasestr(row->now.frame[i].file, words) != NULL)
      return true;
  return *words == 0;
}

static double row_value(const struct mid_site_row *row, enum mid_site_column column) {
  return column == MID_SITE_LIVE     ? row->now.live_bytes
         : column == MID_SITE_GROWTH ? mid_site_growth(row)
         : column == MID_SITE_RATE   ? row->rate
                                     : row->now.live;
}

struct by {
  enum mid_site_column column;
  int sign;
};

static int by_column(const void *a, const void *b, void *self) {
  const struct mid_site_row *x = *(void *const *)a, *y = *(void *const *)b;
  const struct by *by = self;
  int order;
  if (by->column == MID_SITE_NAME) {
    order = strcasecmp(mid_site_place(x).function, mid_site_place(y).function);
  } else {
    double one = row_value(x, by->column), other = row_value(y, by->column);
    order = one < other ? 1 : one > other ? -1 : 0;
  }
  if (order != 0) return by->sign * order;
  return x->now.stack < y->now.stack ? -1 : x->now.stack > y->now.stack;
}

size_t mid_sites_order(const struct mid_sites *sites, enum mid_site_column column, bool reverse,
                       const char *filter, struct mid_site_row ***order) {
  struct by by = {column, reverse ? -1 : 1};
  size_t count = 0;
  if (sites->count == 0) return 0;
  *order = mid_must(realloc(*order, sites->count * sizeof(void *)));
  for (size_t i = 0; i < sites->count; i++)
    if (mid_site_matches(sites->row[i], filter)) (*order)[count++] = sites->row[i];
  if (count > 0) qsort_r(*order, count, sizeof(void *), by_column, &by);
  return count;
}
