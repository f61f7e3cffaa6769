// gc/told.c -- see told.h.
// SPDX-License-Identifier: MIT
//
// Gauges are atomic, since a heap may be closed while another collects.  The rest has one writer:
// whoever has stopped the world, of which there is one at a time in a process.
#include "gc/told.h"

#include "feed/feed.h"
#include "gc/pauses.h"
#include "heap/heap.h"

static _Atomic uint64_t told_heaps, told_opened_ns;
static _Atomic uint64_t told_used, told_live, told_live_objects, told_committed;
static struct mid_pauses told_pauses;
static struct mid_feed_gc_all told_all;

uint64_t mid_gc_shares_open(void) {
  uint64_t none = 0;
  mid_tell_open();
  atomic_compare_exchange_strong(&told_opened_ns, &none, mid_os_nanoseconds());
  return atomic_fetch_add(&told_heaps, 1) + 1;
}

// From `*share` to `now`, in the sum as well.
static void told_move(_Atomic uint64_t *sum, uint64_t *share, uint64_t now) {
  atomic_fetch_add(sum, now - *share);
  *share = now;
}

static void told_publish_gauges(void) {
  struct mid_feed_gc gc = {.heaps = atomic_load(&told_heaps),
                           .opened = atomic_load(&told_opened_ns),
                           .used = atomic_load(&told_used),
                           .live = atomic_load(&told_live),
                           .live_objects = atomic_load(&told_live_objects),
                           .committed = atomic_load(&told_committed)};
  mid_feed_publish_gc(&gc);
}

static void told_pause(uint64_t began, const midden_gc_collection *c) {
  struct mid_feed_gc_work *work = &told_all.work;
  uint64_t pause = (uint64_t)(c->pause * 1e9), from = began - atomic_load(&told_opened_ns);
  uint64_t number = work->minor + work->major;
  told_all.last[number % MID_FEED_LAST] = (struct mid_feed_gc_last){
      c->scope == MIDDEN_GC_MAJOR, began, pause, c->before, c->after, c->committed};
  *(c->scope == MIDDEN_GC_MAJOR ? &work->major : &work->minor) += 1;
  mid_pauses_add(&told_pauses, from, from + pause);
  work->stopped = told_pauses.stopped;
  work->p50 = mid_pauses_percentile(&told_pauses, 500000);
  work->p90 = mid_pauses_percentile(&told_pauses, 900000);
  work->p99 = mid_pauses_percentile(&told_pauses, 990000);
  work->longest = told_pauses.longest;
  for (unsigned i = 0; i < MID_FEED_PAUSES; i++)
    told_all.pause[i] = (struct mid_feed_gc_pause){mid_feed_pause_from(i), told_pauses.bucket[i]};
  for (unsigned k = 0; k < MID_FEED_WINDOWS; k++)
    told_all.window[k] = (struct mid_feed_gc_window){
        mid_feed_window_ns(k), mid_pauses_least(&told_pauses, k, from + pause),
        mid_pauses_utilisation(&told_pauses, k, from + pause, 10000),
        mid_pauses_utilisation(&told_pauses, k, from + pause, 500000)};
}

void mid_gc_shares_tell(struct mid_gc_shares *s, const midden_gc *gc,
                        const midden_gc_collection *c) {
  struct mid_feed_gc_work *work = &told_all.work;
  told_move(&told_used, &s->used, c->after);
  told_move(&told_live, &s->live, gc->live);
  told_move(&told_live_objects, &s->live_objects, gc->live_objects);
  told_move(&told_committed, &s->committed, c->committed);
  told_pause(gc->opened_ns + (uint64_t)(c->at * 1e9), c);
  work->cpu += (uint64_t)((c->user + c->system) * 1e9);
  work->promoted += c->promoted;
  work->peak_committed = mid_max(work->peak_committed, atomic_load(&told_committed));
  told_publish_gauges();
  mid_feed_publish_gc_all(&told_all);
}

void mid_gc_shares_close(struct mid_gc_shares *s) {
  told_move(&told_used, &s->used, 0);
  told_move(&told_live, &s->live, 0);
  told_move(&told_live_objects, &s->live_objects, 0);
  told_move(&told_committed, &s->committed, 0);
  told_publish_gauges();
}
