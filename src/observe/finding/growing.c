// observe/finding/growing.c -- places whose live bytes rise without end, though they are still
// held.
// SPDX-License-Identifier: MIT
//
//   births of the live samples      live bytes, minima of windows, on two clocks
//   x xx x  x xx  x xx x x xx  x          __--
//   |------------ run ----------|     __--           --> possible, likely, certain
//
// Ages tell a place that keeps what it gets from one that is filled once or that replaces what it
// holds; they need no history, so that they also serve a process that is met late.  The trend tells
// whether it goes on, and that it is no accident; where it is straight it does without ages.
#include <math.h>
#include <stdlib.h>

#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/trend.h"
#include "observe/words.h"

enum { BIRTHS = MID_HISTORY_BIRTHS, STARTS = 3, MIDDLE = 9 };  // parts of the run: start-up; half

struct growth {
  const struct mid_place *place;
  struct mid_history_birth birth[MID_HISTORY_CLOCKS][BIRTHS];
  double samples, late, blocks;       // late: samples born after the start-up
  double fullest, fullest_at, bytes;  // bytes: by which it grew after the start-up
  size_t looks;                       // up to the fullest; 0: its stacks never were at once
  struct mid_trend wall, work;
  bool has_trend, spread;  // spread: the births of what is live are
  enum mid_confidence sure;
};

// ---- ages ---------------------------------------------------------------------------------------

static struct mid_history_birth sum_of(const struct mid_history_birth *birth, int from, int to) {
  struct mid_history_birth sum = {0};
  for (int b = from; b < to; b++) {
    sum.samples += birth[b].samples;
    sum.blocks += birth[b].blocks;
    sum.squares += birth[b].squares;
  }
  return sum;
}

static void take_births(const struct mid_evidence *e, struct growth *g) {
  for (size_t i = 0; i < g->place->stacks; i++) {
    const struct mid_history_site *site = mid_history_of(e->history, g->place->stack[i]);
    if (site == NULL) continue;
    for (int c = 0; c < MID_HISTORY_CLOCKS; c++)
      for (int b = 0; b < BIRTHS; b++) {
        g->birth[c][b].samples += site->birth[c][b].samples;
        g->birth[c][b].blocks += site->birth[c][b].blocks;
        g->birth[c][b].squares += site->birth[c][b].squares;
      }
    g->fullest += site->fullest;
    g->fullest_at = fmax(g->fullest_at, site->fullest_at);
  }
  struct mid_history_birth all = sum_of(g->birth[MID_HISTORY_TIME], 0, BIRTHS);
  struct mid_history_birth late = sum_of(g->birth[MID_HISTORY_TIME], STARTS, BIRTHS);
  g->samples = all.samples;
  g->late = late.samples;
  g->blocks = all.blocks;
  if (all.blocks > 0) g->bytes = g->fullest * late.blocks / all.blocks;
}

// `part` of what comes on average in each of so many parts of the run is in this sum at least, or
// could be but for two standard errors of it.
static bool has_part(struct mid_history_birth sum, int parts, double mean, double part) {
  return sum.blocks + 2 * sqrt(sum.squares) >= part * parts * mean;
}

// The blocks that a sample of this part stands for: where there is none, as in the part next to it
// where they are more.  0: there is none at all.
static double weight_in(const struct mid_history_birth *birth, int part) {
  double weight = 0;
  for (int away = 0; away < BIRTHS && weight <= 0; away++)
    for (int b = part - away; b <= part + away; b += away > 0 ? 2 * away : 1)
      if (b >= STARTS && b < BIRTHS && birth[b].blocks > 0)
        weight = fmax(weight, birth[b].squares / birth[b].blocks);
  return weight;
}

// In nearly as many parts of the run as samples would fall into by chance were births even: late
// ones stand for many blocks each, so that they are few.
static bool fills_parts(const struct mid_history_birth *birth, double mean) {
  double filled = 0, expected = 0;
  for (int b = STARTS; b < BIRTHS; b++) {
    filled += birth[b].samples > 0;
    expected += 1 - exp(-mean / weight_in(birth, b));
  }
  return filled >= 0.75 * expected;
}

// Births are all over the run, and neither half nor the end has but a few of them.
static bool is_even(const struct mid_history_birth *birth) {
  double mean = sum_of(birth, STARTS, BIRTHS).blocks / (BIRTHS - STARTS);
  return mean > 0 && fills_parts(birth, mean) &&
         has_part(sum_of(birth, STARTS, MIDDLE), MIDDLE - STARTS, mean, 0.6) &&
         has_part(sum_of(birth, MIDDLE, BIRTHS), BIRTHS - MIDDLE, mean, 0.6) &&
         has_part(sum_of(birth, BIRTHS - 4, BIRTHS), 4, mean, 0.5);
}

// By time, or by work where time has its second half as well: a process that others kept from
// running, or that waits now and then, does the same work in uneven times.
static bool is_spread(const struct growth *g) {
  const struct mid_history_birth *time = g->birth[MID_HISTORY_TIME];
  double mean = sum_of(time, STARTS, BIRTHS).blocks / (BIRTHS - STARTS);
  return is_even(time) || (is_even(g->birth[MID_HISTORY_WORK]) &&
                           has_part(sum_of(time, MIDDLE, BIRTHS), BIRTHS - MIDDLE, mean, 0.6));
}

// ---- the trend ----------------------------------------------------------------------------------

// Up to the last look at which it was nearly fullest: at its end a program may free all.
static void take_trend(const struct mid_evidence *e, struct growth *g) {
  const struct mid_history *h = e->history;
  double when[MID_HISTORY_LOOKS], work[MID_HISTORY_LOOKS], live[MID_HISTORY_LOOKS];
  size_t points = 0, full = 0;
  for (size_t i = 0; i < h->looks; i++) {
    if (!h->look[i].sampled) continue;
    when[points] = h->look[i].when;
    work[points] = h->look[i].work;
    live[points++] = mid_evidence_live(e, g->place, i);
    if (live[points - 1] < 0.9 * g->fullest) continue;
    full = points;
    g->looks = i + 1;
  }
  if (g->looks == 0) return;
  g->has_trend =
      mid_trend_make(when, live, full, &g->wall) && mid_trend_make(work, live, full, &g->work);
}

// Whether it rose in proportion to this clock, up to its fullest: at nine in ten of at least so
// many looks between its ends.
static bool is_straight(const struct mid_evidence *e, const struct growth *g,
                        enum mid_history_clock clock) {
  enum { LEAST = 4 };
  const struct mid_history_look *look = e->history->look;
  bool time = clock == MID_HISTORY_TIME;
  double end = time ? look[g->looks - 1].when : look[g->looks - 1].work, between = 0, near = 0;
  for (size_t i = 0; i < g->looks && end > 0; i++) {
    double part = (time ? look[i].when : look[i].work) / end;
    if (!look[i].sampled || part < 0.1 || part > 0.9) continue;
    between++;
    near += fabs(mid_evidence_live(e, g->place, i) / g->fullest - part) <= 0.2;
  }
  return between >= LEAST && near >= 0.9 * between;
}

// A queue whose producers are faster has young blocks alone, and rises all the same.
static bool is_climb(const struct mid_evidence *e, const struct growth *g) {
  return g->looks > 0 &&
         (is_straight(e, g, MID_HISTORY_TIME) || is_straight(e, g, MID_HISTORY_WORK));
}

// By which it grew in the second half of the looks.
static double half_grown(const struct mid_evidence *e, const struct growth *g, size_t looks) {
  return mid_evidence_live(e, g->place, looks - 1) - mid_evidence_live(e, g->place, looks / 2);
}

// A place that is refilled has spread births, but its second half adds nothing to the first.
static bool is_level(const struct mid_evidence *e, const struct growth *g) {
  if (g->looks < 8) return false;  // not known
  double half = mid_evidence_live(e, g->place, g->looks / 2);
  double begin = mid_evidence_live(e, g->place, 0);
  return g->fullest - half + g->place->sum.live_error < 0.25 * (g->fullest - begin);
}

// ---- how sure -----------------------------------------------------------------------------------

// What a program does in its first moments is mostly to start: only beside much else that comes and
// goes does a rise mean something then.
static bool is_mere_start(const struct mid_evidence *e, const struct growth *g, double seconds) {
  const struct mid_history_look *last = &e->history->look[e->history->looks - 1];
  return seconds < MID_GROWING_SHORT_SECONDS &&
         (g->late < MID_GROWING_SHORT_BIRTHS ||
          last->work < MID_GROWING_SHORT_WORK * (double)e->figures.peak_live);
}

static bool has_births(const struct growth *g) {
  const struct mid_profile_site *s = &g->place->sum;
  bool keeps_all = s->samples == s->live_samples;
  return g->late >= (keeps_all ? MID_GROWING_KEPT_BIRTHS : MID_GROWING_BIRTHS);
}

static bool grows(const struct mid_evidence *e, struct growth *g) {
  double seconds = e->history->look[e->history->looks - 1].when;
  take_births(e, g);
  if (!has_births(g) || g->bytes < MID_GROWING_BYTES ||
      g->bytes < MID_GROWING_PART * (double)e->figures.peak_live || seconds < MID_GROWING_SECONDS ||
      is_mere_start(e, g, seconds) || g->fullest_at < 0.8 * seconds)
    return false;
  take_trend(e, g);
  g->spread = is_spread(g);
  return (g->spread || is_climb(e, g)) && !is_level(e, g);
}

static bool is_steady(const struct mid_trend *t) {
  return t->second < 2.5 * t->first && t->first < 2.5 * t->second;
}

static double chance_of(const struct growth *g, size_t count) {
  double *p = calloc(count + 1, sizeof *p);
  size_t judged = 0;
  if (p == NULL) abort();
  for (size_t i = 0; i < count; i++)
    if (g[i].has_trend) p[judged++] = g[i].wall.p;
  double chance = mid_trend_chance(p, judged, MID_GROWING_ERROR_RATE);
  free(p);
  return chance;
}

static bool is_likely(const struct mid_evidence *e, const struct growth *g, double chance,
                      double all) {
  const struct mid_history_look *last = &e->history->look[g->looks > 0 ? g->looks - 1 : 0];
  const struct mid_trend *t = &g->wall;
  return g->has_trend && g->spread && g->samples >= MID_GROWING_SURE_SAMPLES &&
         last->when >= MID_GROWING_LIKELY_SECONDS && mid_trend_rises(t) &&
         mid_trend_rises(&g->work) && is_steady(t) && t->p <= chance &&
         t->lower * last->when > 2 * g->place->sum.live_error &&
         t->lower * 3600 >= MID_GROWING_LEAST_ALARM && last->work >= 2 * g->bytes &&
         g->bytes >= 0.1 * all;
}

// Whether the rest of the process was level while these grew.  What is itself accused, on figures
// of its own, speaks neither for nor against another: only what is not accused tells that the
// process was done with its start.  So the rest is held against the growth of all that are accused,
// of whose samples the rest has the error.
static bool is_rest_level(const struct mid_evidence *e, const struct growth *g, size_t count,
                          size_t looks) {
  const struct mid_history_look *look = e->history->look;
  double all = look[looks - 1].live - look[looks / 2].live, accused = 0, both = 0;
  for (size_t i = 0; i < count; i++) {
    if (g[i].sure == MID_POSSIBLE) continue;
    accused += half_grown(e, &g[i], looks);
    both += g[i].wall.first + g[i].wall.second;
  }
  return all - accused <= MID_GROWING_LEVEL * both;
}

// Where more than a few places rise together it is the program that fills.
static void judge(const struct mid_evidence *e, struct growth *g, size_t count, double all) {
  double chance = chance_of(g, count);
  for (size_t i = 0; i < count; i++)
    g[i].sure = is_likely(e, &g[i], chance, all) ? MID_LIKELY : MID_POSSIBLE;
  for (size_t i = 0; i < count && count <= MID_GROWING_PLACES; i++)
    if (g[i].sure == MID_LIKELY &&
        e->history->look[g[i].looks - 1].when >= MID_GROWING_CERTAIN_SECONDS &&
        is_rest_level(e, g, count, g[i].looks))
      g[i].sure = MID_CERTAIN;
}

// ---- what is said of it -------------------------------------------------------------------------

#define SIZE(bytes) mid_words_size((uint64_t)(bytes), &(struct mid_words){0})
#define COUNT(n) mid_words_count((double)(n), &(struct mid_words){0})
#define SECONDS(s) mid_words_seconds(s, &(struct mid_words){0})

// From a minute on: how fast, and when nothing is left.
static void say_rate(const struct mid_evidence *e, const struct mid_trend *t, double seconds,
                     char *room, size_t bytes) {
  *room = 0;
  if (seconds < MID_GROWING_CERTAIN_SECONDS || t->slope <= 0) return;
  int n = snprintf(room, bytes, "; %s an hour", SIZE(t->slope * 3600));
  if (e->room > 0 && t->lower > 0)
    snprintf(room + n, bytes - (size_t)n, ", which fills the %s that are left in %s to %s",
             SIZE(e->room), SECONDS((double)e->room / t->upper),
             SECONDS((double)e->room / t->lower));
}

static void growing_say_why(const struct growth *g, struct mid_finding *f) {
  char trend[200] = "; there were too few looks for a trend";
  if (g->looks == 0)
    snprintf(trend, sizeof trend, "; the ways that lead here were fullest at different times");
  if (g->has_trend)
    snprintf(trend, sizeof trend,
             "; it rose in %.0f %% of %zu windows of time and %.0f %% of %zu "
             "of work done",
             100 * g->wall.rising, g->wall.windows, 100 * g->work.rising, g->work.windows);
  char doubt[96] = "";
  if (g->sure == MID_POSSIBLE)
    snprintf(doubt, sizeof doubt, "; a table that fills or a start-up would look the same");
  if (g->spread)
    mid_finding_why(f, "the %s live samples were born all over the run%s%s", COUNT(g->samples),
                    trend, doubt);
  else
    mid_finding_why(f, "it rose evenly from look to look, though blocks of it are freed%s%s", trend,
                    doubt);
}

static void growing_tell(const struct mid_evidence *e, const struct growth *g,
                         struct mid_findings *out) {
  char rate[160];
  double seconds = g->fullest_at;  // which births are told in parts of
  struct mid_finding *f =
      mid_finding_add(out, "growing", g->sure, &g->place->sum, g->fullest, g->blocks);
  f->badness = 4 * g->bytes;
  say_rate(e, &g->wall, seconds, rate, sizeof rate);
  mid_finding_what(f,
                   "live memory from here rises without end: %s, of which %s came after the "
                   "first fifth of %s%s",
                   SIZE(g->fullest), SIZE(g->bytes), SECONDS(seconds), rate);
  growing_say_why(g, f);
  mid_finding_advise(f,
                     "give what holds these blocks a bound, or remove its entries when they are "
                     "done with: since the start-up it took %s, about %s bytes a second",
                     SIZE(g->bytes), COUNT(g->bytes / (0.8 * seconds)));
}

// The place that most of what is live comes from, by its samples; or NULL.  One of which some were
// freed would have been found by its ages, were samples dense enough to see what came late.
static const struct mid_place *keeper_of(const struct mid_evidence *e, double grew) {
  const struct mid_place *most = NULL;
  double all = 0;
  for (size_t i = 0; i < e->places; i++) {
    const struct mid_place *place = &e->place[i];
    all += place->sum.live_bytes;
    if (most == NULL || place->sum.live_bytes > most->sum.live_bytes) most = place;
  }
  if (most == NULL || !mid_place_is_own(most) || most->sum.live_bytes <= all / 2 ||
      most->sum.samples < MID_GROWING_SURE_SAMPLES)
    return NULL;
  bool keeps_all = most->sum.samples == most->sum.live_samples;
  bool seldom = grew < MID_GROWING_SURE_SAMPLES * (double)e->profile->mean;
  return keeps_all || (seldom && most->sum.live_samples >= MID_GROWING_BIRTHS) ? most : NULL;
}

// Up to the last look at which it was nearly fullest; one look alone may be far above it, since
// counts come with refills, and the exact ones at the end are below.
static size_t looks_to_fullest(const double *live, size_t looks) {
  double fullest = 0;
  size_t full = looks;
  for (size_t i = 1; i < looks; i++) fullest = fmax(fullest, fmin(live[i - 1], live[i]));
  while (full > 0 && live[full - 1] < 0.9 * fullest) full--;
  return full;
}

// The process's live bytes are counted, not sampled: they tell that it grows also where the place
// that does has too few late samples to say when they came.
static bool process_grows(const struct mid_evidence *e, struct mid_trend *t, double *bytes) {
  const struct mid_history *h = e->history;
  double when[MID_HISTORY_LOOKS], work[MID_HISTORY_LOOKS], live[MID_HISTORY_LOOKS];
  struct mid_trend by_work;
  for (size_t i = 0; i < h->looks; i++) {
    when[i] = h->look[i].when;
    work[i] = h->look[i].work;
    live[i] = h->look[i].live;
  }
  size_t full = looks_to_fullest(live, h->looks);
  if (full == 0 || full < h->looks * 4 / 5 || !mid_trend_make(when, live, full, t) ||
      !mid_trend_make(work, live, full, &by_work))
    return false;
  *bytes = t->first + t->second;
  return mid_trend_rises(t) && mid_trend_rises(&by_work) && is_steady(t) &&
         *bytes >= MID_GROWING_BYTES && *bytes >= 0.5 * live[full - 1] &&
         when[full - 1] >= MID_GROWING_SHORT_SECONDS &&
         work[full - 1] >= MID_GROWING_SHORT_WORK * live[full - 1];
}

static bool growing_keeper(const struct mid_evidence *e, struct mid_findings *out) {
  struct mid_trend t;
  double bytes;
  const struct mid_place *place = process_grows(e, &t, &bytes) ? keeper_of(e, bytes) : NULL;
  if (place == NULL) return false;
  const struct mid_profile_site *sum = &place->sum;
  struct mid_finding *f =
      mid_finding_add(out, "growing", MID_POSSIBLE, sum, sum->live_bytes, sum->live);
  f->badness = 4 * bytes;
  mid_finding_what(f, "the process's live memory rose by %s, and most of what is live is from here",
                   SIZE(bytes));
  mid_finding_why(f,
                  "it rose in %.0f %% of %zu windows of time, and %s of the %s samples from here "
                  "live still; few came late, and a table that fills would look the same",
                  100 * t.rising, t.windows, COUNT(sum->live_samples), COUNT(sum->samples));
  mid_finding_advise(f,
                     "give what holds these blocks a bound, or remove its entries when they are "
                     "done with; 'midden attach PID --for 10m' tells more");
  return true;
}

// The field's rule of thumb, where no place tells more.
static void growing_alarm(const struct mid_evidence *e, struct mid_findings *out) {
  const struct mid_history *h = e->history;
  double when[MID_HISTORY_LOOKS], live[MID_HISTORY_LOOKS];
  char rate[160];
  struct mid_trend t;
  for (size_t i = 0; i < h->looks; i++) when[i] = h->look[i].when, live[i] = h->look[i].live;
  double seconds = when[h->looks - 1], now = live[h->looks - 1];
  if (seconds < MID_GROWING_CERTAIN_SECONDS || !mid_trend_make(when, live, h->looks, &t) ||
      !mid_trend_rises(&t) || t.lower * 3600 < MID_GROWING_ALARM * now ||
      t.lower * 3600 < MID_GROWING_LEAST_ALARM)
    return;
  struct mid_finding *f = mid_finding_add(out, "growing", MID_LIKELY, NULL, now, 0);
  say_rate(e, &t, seconds, rate, sizeof rate);
  mid_finding_what(f, "the process's live memory grows by more than half of itself an hour%s",
                   rate);
  mid_finding_why(f,
                  "it rose in %.0f %% of %zu windows; no single line grows surely enough to be "
                  "named",
                  100 * t.rising, t.windows);
  mid_finding_advise(f,
                     "watch it for longer: 'midden attach PID --for 10m' names lines that grow "
                     "slowly");
}

// ---- all places ---------------------------------------------------------------------------------

static void growing_find(const struct mid_evidence *e, struct mid_findings *out) {
  if (e->profile == NULL || e->history == NULL || e->history->looks == 0) return;
  struct growth *g = calloc(e->places + 1, sizeof *g);
  size_t count = 0, before = out->count;
  double all = 0;
  if (g == NULL) abort();
  for (size_t i = 0; i < e->places; i++) {
    g[count] = (struct growth){.place = &e->place[i]};
    if (mid_place_is_own(&e->place[i]) && grows(e, &g[count])) all += g[count++].bytes;
  }
  judge(e, g, count, all);
  for (size_t i = 0; i < count; i++)
    if (count <= MID_GROWING_PLACES || g[i].bytes >= 0.1 * all) growing_tell(e, &g[i], out);
  free(g);
  if (out->count == before && !growing_keeper(e, out)) growing_alarm(e, out);
}

const struct mid_finding_rule mid_rule_growing = {
    .kind = "growing",
    .source = "M. Jump, K. McKinley, Cork, POPL 2007; P. K. Sen 1968; Benjamini and Hochberg 1995",
    .find = growing_find,
};
