// live/draw_sites.c -- the table of sites.
// SPDX-License-Identifier: MIT
#include "live/layout.h"
#include "live/screen.h"

enum { LIVE_COLUMNS = 8, GROWTH_COLUMNS = 9, RATE_COLUMNS = 8, BLOCKS_COLUMNS = 7, TREND = 10 };
enum { LEAST_SITE = 20 };

// Which columns there is room for.
struct table {
  bool growth, rate, blocks, trend;
  unsigned site;  // where it begins
};

static struct table table_make(unsigned columns) {
  struct table t = {.site = LIVE_COLUMNS + 2};
  if (columns >= t.site + GROWTH_COLUMNS + 1 + LEAST_SITE) {
    t.growth = true;
    t.site += GROWTH_COLUMNS + 1;
  }
  if (columns >= t.site + RATE_COLUMNS + 1 + LEAST_SITE) t.rate = true, t.site += RATE_COLUMNS + 1;
  if (columns >= t.site + BLOCKS_COLUMNS + 1 + LEAST_SITE) {
    t.blocks = true;
    t.site += BLOCKS_COLUMNS + 1;
  }
  if (columns >= t.site + TREND + 2 + LEAST_SITE) t.trend = true, t.site += TREND + 2;
  return t;
}

// The column that sorts has an arrow.
static const char *heading(const struct mid_top *top, enum mid_site_column column,
                           struct mid_words *room) {
  bool utf8 = mid_locale_is_utf8(), down = top->reverse == (column == MID_SITE_NAME);
  const char *arrow = utf8 ? (down ? "\u25bc" : "\u25b2") : (down ? "v" : "^");
  snprintf(room->at, sizeof room->at, "%s%s", top->column == column ? arrow : "",
           mid_site_headings[column].heading);
  return room->at;
}

static void put_right(unsigned row, unsigned *at, unsigned columns, enum mid_look look,
                      const char *words) {
  unsigned used = mid_columns(words);
  mid_screen_put(row, *at + (used < columns ? columns - used : 0), columns, look, words);
  *at += columns + 1;
}

// The end of a column that is not there is not moved past.
static void draw_headings(const struct mid_top *top, const struct table *t,
                          const struct mid_layout *l) {
  struct mid_words room;
  unsigned at = 0, row = l->list;
  mid_screen_put(row, 0, l->columns, MID_BAR, "");
  put_right(row, &at, LIVE_COLUMNS, MID_BAR, heading(top, MID_SITE_LIVE, &room));
  if (t->growth) put_right(row, &at, GROWTH_COLUMNS, MID_BAR, heading(top, MID_SITE_GROWTH, &room));
  if (t->rate) put_right(row, &at, RATE_COLUMNS, MID_BAR, heading(top, MID_SITE_RATE, &room));
  if (t->blocks) put_right(row, &at, BLOCKS_COLUMNS, MID_BAR, heading(top, MID_SITE_BLOCKS, &room));
  if (t->trend) mid_screen_put(row, at + 1, TREND, MID_BAR, "TREND");
  mid_screen_put(row, t->site, l->columns - t->site, MID_BAR, heading(top, MID_SITE_NAME, &room));
}

// The function, its place, and as many callers as there is room for.
static void site_words(const struct mid_site_row *row, unsigned columns, struct mid_line *out) {
  struct mid_profile_frame place = mid_site_place(row);
  struct mid_line part;
  size_t at = (size_t)snprintf(out->at, sizeof out->at, "%s",
                               mid_fit(place.function, columns, MID_CUT_MIDDLE, &part));
  unsigned used = mid_columns(out->at);
  const char *file = place.line > 0 ? place.file : "";
  if (*file != 0 && used + 10 <= columns) {
    unsigned most = columns - used - 2 < 28 ? columns - used - 2 : 28;
    at += (size_t)snprintf(out->at + at, sizeof out->at - at, "  %s",
                           mid_fit_path(file, place.line, most, &part));
    used = mid_columns(out->at);
  }
  for (size_t i = row->now.place + 1; row->named && i < row->now.frames; i++) {
    const char *caller = row->now.frame[i].function;
    if (used + mid_columns(caller) + 3 > columns) return;
    at += (size_t)snprintf(out->at + at, sizeof out->at - at, " %s %s",
                           mid_locale_is_utf8() ? "\u2039" : "<", caller);
    used = mid_columns(out->at);
  }
}

static void draw_site(const struct mid_site_row *site, unsigned row, bool chosen,
                      const struct table *t, const struct mid_layout *l) {
  struct mid_line words;
  struct mid_words room;
  double growth = mid_site_growth(site);
  enum mid_look plain = chosen ? MID_CHOSEN : MID_PLAIN;
  unsigned at = 0;
  mid_screen_put(row, 0, l->columns, plain, "");
  put_right(row, &at, LIVE_COLUMNS, chosen ? MID_CHOSEN : MID_BOLD, MID_SIZE(site->now.live_bytes));
  const char *grows = !site->trend_known ? "" : growth == 0 ? "." : mid_signed_size(growth, &room);
  enum mid_look rises = growth > 0 && !chosen ? MID_RISES : plain;
  if (t->growth) put_right(row, &at, GROWTH_COLUMNS, rises, grows);
  if (t->rate) put_right(row, &at, RATE_COLUMNS, plain, MID_SIZE(site->rate));
  if (t->blocks) put_right(row, &at, BLOCKS_COLUMNS, plain, MID_COUNT(site->now.live));
  if (t->trend)
    mid_screen_put(row, at + 1, TREND, chosen ? MID_CHOSEN : MID_LIVE,
                   mid_chart(&site->live, TREND, 1, 0, &words));
  site_words(site, l->columns - t->site, &words);
  mid_screen_put(row, t->site, l->columns - t->site, plain, words.at);
}

void mid_draw_sites(struct mid_top *top, const struct mid_layout *l) {
  struct table t = table_make(l->columns);
  mid_list_settle(&top->table, l->list_rows);
  draw_headings(top, &t, l);
  struct mid_line why;
  if (top->no_sites != NULL && top->sites.count == 0) {
    snprintf(why.at, sizeof why.at, "No sites are shown: %s.", top->no_sites);
    mid_draw_sentence(why.at, l);
  } else if (top->table.count == 0 && top->filter[0] != 0) {
    snprintf(why.at, sizeof why.at, "No site has '%s' in its stack: f changes the filter.",
             top->filter);
    mid_draw_sentence(why.at, l);
  }
  for (size_t i = 0; i < l->list_rows && top->table.first + i < top->table.count; i++) {
    size_t at = top->table.first + i;
    draw_site(top->shown[at], l->list + 1 + (unsigned)i, at == top->table.at, &t, l);
  }
}
