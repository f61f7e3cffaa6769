// live/alarm.c -- see alarm.h.
// SPDX-License-Identifier: MIT
#include "live/alarm.h"

#include <math.h>
#include <stdio.h>

#include "live/text.h"

enum {
  ALARM_WINDOWS = 64,
  LOOKS_A_WINDOW = 3,
  NEAR_PERCENT = 90,  // of a limit
  FAR_PERCENT = 85    // where it is not near any more
};
static const double least_rise = 1024 * 1024;  // bytes
static const double walk_share = 0.01;         // of the time, that the kernel may walk for us

const char *mid_alarm_name(enum mid_alarm alarm) {
  static const char *const names[MID_ALARMS] = {"growth", "limit", "swap", "gone"};
  return names[alarm];
}

// ---- looking ------------------------------------------------------------------------------------

static void open_series(struct mid_watched *w) {
  double window = LOOKS_A_WINDOW * w->every, longest = fmax(window, mid_series_longest);
  mid_series_open(&w->live, ALARM_WINDOWS, window, longest);
  mid_series_open(&w->rss, ALARM_WINDOWS, window, longest);
  mid_series_open(&w->swap, ALARM_WINDOWS, window, longest);
}

static void close_series(struct mid_watched *w) {
  mid_series_close(&w->live);
  mid_series_close(&w->rss);
  mid_series_close(&w->swap);
}

// On average a hundredth of the time.
static void note_pss(struct mid_watched *w, double now) {
  if (now < w->pss_next) return;
  w->pss_known = mid_proc_share_read(w->process.pid, &w->pss);
  double took = mid_live_seconds() - now;
  w->pss_next = now + took / walk_share;
}

void mid_watched_look(struct mid_watched *w) {
  struct mid_live *p = &w->process;
  mid_live_look(p);
  if (!p->lives) return;
  if (p->is_anew) {
    close_series(w);
    open_series(w);
  }
  note_pss(w, mid_live_seconds());
  mid_series_add(&w->rss, p->looked, (double)p->memory.rss);
  mid_series_add(&w->swap, p->looked, (double)p->memory.swap);
  if (p->has_feed) mid_series_add(&w->live, p->looked, (double)p->live);
}

bool mid_watched_open(struct mid_watched *w, pid_t pid, double every) {
  *w = (struct mid_watched){.every = every};
  if (!mid_live_open(&w->process, pid)) return false;
  open_series(w);
  return true;
}

void mid_watched_close(struct mid_watched *w) {
  mid_live_close(&w->process);
  close_series(w);
}

const struct mid_series *mid_watched_signal(const struct mid_watched *w) {
  return w->process.has_feed ? &w->live : &w->rss;
}

// ---- judging ------------------------------------------------------------------------------------

// What is closed: the window that is open may still fall.
static double first_value(const struct mid_series *s) { return s->least[0]; }
static double last_value(const struct mid_series *s) { return s->least[s->count - 2]; }

static bool rises(const struct mid_series *s, struct mid_trend *t) {
  if (!mid_series_trend(s, t) || !mid_trend_rises(t)) return false;
  return last_value(s) - first_value(s) >= fmax(least_rise, last_value(s) / 20);
}

bool mid_series_grows(const struct mid_series *s, double percent, struct mid_trend *t) {
  return rises(s, t) && t->lower * 3600 > percent / 100 * fmax(first_value(s), 1);
}

static bool grows(const struct mid_watched *w, double percent, char *why, size_t bytes) {
  struct mid_trend t;
  const struct mid_series *s = mid_watched_signal(w);
  bool by_live = w->process.has_feed && mid_series_grows(s, percent, &t);
  if (!by_live && !mid_series_grows(s = &w->rss, percent, &t)) return false;
  double base = fmax(first_value(s), 1) / 3600 / 100;
  snprintf(why, bytes, "%s grew from %s to %s in %s: %.0f %% an hour, and at least %.0f %%",
           by_live ? "live heap" : "RSS", MID_SIZE(first_value(s)), MID_SIZE(last_value(s)),
           MID_SECONDS(mid_series_seconds(s)), t.slope / base, t.lower / base);
  return true;
}

// What is near a limit is so until it is clearly below.
static bool is_near(const struct mid_watched *w, uint64_t used, uint64_t limit) {
  double share = mid_words_share((double)used, (double)limit);
  return share >= (w->raised[MID_ALARM_LIMIT] ? FAR_PERCENT : NEAR_PERCENT);
}

static bool near_limit(const struct mid_watched *w, char *why, size_t bytes) {
  const struct mid_live *p = &w->process;
  uint64_t limit = p->cgroup.limit, used = limit != 0 ? mid_cgroup_used(&p->cgroup) : 0;
  if (limit != 0 && is_near(w, used, limit)) {
    snprintf(why, bytes, "%s of the %s that its cgroup %s may have are used", MID_SIZE(used),
             MID_SIZE(limit), p->cgroup.limited);
    return true;
  }
  uint64_t heap = p->has_feed ? p->image.process.limit : 0;
  uint64_t held = p->image.process.used + p->image.process.dirty;
  if (heap == 0 || !is_near(w, held, heap)) return false;
  snprintf(why, bytes, "its heap holds %s of the %s that heap_limit lets it have", MID_SIZE(held),
           MID_SIZE(heap));
  return true;
}

static bool swaps(const struct mid_watched *w, char *why, size_t bytes) {
  struct mid_trend t;
  if (!rises(&w->swap, &t)) return false;
  snprintf(why, bytes, "what is swapped out grew from %s to %s in %s",
           MID_SIZE(first_value(&w->swap)), MID_SIZE(last_value(&w->swap)),
           MID_SECONDS(mid_series_seconds(&w->swap)));
  return true;
}

static bool is_gone(const struct mid_watched *w, char *why, size_t bytes) {
  const struct mid_live *p = &w->process;
  if (p->lives) return false;
  bool killed = mid_cgroup_new_kills(&p->cgroup) > 0;
  snprintf(why, bytes, "it has ended, at most %s ago%s%s", MID_SECONDS(p->ended - p->looked),
           killed ? "; meanwhile the kernel killed for memory in its cgroup " : "",
           killed ? p->cgroup.path : "");
  return true;
}

static bool holds(const struct mid_watched *w, enum mid_alarm alarm, double percent, char *why,
                  size_t bytes) {
  if (alarm == MID_ALARM_GONE) return is_gone(w, why, bytes);
  if (!w->process.lives) return false;
  if (alarm == MID_ALARM_GROWTH) return grows(w, percent, why, bytes);
  if (alarm == MID_ALARM_LIMIT) return near_limit(w, why, bytes);
  return swaps(w, why, bytes);
}

bool mid_watched_judge(struct mid_watched *w, enum mid_alarm alarm, double percent, char *why,
                       size_t bytes) {
  bool before = w->raised[alarm];
  w->raised[alarm] = holds(w, alarm, percent, why, bytes);
  return w->raised[alarm] && !before;
}
