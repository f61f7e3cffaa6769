// gc/pauses.c -- see pauses.h.
// SPDX-License-Identifier: MIT
#include "gc/pauses.h"

#include "base/bits.h"

static uint64_t pauses_share(uint64_t stopped, uint64_t window) {
  return 100 * (window - stopped) / window;
}

// ---- the least utilisation ----

static struct mid_pauses_recent *pauses_recent(struct mid_pauses *p, uint64_t n) {
  return &p->recent[n % MID_PAUSES_RECENT];
}

// The window that ends with the pause which was added last.
static void pauses_slide(struct mid_pauses *p, struct mid_pauses_window *w, uint64_t window) {
  const struct mid_pauses_recent *last = pauses_recent(p, p->count);
  uint64_t from = last->to > window ? last->to - window : 0;
  w->covered += last->to - last->from;
  for (;; w->tail++) {
    const struct mid_pauses_recent *first = pauses_recent(p, w->tail);
    // One more has no room there: what is forgotten is not counted.
    if (first->to > from && p->count - w->tail < MID_PAUSES_RECENT - 1) break;
    w->covered -= first->to - first->from;
  }
  uint64_t before = pauses_recent(p, w->tail)->from;
  uint64_t stopped = w->covered - (before < from ? from - before : 0);
  if (stopped > w->most) w->most = stopped;
}

uint64_t mid_pauses_least(const struct mid_pauses *p, unsigned k, uint64_t now) {
  uint64_t window = mid_feed_window_ns(k);
  if (now < window) return UINT64_MAX;
  return (window - p->window[k].most) / (window / 1000000);
}

// ---- utilisation by percentiles ----

static void pauses_spread(struct mid_pauses_window *w, uint64_t window, uint64_t from,
                          uint64_t to) {
  uint64_t first = from / window, last = to / window;
  if (first > w->at) {
    w->share[pauses_share(w->inside, window)]++;
    w->share[100] += (uint32_t)(first - w->at - 1);
    w->inside = 0;
  }
  if (last > first) {
    w->inside += (first + 1) * window - from;
    w->share[pauses_share(w->inside, window)]++;
    w->share[0] += (uint32_t)(last - first - 1);
    w->inside = 0;
    from = last * window;
  }
  w->inside += to - from;
  w->at = last;
}

uint64_t mid_pauses_utilisation(const struct mid_pauses *p, unsigned k, uint64_t now,
                                uint64_t millionths) {
  struct mid_pauses_window w = p->window[k];
  uint64_t window = mid_feed_window_ns(k), over = now / window;
  if (over == 0) return UINT64_MAX;
  if (over > w.at) {  // those since the last pause
    w.share[pauses_share(w.inside, window)]++;
    w.share[100] += (uint32_t)(over - w.at - 1);
  }
  uint64_t below = 0, share = 0;
  for (; share < 100; share++) {
    below += w.share[share];
    if (below * 1000000 >= over * millionths && below > 0) break;
  }
  return share;
}

// ---- pauses ----

void mid_pauses_add(struct mid_pauses *p, uint64_t from, uint64_t to) {
  if (from < p->end) from = p->end;
  if (to < from) to = from;
  uint64_t pause = to - from;
  p->end = to;
  p->stopped += pause;
  if (pause > p->longest) p->longest = pause;
  p->bucket[mid_feed_pause_bucket(pause)]++;
  *pauses_recent(p, p->count) = (struct mid_pauses_recent){from, to};
  for (unsigned k = 0; k < MID_FEED_WINDOWS; k++) {
    pauses_slide(p, &p->window[k], mid_feed_window_ns(k));
    pauses_spread(&p->window[k], mid_feed_window_ns(k), from, to);
  }
  p->count++;
}

uint64_t mid_pauses_percentile(const struct mid_pauses *p, uint64_t millionths) {
  uint64_t below = 0;
  for (unsigned i = 0; i + 1 < MID_FEED_PAUSES; i++) {
    below += p->bucket[i];
    if (below * 1000000 >= p->count * millionths && below > 0)
      return mid_min(mid_feed_pause_from(i + 1), p->longest);
  }
  return p->longest;
}
