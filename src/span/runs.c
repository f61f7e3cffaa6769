// span/runs.c -- see runs.h.
// SPDX-License-Identifier: MIT
#include "span/runs.h"

#include "base/bits.h"
#include "span/resident.h"

enum { EXACT = 16, LISTS = EXACT + 4 * 15 };  // 15 doublings from 16 slices pass a window

struct kind {
  struct mid_span *lists[LISTS];
  uint64_t filled[2];  // bit i: lists[i] has a run
};
static struct kind dirty_runs, clean_runs;
static size_t run_count, dirty_bytes;

static unsigned list_of(size_t slices) {
  if (slices <= EXACT) return (unsigned)slices - 1;
  unsigned log = mid_log2(slices);
  unsigned list = EXACT + 4 * (log - 4) + (unsigned)((slices >> (log - 2)) & 3);
  return list < LISTS ? list : LISTS - 1;
}

static struct kind *kind_of(const struct mid_span *head) {
  return head->state == MID_SPAN_DIRTY ? &dirty_runs : &clean_runs;
}

static void list_add(struct mid_span *head) {
  struct kind *kind = kind_of(head);
  unsigned list = list_of(head->slices);
  head->prev = NULL;
  head->next = kind->lists[list];
  if (head->next != NULL) head->next->prev = head;
  kind->lists[list] = head;
  kind->filled[list / 64] |= 1ull << list % 64;
  run_count++;
  dirty_bytes += head->bytes;
}

static void list_drop(struct mid_span *head) {
  struct kind *kind = kind_of(head);
  unsigned list = list_of(head->slices);
  if (head->next != NULL) head->next->prev = head->prev;
  if (head->prev != NULL)
    head->prev->next = head->next;
  else if ((kind->lists[list] = head->next) == NULL)
    kind->filled[list / 64] &= ~(1ull << list % 64);
  run_count--;
  dirty_bytes -= head->bytes;
}

static void run_mark(struct mid_span *head) {
  head->state = head->bytes > 0 ? MID_SPAN_DIRTY : MID_SPAN_CLEAN;
  if (head->slices == 1) return;
  struct mid_span *tail = head + head->slices - 1;
  tail->state = MID_SPAN_TAIL;
  tail->slices = head->slices - 1;
}

static void run_unmark(struct mid_span *head) {
  if (head->slices > 1) head[head->slices - 1].state = MID_SPAN_NONE;
  head->state = MID_SPAN_NONE;
}

struct mid_span *mid_runs_at(struct mid_span *span) {
  return span != NULL && (span->state == MID_SPAN_DIRTY || span->state == MID_SPAN_CLEAN) ? span
                                                                                          : NULL;
}

// The records before and after a run, or NULL where a window ends: another table begins there, and
// neighbours are looked up by address.  Nearly all are in the first.
static struct mid_span *record_before(struct mid_span *span) {
  size_t known = atomic_load_explicit(&mid_map.bytes, memory_order_relaxed) >> MID_SLICE_SHIFT;
  if ((size_t)(span - mid_map.spans) - 1 < known) return span - 1;
  struct mid_span *last = mid_map_find((void *)(mid_span_base(span) - 1));
  return last != NULL && last + 1 == span ? last : NULL;
}

static struct mid_span *record_after(struct mid_span *span) {
  size_t known = atomic_load_explicit(&mid_map.bytes, memory_order_relaxed) >> MID_SLICE_SHIFT;
  struct mid_span *next = span + span->slices;
  if ((size_t)(next - mid_map.spans) < known) return next;
  uintptr_t end = mid_span_base(span) + span->slices * MID_SLICE_BYTES;
  return mid_map_find((void *)end) == next ? next : NULL;
}

// The free run that ends just before `span`.
static struct mid_span *run_before(struct mid_span *span) {
  struct mid_span *last = record_before(span);
  if (last == NULL) return NULL;
  return mid_runs_at(last->state == MID_SPAN_TAIL ? last - last->slices : last);
}

static struct mid_span *run_after(struct mid_span *span) { return mid_runs_at(record_after(span)); }

static bool same_kind(const struct mid_span *a, const struct mid_span *b) {
  return (a->bytes > 0) == (b->bytes > 0);
}

// Join b, which follows a, to a; both out of the lists.
static struct mid_span *run_join(struct mid_span *a, struct mid_span *b) {
  run_unmark(a);
  run_unmark(b);
  a->slices += b->slices;
  a->bytes += b->bytes;
  a->asked += b->asked;
  a->moved |= b->moved;
  return a;
}

static struct mid_span *run_add(struct mid_span *span) {
  run_mark(span);
  struct mid_span *before = run_before(span), *after = run_after(span);
  if (before != NULL && same_kind(before, span)) {
    list_drop(before);
    span = run_join(before, span);
  }
  if (after != NULL && same_kind(span, after)) {
    list_drop(after);
    span = run_join(span, after);
  }
  run_mark(span);
  list_add(span);
  return span;
}

struct mid_span *mid_runs_put(struct mid_span *span) {
  span->bytes = mid_resident_of(span, span->slices);
  return run_add(span);
}

struct mid_span *mid_runs_cut(struct mid_span *head, size_t slices) {
  MID_ASSERT(head->slices >= slices);
  list_drop(head);
  run_unmark(head);
  if (head->slices > slices) {
    struct mid_span *rest = head + slices;
    rest->slices = head->slices - (uint32_t)slices;
    // Of the shorter part it is counted.
    bool front = slices <= rest->slices;
    size_t all = head->bytes, part = 0;
    if (all > 0) part = mid_resident_of(front ? head : rest, front ? slices : rest->slices);
    head->bytes = front ? part : all - part;
    rest->bytes = all - head->bytes;
    // What was once given back is counted once; a byte is left as a sign that there was some.
    size_t first = mid_min(head->asked, slices * MID_SLICE_BYTES);
    rest->asked = head->asked > first ? head->asked - first : head->asked > 0;
    rest->moved = head->moved;
    head->slices = (uint32_t)slices;
    head->asked = first;
    run_add(rest);
  }
  return head;
}

// Slices to leave at the front of `head` so that the base fits `align`.
static size_t front_of(const struct mid_span *head, size_t align) {
  if (align <= MID_SLICE_BYTES) return 0;
  uintptr_t base = mid_span_base(head);
  return (mid_round_up(base, align) - base) >> MID_SLICE_SHIFT;
}

static struct mid_span *list_find(struct mid_span *head, size_t slices, size_t align) {
  for (; head != NULL; head = head->next)
    if (head->slices >= slices + front_of(head, align)) return head;
  return NULL;
}

static unsigned next_filled(const struct kind *kind, unsigned list) {
  for (unsigned w = list / 64; w < 2; w++, list = w * 64) {
    uint64_t bits = kind->filled[w] & (~0ull << list % 64);
    if (bits != 0) return w * 64 + (unsigned)__builtin_ctzll(bits);
  }
  return LISTS;
}

static struct mid_span *kind_find(const struct kind *kind, size_t slices, size_t align) {
  for (unsigned list = next_filled(kind, list_of(slices)); list < LISTS;
       list = next_filled(kind, list + 1)) {
    struct mid_span *head = list_find(kind->lists[list], slices, align);
    if (head != NULL || list + 1 == LISTS) return head;
  }
  return NULL;
}

// Take `slices` of the free run `head`, all of it or less, from `front` slices in.
static struct mid_span *run_split(struct mid_span *head, size_t front, size_t slices) {
  if (front > 0) {
    // Cutting off the front and putting it back splits the run there.
    struct mid_span *skipped = mid_runs_cut(head, front);
    head += front;
    run_mark(skipped);
    list_add(skipped);
  }
  return mid_runs_cut(head, slices);
}

// ---- across dirty and clean neighbours, for long runs ----

enum { LOOKED_AT = 16 };  // dirty runs, the longest first, and neighbours on each side of one

// Where to cut a long run, and how good that is.
struct place {
  struct mid_span *head, *base;  // the free run that it starts in, and where
  size_t resident;               // bytes of it that are, at most: so much is not faulted in again
  size_t around;  // slices of free addresses that it is cut from: the fewer the better
};

// The place of `slices` at `base`; free runs follow each other from `head` to beyond its end.
static struct place place_at(struct mid_span *head, struct mid_span *base, size_t slices) {
  while (base >= head + head->slices) head += head->slices;
  struct place place = {head, base, 0, 0};
  for (struct mid_span *end = base + slices; head < end; head += head->slices) {
    struct mid_span *from = base > head ? base : head;
    struct mid_span *to = end < head + head->slices ? end : head + head->slices;
    place.resident += mid_min(head->bytes, (size_t)(to - from) * MID_SLICE_BYTES);
  }
  return place;
}

static bool place_better(struct place a, struct place b) {
  return a.resident > b.resident || (a.resident == b.resident && a.around < b.around);
}

// Look at the free addresses around the dirty run `dirty`, for a place that starts or ends with it.
static void place_around(struct mid_span *dirty, size_t slices, size_t align, struct place *best) {
  struct mid_span *low = dirty, *high = dirty, *next;
  for (int i = 0; i < LOOKED_AT && (next = run_before(low)) != NULL; i++) low = next;
  for (int i = 0; i < LOOKED_AT && (next = run_after(high)) != NULL; i++) high = next;
  struct mid_span *end = high + high->slices;
  size_t around = (size_t)(end - low);
  if (around < slices) return;
  struct mid_span *last = dirty + dirty->slices;
  struct mid_span *base[] = {dirty < end - slices ? dirty : end - slices,
                             last > low + slices ? last - slices : low};
  for (int i = 0; i < 2; i++) {
    base[i] += front_of(base[i], align);
    if (base[i] > end - slices) continue;
    struct place place = place_at(low, base[i], slices);
    place.around = around;
    if (place_better(place, *best)) *best = place;
  }
}

// The place with most resident pages; none when no dirty run lies well.
static struct place place_find(size_t slices, size_t align) {
  struct place best = {NULL, NULL, 0, SIZE_MAX};
  int looked_at = 0;
  for (unsigned list = LISTS; list-- > 0 && looked_at < LOOKED_AT;)
    for (struct mid_span *head = dirty_runs.lists[list]; head != NULL; head = head->next) {
      place_around(head, slices, align, &best);
      if (++looked_at == LOOKED_AT) break;
    }
  return best;
}

static struct mid_span *place_take(struct place place, size_t slices) {
  size_t front = (size_t)(place.base - place.head);
  struct mid_span *span = run_split(place.head, front, mid_min(slices, place.head->slices - front));
  while (span->slices < slices) {
    struct mid_span *more = span + span->slices;
    run_join(span, mid_runs_cut(more, mid_min(slices - span->slices, more->slices)));
  }
  return span;
}

struct mid_span *mid_runs_take(size_t slices, size_t align) {
  struct mid_span *head = NULL;
  if (slices <= EXACT) head = kind_find(&dirty_runs, slices, align);
  if (head == NULL && slices > 1) {
    struct place place = place_find(slices, align);
    if (place.resident > 0) return place_take(place, slices);
  }
  if (head == NULL) head = kind_find(&clean_runs, slices, align);
  return head == NULL ? NULL : run_split(head, front_of(head, align), slices);
}

struct mid_span *mid_runs_longest_dirty(void) {
  for (int w = 1; w >= 0; w--)
    if (dirty_runs.filled[w] != 0)
      return dirty_runs.lists[w * 64 + 63 - __builtin_clzll(dirty_runs.filled[w])];
  return NULL;
}

size_t mid_runs_count(void) { return run_count; }
size_t mid_runs_dirty_bytes(void) { return dirty_bytes; }

MID_RARELY static const char *run_broken(const struct mid_span *head, unsigned list, bool dirty) {
  if (head->state != (dirty ? MID_SPAN_DIRTY : MID_SPAN_CLEAN)) return "a free run of another kind";
  if (head->slices == 0 || list_of(head->slices) != list) return "a free run in a wrong list";
  if (dirty != (head->bytes > 0)) return "a clean run with resident bytes";
  if (head->bytes != mid_resident_of(head, head->slices))
    return "a free run whose slices hold other than it says";
  const struct mid_span *tail = head + head->slices - 1;
  if (head->slices > 1 && (tail->state != MID_SPAN_TAIL || tail->slices != head->slices - 1))
    return "a free run whose tail does not lead to its head";
  if (head->next != NULL && head->next->prev != head)
    return "a list of free runs that does not link";
  return NULL;
}

MID_RARELY static const char *kind_broken(const struct kind *kind, bool dirty, size_t *runs,
                                          size_t *bytes) {
  for (unsigned list = 0; list < LISTS; list++) {
    bool filled = (kind->filled[list / 64] >> list % 64) & 1;
    if (filled != (kind->lists[list] != NULL)) return "a filled bit that does not match its list";
    for (struct mid_span *head = kind->lists[list]; head != NULL; head = head->next) {
      const char *broken = run_broken(head, list, dirty);
      if (broken != NULL) return broken;
      ++*runs, *bytes += head->bytes;
    }
  }
  return NULL;
}

MID_RARELY const char *mid_runs_broken(void) {
  size_t runs = 0, bytes = 0;
  const char *broken = kind_broken(&dirty_runs, true, &runs, &bytes);
  if (broken == NULL) broken = kind_broken(&clean_runs, false, &runs, &bytes);
  if (broken == NULL && runs != run_count) broken = "a wrong count of free runs";
  if (broken == NULL && bytes != dirty_bytes) broken = "a wrong count of dirty bytes";
  return broken;
}
