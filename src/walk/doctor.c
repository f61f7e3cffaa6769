// walk/doctor.c -- see doctor.h.
// SPDX-License-Identifier: MIT
#include "walk/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "walk/records.h"
#include "walk/target_source.h"

struct looking {
  const struct mid_target *t;
  struct mid_library library;
  struct mid_doctor *out;
  char *bytes;  // of the span being looked at
  // Of its blocks: which were met, and by the list being followed how many, and the last of them.
  uint64_t met[MID_SLICE_BYTES / MID_BLOCK_ALIGN / 64];
  uint64_t count, last;
  bool whole;  // no list of it went wrong
};

static void broken(struct looking *l, enum mid_doctor_part part, uint64_t address,
                   const char *what) {
  struct mid_doctor *d = l->out;
  d->broken[part]++;
  if (d->faults < MID_DOCTOR_FAULTS)
    d->fault[d->faults++] = (struct mid_doctor_fault){what, address, part};
}

// Check one thing of many: `what` is NULL when it holds.
static bool holds(struct looking *l, enum mid_doctor_part part, uint64_t address,
                  const char *what) {
  if (what != NULL) broken(l, part, address, what);
  return what == NULL;
}

// ---- lists of free blocks ----

static bool block_meet(void *self, uint64_t i) {
  struct looking *l = self;
  uint64_t bit = (uint64_t)1 << i % 64;
  if (l->met[i / 64] & bit) return false;
  l->met[i / 64] |= bit;
  l->count++;
  l->last = i;
  return true;
}

static bool block_is_gone(const struct mid_span *span, uint64_t i, uint64_t page_bytes) {
  uint64_t page = i * span->block_bytes / page_bytes;
  for (; page * page_bytes < (i + 1) * span->block_bytes; page++)
    if (span[page / 16].gone >> page % 16 & 1) return true;
  return false;
}

// Every block that a list led to has the mark of a free one, and its memory.
static void met_check(struct looking *l, const struct mid_record *record) {
  const struct mid_span *span = record->span;
  for (uint32_t i = 0; i < span->carved; i++) {
    uint64_t mark, address = record->base + (uint64_t)i * span->block_bytes;
    if ((l->met[i / 64] >> i % 64 & 1) == 0) continue;
    l->out->checked[MID_DOCTOR_FREE]++;
    memcpy(&mark, l->bytes + (size_t)i * span->block_bytes, sizeof mark);
    if (mark != record->at)
      broken(l, MID_DOCTOR_FREE, address, "a free block that was written to after it was freed");
    else if (block_is_gone(span, i, l->t->page_bytes))
      broken(l, MID_DOCTOR_FREE, address, "a free block in a page that is gone");
  }
}

// Follow a list; how many blocks it has.  Where it goes wrong is the link of the block before,
// unless the program wrote over all of that block, which met_check tells.
static uint64_t list_check(struct looking *l, const struct mid_record *record, uint64_t first,
                           uint64_t most) {
  struct mid_record_blocks list = {record->base, record->span->block_bytes, record->span->carved,
                                   (uintptr_t)l->library.anchor.no_block, l->bytes};
  l->count = 0;
  const char *what = mid_record_list(&list, first, most, block_meet, l);
  uint64_t within = l->count > 0 ? l->last * record->span->block_bytes : 0, mark = 0;
  if (l->count > 0) memcpy(&mark, l->bytes + within, sizeof mark);
  l->whole = l->whole && what == NULL;
  if (what != NULL && (l->count == 0 || mark == record->at))
    broken(l, MID_DOCTOR_FREE, record->base + within, what);
  return l->count;
}

static const char *counts_broken(const struct mid_span *span, uint64_t ready, uint64_t freed) {
  uint32_t used = mid_span_used(span);
  if (freed != span->carved - used) return "a span whose free blocks do not add up";
  if (ready > used) return "a span with more blocks ready than used";
  return span->told > freed ? "a span whose counters know of more frees than there were" : NULL;
}

static void lists_check(struct looking *l, const struct mid_record *record) {
  const struct mid_span *span = record->span;
  size_t bytes = (size_t)span->carved * span->block_bytes;
  uint64_t remote = span->xfreed, count = mid_remote_count(remote);
  memset(l->met, 0, sizeof l->met);
  l->whole = true;
  if (!mid_target_read(l->t, record->base, l->bytes, bytes) && l->t->swapped > 0) return;
  uint64_t ready = list_check(l, record, (uintptr_t)span->ready, span->carved);
  uint64_t freed = list_check(l, record, (uintptr_t)span->freed, span->carved);
  uint64_t waiting = list_check(l, record, (uintptr_t)mid_remote_first(remote), count);
  if (l->whole) {
    (void)holds(l, MID_DOCTOR_SPANS, record->base, counts_broken(span, ready, freed));
    if (waiting != count)
      broken(l, MID_DOCTOR_SPANS, record->base, "a span whose remote frees do not add up");
  }
  met_check(l, record);
}

// ---- hardened spans ----

// The table's bits and states tell the same of every block.
static const char *table_broken(const struct mid_record *record,
                                const struct mid_hardened_table *table) {
  if ((uintptr_t)table->base != record->base) return "a hardened span with another span's table";
  for (uint32_t i = 0; i < record->span->carved; i++) {
    bool free_bit = table->free[i / 64] >> i % 64 & 1;
    bool is_free = table->state[i] == MID_HARD_FREE;
    if (free_bit && !is_free) return "a hardened span that would hand out a block in use";
    if (!is_free && table->state[i] != MID_HARD_HELD && table->state[i] > record->span->block_bytes)
      return "a hardened span whose block has more slack than bytes";
  }
  return NULL;
}

static void table_check(struct looking *l, const struct mid_record *record) {
  size_t bytes = sizeof(struct mid_hardened_table) + record->span->carved * sizeof(uint16_t);
  struct mid_hardened_table *table = (struct mid_hardened_table *)(void *)l->bytes;
  l->out->checked[MID_DOCTOR_FREE] += record->span->carved - mid_span_used(record->span);
  if (!mid_target_read(l->t, record->span->asked, table, bytes))
    broken(l, MID_DOCTOR_SPANS, record->base, "a hardened span without a table");
  else
    (void)holds(l, MID_DOCTOR_SPANS, record->base, table_broken(record, table));
}

// ---- spans ----

static const char *small_broken(const struct mid_record *record) {
  const struct mid_span *span = record->span;
  if (span->capacity != span->slices * MID_SLICE_BYTES / span->block_bytes)
    return "a span with a wrong capacity";
  if (mid_span_used(span) > span->carved) return "a span with more blocks used than were made";
  if (span->bytes > span->slices * MID_SLICE_BYTES)
    return "a span that is charged more than it has";
  for (uint32_t i = 1; i < span->slices; i++)
    if (span[i].state != MID_SPAN_INNER || span[i].slices != i)
      return "a span whose slices do not lead to its head";
  return NULL;
}

static void small_check(struct looking *l, const struct mid_record *record) {
  l->out->checked[MID_DOCTOR_SPANS]++;
  if (!holds(l, MID_DOCTOR_SPANS, record->base, small_broken(record))) return;
  if (l->library.hardened)
    table_check(l, record);
  else
    lists_check(l, record);
}

// A neighbour in a list of runs, or none.
static bool links_back(const struct looking *l, const struct mid_record *record) {
  struct mid_span next;
  uint64_t at = (uintptr_t)record->span->next;
  return at == 0 || (mid_target_read(l->t, at, (void *)&next, sizeof next) &&
                     (uintptr_t)next.prev == record->at);
}

static const char *run_broken(const struct looking *l, const struct mid_record *record) {
  const struct mid_span *span = record->span, *tail = span + span->slices - 1;
  if ((span->state == MID_SPAN_DIRTY) != (span->bytes > 0))
    return "a free run that is clean and dirty at once";
  if (span->slices > 1 && (tail->state != MID_SPAN_TAIL || tail->slices != span->slices - 1))
    return "a free run whose tail does not lead to its head";
  return links_back(l, record) ? NULL : "a list of free runs that does not link";
}

static size_t record_look(void *self, const struct mid_record *record) {
  static const enum mid_doctor_part parts[] = {[MID_SPAN_SMALL] = MID_DOCTOR_SPANS,
                                               [MID_SPAN_LARGE] = MID_DOCTOR_LARGE,
                                               [MID_SPAN_DIRTY] = MID_DOCTOR_RUNS,
                                               [MID_SPAN_CLEAN] = MID_DOCTOR_RUNS};
  struct looking *l = self;
  const struct mid_span *span = record->span;
  if (!mid_record_is_head(span)) {
    if (span->state > MID_SPAN_TAIL)
      broken(l, MID_DOCTOR_SPANS, record->at, "a record in no state that there is");
    return 1;
  }
  if (!holds(l, parts[span->state], record->at, mid_record_broken(record))) return 1;
  if (span->state == MID_SPAN_SMALL) small_check(l, record);
  if (span->state == MID_SPAN_LARGE) l->out->checked[MID_DOCTOR_LARGE]++;
  if (parts[span->state] == MID_DOCTOR_RUNS) {
    l->out->checked[MID_DOCTOR_RUNS]++;
    (void)holds(l, MID_DOCTOR_RUNS, record->base, run_broken(l, record));
  }
  return span->slices;
}

// ---- heaps ----

static const char *listed_broken(const struct mid_span *span, uint64_t before, uint64_t heap,
                                 unsigned klass, unsigned list) {
  if (span->state != MID_SPAN_SMALL) return "a heap's list that holds no span of blocks";
  if ((uintptr_t)span->prev != before) return "a heap's list of spans that does not link";
  if (span->list != list) return "a span in a list that it does not know of";
  if (span->klass != klass) return "a span in another class's list";
  return (uintptr_t)span->heap != heap ? "a span in another heap's list" : NULL;
}

static const char *list_broken(const struct looking *l, uint64_t heap,
                               const struct mid_span_list *list, unsigned klass, unsigned place) {
  uint64_t at = (uintptr_t)list->first, before = 0;
  struct mid_span span;
  // A circle would not link back.
  for (; at != 0; before = at, at = (uintptr_t)span.next) {
    if (!mid_target_read(l->t, at, (void *)&span, sizeof span))
      return "a heap's list that leads to no memory";
    const char *what = listed_broken(&span, before, heap, klass, place);
    if (what != NULL) return what;
  }
  return (uintptr_t)list->last != before ? "a heap's list of spans with a wrong end" : NULL;
}

static const char *current_broken(const struct looking *l, const struct mid_heap *heap,
                                  unsigned klass) {
  uint64_t at = (uintptr_t)heap->current[klass];
  struct mid_span span;
  if (at == (uintptr_t)l->library.anchor.no_span) return NULL;
  if (!mid_target_read(l->t, at, (void *)&span, sizeof span) || span.state != MID_SPAN_SMALL)
    return "a heap whose current span is none";
  return span.list != MID_LIST_CURRENT ? "a current span that is in a list" : NULL;
}

static void heap_look(struct looking *l, const struct mid_heap *heap, uint64_t at) {
  if (heap->kind > MID_HEAP_POOLED) {
    broken(l, MID_DOCTOR_HEAPS, at, "a heap of no kind that there is");
    return;
  }
  for (unsigned c = 0; c < MID_CLASSES && heap->kind != MID_HEAP_POOLED; c++) {
    const char *what = current_broken(l, heap, c);
    if (what == NULL) what = list_broken(l, at, &heap->partial[c], c, MID_LIST_PARTIAL);
    if (what == NULL) what = list_broken(l, at, &heap->full[c], c, MID_LIST_FULL);
    if (what == NULL) what = list_broken(l, at, &heap->sampled[c], c, MID_LIST_SAMPLED);
    if (!holds(l, MID_DOCTOR_HEAPS, at, what)) return;
  }
}

static void heaps_look(struct looking *l, struct mid_heap *heap) {
  struct mid_library_list list = {.at = mid_library_word(l->t, (uintptr_t)l->library.anchor.heaps)};
  for (; list.at != 0; mid_library_step(&list, (uintptr_t)heap->next)) {
    if (!mid_target_read(l->t, list.at, (void *)heap, sizeof *heap)) {
      broken(l, MID_DOCTOR_HEAPS, list.at, "the list of heaps leads to no memory");
      return;
    }
    l->out->checked[MID_DOCTOR_HEAPS]++;
    heap_look(l, heap, list.at);
  }
}

// ---- the whole ----

const char *mid_doctor_look(const struct mid_target *target, struct mid_doctor *out) {
  struct looking *l = calloc(1, sizeof *l);
  struct mid_heap *heap = malloc(sizeof *heap);
  *out = (struct mid_doctor){0};
  const char *why = target_no_memory;
  if (l != NULL && heap != NULL && (l->bytes = malloc(MID_MEDIUM_SLICES * MID_SLICE_BYTES))) {
    l->t = target;
    l->out = out;
    why = mid_library_find(target, &l->library);
    if (why == NULL) why = mid_records_read(target, &l->library, record_look, l);
    if (why == NULL) heaps_look(l, heap);
  }
  if (l != NULL) free(l->bytes);
  free((void *)heap);
  free(l);
  return why;
}

static bool is_same(const struct mid_doctor_fault *a, const struct mid_doctor_fault *b) {
  return a->address == b->address && strcmp(a->what, b->what) == 0;
}

void mid_doctor_agree(struct mid_doctor *d, const struct mid_doctor *again) {
  size_t kept = 0;
  memset(d->broken, 0, sizeof d->broken);
  for (size_t i = 0; i < d->faults; i++)
    for (size_t k = 0; k < again->faults; k++)
      if (is_same(&d->fault[i], &again->fault[k])) {
        d->broken[d->fault[i].part]++;
        d->fault[kept++] = d->fault[i];
        break;
      }
  d->faults = kept;
}
