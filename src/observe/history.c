// observe/history.c -- see history.h.
// SPDX-License-Identifier: MIT
#include "observe/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "observe/finding_limits.h"
#include "observe/must.h"

struct mid_history *mid_history_open(void) {
  struct mid_history *h = mid_must(calloc(1, sizeof *h));
  h->stride = 1;
  return h;
}

void mid_history_close(struct mid_history *h) {
  if (h == NULL) return;
  for (size_t i = 0; i < h->sites; i++) {
    free(h->site[i]->live);
    free(h->site[i]->blocks);
    free(h->site[i]->samples);
    free(h->site[i]);
  }
  free(h->site);
  free(h->place);
  free(h->large);
  free(h);
}

// ---- sites --------------------------------------------------------------------------------------

static struct mid_history_site *history_find(const struct mid_history *h, uint32_t stack) {
  uint32_t place = stack < h->places ? h->place[stack] : 0;
  return place > 0 ? h->site[place - 1] : NULL;
}

const struct mid_history_site *mid_history_of(const struct mid_history *h, uint32_t stack) {
  return history_find(h, stack);
}

// Most processes are short: there is room for as many looks as there were, or twice that.
static void site_widen(struct mid_history_site *site, size_t looks) {
  if (looks <= site->room) return;
  size_t room = looks < 8 ? 8 : 2 * looks < MID_HISTORY_LOOKS ? 2 * looks : MID_HISTORY_LOOKS;
  site->live = mid_must(realloc(site->live, room * sizeof *site->live));
  site->blocks = mid_must(realloc(site->blocks, room * sizeof *site->blocks));
  site->samples = mid_must(realloc(site->samples, room * sizeof *site->samples));
  for (size_t i = site->room; i < room; i++) {
    site->live[i] = site->blocks[i] = 0;
    site->samples[i] = 0;
  }
  site->room = room;
}

static struct mid_history_site *history_take(struct mid_history *h, uint32_t stack) {
  struct mid_history_site *site = history_find(h, stack);
  if (site != NULL || h->sites == MID_HISTORY_SITES) return site;
  if (stack >= h->places) {
    size_t places = mid_max(256, 2 * (size_t)stack);
    h->place = mid_must(realloc(h->place, places * sizeof *h->place));
    memset(h->place + h->places, 0, (places - h->places) * sizeof *h->place);
    h->places = places;
  }
  if (h->site == NULL) h->site = mid_must(calloc(MID_HISTORY_SITES, sizeof *h->site));
  site = mid_must(calloc(1, sizeof *site));
  site->stack = stack;
  site_widen(site, h->looks);
  h->site[h->sites++] = site;
  h->place[stack] = (uint32_t)h->sites;
  return site;
}

// ---- looks --------------------------------------------------------------------------------------

static void halve_site(struct mid_history_site *site) {
  for (size_t i = 0; i < MID_HISTORY_LOOKS / 2; i++) {
    site->live[i] = fminf(site->live[2 * i], site->live[2 * i + 1]);
    site->blocks[i] = fminf(site->blocks[2 * i], site->blocks[2 * i + 1]);
    site->samples[i] = (uint32_t)mid_min(site->samples[2 * i], site->samples[2 * i + 1]);
  }
  size_t half = MID_HISTORY_LOOKS / 2;
  memset(site->live + half, 0, half * sizeof *site->live);
  memset(site->blocks + half, 0, half * sizeof *site->blocks);
  memset(site->samples + half, 0, half * sizeof *site->samples);
}

static struct mid_history_look merged(const struct mid_history_look *a,
                                      const struct mid_history_look *b) {
  return (struct mid_history_look){.when = b->when,
                                   .work = b->work,
                                   .live = fmin(a->live, b->live),
                                   .held = fmin(a->held, b->held),
                                   .free = fmin(a->free, b->free),
                                   .rss = fmin(a->rss, b->rss),
                                   .outside = fmin(a->outside, b->outside),
                                   .sampled = a->sampled || b->sampled};
}

static void halve(struct mid_history *h) {
  for (size_t i = 0; i < MID_HISTORY_LOOKS / 2; i++)
    h->look[i] = merged(&h->look[2 * i], &h->look[2 * i + 1]);
  h->looks = MID_HISTORY_LOOKS / 2;
  h->stride *= 2;
  for (size_t i = 0; i < h->sites; i++) halve_site(h->site[i]);
}

// The work that was done by then, even between two looks.
static double work_at(const struct mid_history *h, double when) {
  size_t low = 0, high = h->looks - 1;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    *(h->look[middle].when < when ? &low : &high) =
        h->look[middle].when < when ? middle + 1 : middle;
  }
  const struct mid_history_look *to = &h->look[low], *from = low > 0 ? to - 1 : NULL;
  double begin = from != NULL ? from->when : 0, work = from != NULL ? from->work : 0;
  if (when >= to->when || to->when <= begin) return to->work;
  return work + (to->work - work) * (when - begin) / (to->when - begin);
}

static void note_birth(struct mid_history_birth *births, double part, double weight) {
  double at = part * MID_HISTORY_BIRTHS;
  struct mid_history_birth *birth =
      &births[at < MID_HISTORY_BIRTHS ? (size_t)at : MID_HISTORY_BIRTHS - 1];
  birth->samples++;
  birth->blocks += weight;
  birth->squares += weight * weight;
}

// A site that is emptied at the end tells by its fullest look how it was filled.
static void note_births(struct mid_history *h, double when, const struct mid_profile *p) {
  static const double nearly = 0.9;
  double work = h->look[h->looks - 1].work;
  for (size_t i = 0; i < p->sites; i++) {
    struct mid_history_site *site = history_find(h, p->site[i].stack);
    if (site == NULL || p->site[i].live_bytes < nearly * site->fullest) continue;
    site->fullest = fmax(site->fullest, p->site[i].live_bytes);
    site->fullest_at = when;
    memset(site->birth, 0, sizeof site->birth);
  }
  for (size_t i = 0; i < p->samples; i++) {
    struct mid_history_site *site = history_find(h, p->sample[i].stack);
    if (site == NULL || site->fullest_at != when || when <= 0) continue;
    double born = p->sample[i].born, weight = 1 / p->sample[i].chance;
    note_birth(site->birth[MID_HISTORY_TIME], born / when, weight);
    if (work > 0) note_birth(site->birth[MID_HISTORY_WORK], work_at(h, born) / work, weight);
  }
}

static void note_large(struct mid_history *h, const struct mid_profile *p) {
  double bytes = 0;
  size_t count = 0;
  for (size_t i = 0; i < p->samples; i++)
    if (p->sample[i].asked >= MID_DOUBLE_BLOCK) bytes += (double)p->sample[i].asked, count++;
  if (bytes <= h->large_bytes) return;
  h->large = mid_must(reallocarray(h->large, count, sizeof *h->large));
  h->larges = 0;
  h->large_bytes = bytes;
  for (size_t i = 0; i < p->samples; i++)
    if (p->sample[i].asked >= MID_DOUBLE_BLOCK) h->large[h->larges++] = p->sample[i];
}

// The place of one more look, in which sites are as in the one before so far.
static size_t place_new(struct mid_history *h, const struct mid_history_look *look) {
  if (h->looks == MID_HISTORY_LOOKS) halve(h);
  size_t at = h->looks++;
  h->look[at] = *look;
  h->last = 1;
  for (size_t i = 0; i < h->sites; i++) {
    struct mid_history_site *site = h->site[i];
    site_widen(site, h->looks);
    site->live[at] = at > 0 ? site->live[at - 1] : 0;
    site->blocks[at] = at > 0 ? site->blocks[at - 1] : 0;
    site->samples[at] = at > 0 ? site->samples[at - 1] : 0;
  }
  return at;
}

// In a place that has sampled looks already the smaller figure stays.
static void note_site(struct mid_history *h, size_t at, bool more,
                      const struct mid_profile_site *now) {
  struct mid_history_site *site = history_take(h, now->stack);
  if (site == NULL) return;
  float live = (float)now->live_bytes, blocks = (float)now->live;
  uint32_t samples = (uint32_t)now->live_samples;
  site->live[at] = more ? fminf(site->live[at], live) : live;
  site->blocks[at] = more ? fminf(site->blocks[at], blocks) : blocks;
  site->samples[at] = more && site->samples[at] < samples ? site->samples[at] : samples;
}

void mid_history_add(struct mid_history *h, const struct mid_history_look *look,
                     const struct mid_profile *p) {
  struct mid_history_look now = *look;
  now.sampled = p != NULL;
  size_t at = h->looks - 1;
  bool more = false;
  if (h->looks > 0 && h->last < h->stride) {
    more = h->look[at].sampled;
    h->look[at] = merged(&h->look[at], &now);
    h->last++;
  } else {
    at = place_new(h, &now);
  }
  if (p == NULL) return;
  for (size_t i = 0; i < p->sites; i++) note_site(h, at, more, &p->site[i]);
  note_births(h, look->when, p);
  note_large(h, p);
}
