// span/back.c -- see back.h.
// SPDX-License-Identifier: MIT
#include "span/back.h"

#include "base/bits.h"
#include "span/resident.h"
#include "span/touch.h"

// What of a block is looked at, or left out to be looked at.
#define PLACE_BYTES ((size_t)512 << 10)

// A place in the last long span that was not backed early: what is resident there now is what the
// program touched.  Looked at when the next is taken, or when the span comes back.
static struct watched {
  struct mid_span *span;
  char *base;
  size_t bytes, fresh;  // of the place
  size_t whole;         // bytes of the span
} watched;
static struct mid_lock back_lock;  // for `watched` and span/touch.h

void mid_back_lock(void) { mid_lock_take(&back_lock); }
void mid_back_unlock(void) { mid_lock_give(&back_lock); }

// Stop watching what is watched of `span`; of any span, when it is NULL.
static struct watched watched_take(const struct mid_span *span) {
  struct watched last = {0};
  mid_lock_take(&back_lock);
  if (span == NULL || watched.span == span) last = watched, watched.span = NULL;
  mid_lock_give(&back_lock);
  return last;
}

static size_t watched_touched(const struct watched *place) {
  size_t resident = mid_os_resident_in(place->base, place->bytes);
  return resident - mid_min(resident, place->bytes - place->fresh);
}

static void watched_learn(const struct watched *place, size_t touched) {
  mid_lock_take(&back_lock);
  mid_touch_learn(place->whole, place->fresh, touched);
  mid_lock_give(&back_lock);
}

// Learn from the last long span.  What the program has not touched by now it still may: that is
// known when the span comes back.
static void watched_look(void) {
  struct watched last = watched_take(NULL);
  if (last.span == NULL) return;
  size_t touched = watched_touched(&last);
  if (touched >= last.fresh - last.fresh / 8) watched_learn(&last, touched);
}

// The last place in the `bytes` at `base` of which nothing is resident; their end when there is
// none.
static char *place_last_empty(char *base, size_t bytes) {
  for (char *at = base + bytes; at >= base + PLACE_BYTES; at -= PLACE_BYTES)
    if (mid_os_resident_in(at - PLACE_BYTES, PLACE_BYTES) == 0) return at - PLACE_BYTES;
  return base + bytes;
}

void mid_span_back(struct mid_span *span) {
  size_t fresh = mid_resident_fresh(span);
  if (fresh < MID_LONG_BYTES || span->own_mapping) return;
  watched_look();
  char *base = (char *)mid_span_base(span), *end = base + span->bytes;
  struct watched place = {span, base, span->bytes, fresh, span->bytes};
  mid_lock_take(&back_lock);
  enum mid_touch expected = mid_touch_expect(span->bytes, fresh);
  mid_lock_give(&back_lock);
  if (expected != MID_TOUCH_NONE) {
    place.base = expected == MID_TOUCH_MOST ? place_last_empty(base, span->bytes) : end;
    place.bytes = place.fresh = (size_t)mid_min(PLACE_BYTES, (size_t)(end - place.base));
    char *after = place.base + place.bytes;
    if (place.base > base) mid_os_populate(base, (size_t)(place.base - base));
    if (after < end) mid_os_populate(after, (size_t)(end - after));
  }
  span->capacity = expected != MID_TOUCH_NONE;
  if (place.bytes == 0) return;
  mid_lock_take(&back_lock);
  watched = place;
  mid_lock_give(&back_lock);
}

void mid_back_leave(struct mid_span *span) {
  struct watched place = watched_take(span);
  if (place.span != NULL) watched_learn(&place, watched_touched(&place));
  size_t fresh = mid_resident_fresh(span);
  mid_resident_look(span);
  if (place.span != NULL || span->capacity != 0 || fresh < MID_LONG_BYTES) return;
  size_t resident = mid_resident_of(span, span->slices);
  place = (struct watched){span, NULL, span->bytes, fresh, span->bytes};
  watched_learn(&place, resident - mid_min(resident, span->bytes - fresh));
}
