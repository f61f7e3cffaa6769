// observe/finding/fragmented.c -- spans that few live blocks keep from being given back.
// SPDX-License-Identifier: MIT
#include <math.h>

#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/words.h"

enum { PARTS = 16 };  // of the run

static bool is_sparse(const struct mid_history_look *l) {
  return l->free >= MID_FRAGMENTED_BYTES && l->free >= MID_FRAGMENTED_FREE * l->held;
}

// The last looks that were sparse without a break; what a program frees as it exits comes after.
struct streak {
  size_t first, last;  // looks
  double peak;         // of live bytes, up to then
  bool persists, fell;
};

static bool lasts(double from, double to, double end) {
  return to - from >= MID_FRAGMENTED_PARTS * end / PARTS;
}

// Not in the midst of a loop that frees everything.
static bool look_is_steady(const struct mid_history *h, size_t look) {
  return look > 0 && h->look[look].live >= MID_FRAGMENTED_STEADY * h->look[look - 1].live;
}

// Whether the program came to its end in this state: live memory never rose again.
static bool is_the_end(const struct mid_history *h, size_t look) {
  for (size_t i = look + 1; i < h->looks; i++)
    if (h->look[i].live > h->look[look].live) return false;
  return look + 1 == h->looks || look_is_steady(h, look);
}

static bool find_streak(const struct mid_history *h, struct streak *s) {
  size_t i = h->looks;
  while (i > 0 && !is_sparse(&h->look[i - 1])) i--;
  if (i == 0) return false;
  s->last = s->first = i - 1;
  while (s->first > 0 && is_sparse(&h->look[s->first - 1])) s->first--;
  // A look into a loop that frees as the program exits is sparse too, and finds nobody at home.
  while (s->last > s->first && !look_is_steady(h, s->last)) s->last--;
  for (size_t k = 0; k <= s->last; k++) s->peak = fmax(s->peak, h->look[k].live);
  const struct mid_history_look *a = &h->look[s->first], *b = &h->look[s->last],
                                *end = &h->look[h->looks - 1];
  s->persists = lasts(a->when, b->when, end->when) || lasts(a->work, b->work, end->work);
  s->fell = is_the_end(h, s->last) && b->live <= MID_FRAGMENTED_FALL * s->peak;
  return s->persists || s->fell;
}

static double blocks_of(const struct mid_evidence *e, const struct mid_place *place, size_t look) {
  double sum = 0;
  for (size_t i = 0; i < place->stacks; i++) {
    const struct mid_history_site *site = mid_history_of(e->history, place->stack[i]);
    if (site != NULL) sum += (double)site->blocks[look];
  }
  return sum;
}

// Whose blocks survive, in the same spans as those that were freed: small ones.
static const struct mid_place *holder(const struct mid_evidence *e, size_t look, double *blocks,
                                      double *share) {
  const struct mid_place *most = NULL;
  double all = 0;
  *blocks = 0;
  for (size_t i = 0; i < e->places; i++) {
    double n = blocks_of(e, &e->place[i], look);
    all += n;
    if (n <= *blocks || e->place[i].sum.asked_least > 32768 || !mid_place_is_own(&e->place[i]))
      continue;
    most = &e->place[i];
    *blocks = n;
  }
  *share = all > 0 ? *blocks / all : 0;
  return most;
}

static void fragmented_find(const struct mid_evidence *e, struct mid_findings *out) {
  struct streak s = {0};
  if (e->profile == NULL || e->history == NULL || !find_streak(e->history, &s)) return;
  const struct mid_history_look *l = &e->history->look[s.last];
  double blocks, share;
  const struct mid_place *place = holder(e, s.last, &blocks, &share);
  bool named = share >= MID_FRAGMENTED_HOLDS;
  if (place == NULL || blocks < MID_FRAGMENTED_BLOCKS || (!named && l->free < MID_FRAGMENTED_MUCH))
    return;
  struct mid_finding *f = mid_finding_add(out, "fragmented", named ? MID_LIKELY : MID_POSSIBLE,
                                          &place->sum, l->free, blocks);
  struct mid_words unused, held, count, peak, live, time;
  mid_finding_what(f,
                   "%s of the %s in spans are free blocks that cannot be given back, since live "
                   "blocks lie between them: %s of them from here",
                   mid_words_size((uint64_t)l->free, &unused),
                   mid_words_size((uint64_t)l->held, &held), mid_words_count(blocks, &count));
  if (s.fell)
    mid_finding_why(f, "live memory fell from %s to %s and the spans stayed",
                    mid_words_size((uint64_t)s.peak, &peak),
                    mid_words_size((uint64_t)l->live, &live));
  else
    mid_finding_why(f, "it was so for %s, at each of %zu looks",
                    mid_words_seconds(l->when - e->history->look[s.first].when, &time),
                    s.last - s.first + 1);
  mid_finding_advise(f,
                     "take what lives long from a heap or pool of its own (midden/heap.h, "
                     "midden/pool.h), apart from what is freed soon: up to %s could then be "
                     "given back",
                     mid_words_size((uint64_t)l->free, &unused));
}

const struct mid_finding_rule mid_rule_fragmented = {
    .kind = "fragmented",
    .source = "occupancy of spans by the feed's counters; survivors by live samples",
    .find = fragmented_find,
};
