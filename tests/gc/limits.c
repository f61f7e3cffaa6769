// tests/gc/limits.c -- heaps that may not grow: what is refused, and that the rest goes on.
// SPDX-License-Identifier: MIT
#include "gc/gc.h"
#include "model.h"
#include "span/span.h"

enum { PRECISE = MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE };

static midden_gc *gc;
static midden_mutator *m;
static midden_type *types[SHAPES];
static midden_ref spare;  // what out_of_memory may drop: an exact root
static int asked;

static bool drop_spare(void *context, size_t bytes) {
  MUST(context == &asked && bytes > 0);
  asked++;
  bool more = spare.word != NULL;
  spare.word = NULL;
  return more;
}

static void heap_open(size_t most, bool (*out_of_memory)(void *, size_t)) {
  midden_gc_config config = {
      .keeps = PRECISE, .max_bytes = most, .out_of_memory = out_of_memory, .context = &asked};
  gc = model_heap(&config, types);
  asked = 0;
  MUST(midden_gc_attach(gc, &m) == MIDDEN_OK);
  MUST(midden_gc_root_add(gc, &spare, sizeof spare, MIDDEN_GC_EXACT) == MIDDEN_OK);
}

static void heap_close(void) {
  must_be_whole(m);
  midden_gc_detach(m);
  midden_gc_close(gc);
}

static midden_gc_stats stats(void) {
  midden_gc_stats s;
  midden_gc_stats_read(gc, &s);
  return s;
}

// A list in `head` until there is no memory.  returns its length
static size_t fill(midden_ref *head) {
  for (size_t n = 0;; n++) {
    uint64_t *cell = midden_gc_new(m, types[FIELDS]);
    if (cell == NULL) return n;
    cell[0] = n;
    midden_gc_store_init(m, cell, (midden_ref *)(void *)cell + 1, head->word);
    head->word = cell;
  }
}

static size_t length(const uint64_t *cell) {
  size_t n = 0;
  for (; cell != NULL; cell = (const uint64_t *)(uintptr_t)cell[1], n++)
    MUST(cell[1] == 0 || ((const uint64_t *)(uintptr_t)cell[1])[0] == cell[0] - 1);
  return n;
}

TEST(a_full_heap_refuses_and_can_be_used_once_something_is_dropped)
{
  heap_open(8 * MIB, NULL);
  MIDDEN_FRAME(m, list, 1);
  for (int round = 0; round < 3; round++) {
    size_t n = fill(&list[0]);
    // 72 bytes a cell; copying needs half of the room for its copies.
    MUST(n * 72 > 2 * MIB && n * 72 <= 8 * MIB);
    MUST(length(list[0].word) == n);
    MUST(midden_gc_new(m, types[FIELDS]) == NULL);
    list[0].word = NULL;
    MUST(midden_gc_new(m, types[FIELDS]) != NULL);
  }
  MIDDEN_FRAME_END(m, list);
  heap_close();
}

TEST(what_the_program_can_spare_is_asked_for_before_an_allocation_fails)
{
  heap_open(16 * MIB, drop_spare);
  MIDDEN_FRAME(m, list, 1);
  spare.word = midden_gc_new_array(m, types[BYTES], 3 * MIB);
  MUST(spare.word != NULL);
  size_t n = fill(&list[0]);
  MUST(asked == 2 && spare.word == NULL);
  MUST(length(list[0].word) == n);
  MIDDEN_FRAME_END(m, list);
  heap_close();
}

TEST(an_array_larger_than_the_heap_is_refused_and_nothing_is_lost)
{
  static const size_t counts[] = {64 * MIB, (size_t)1 << 40, (size_t)1 << 60, SIZE_MAX};
  heap_open(8 * MIB, NULL);
  MIDDEN_FRAME(m, f, 1);
  f[0].word = midden_gc_new(m, types[FIELDS]);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    for (enum shape s = ELEMENTS; s <= BYTES; s++)
      MUST(midden_gc_new_array(m, types[s], counts[i]) == NULL);
  MUST(f[0].word != NULL && midden_gc_new(m, types[FIELDS]) != NULL);
  MIDDEN_FRAME_END(m, f);
  heap_close();
}

TEST(graphs_are_right_where_allocations_are_refused)
{
  uint64_t refused = 0;
  for (size_t most = MIB / 2; most <= 2 * MIB; most += MIB / 2) {
    heap_open(most, NULL);
    MIDDEN_FRAME(m, frame, MODEL_FRAME);
    struct model *k = model_open(gc, m, PRECISE, types, frame, most);
    for (int i = 0; i < 2500; i++) model_step(k);
    model_collect(k, MIDDEN_GC_MAJOR);
    MUST(stats().peak <= most);
    refused += k->refused;
    model_close(k);
    MIDDEN_FRAME_END(m, frame);
    heap_close();
    free(k);
  }
  MUST(refused > 0);
}

TEST(memory_goes_back_when_all_is_dropped)
{
  heap_open(0, NULL);
  MIDDEN_FRAME(m, list, 1);
  for (int round = 0; round < 2; round++) {
    for (size_t n = 0; n < 500000; n++) {
      uint64_t *cell = midden_gc_new(m, types[FIELDS]);
      cell[0] = n;
      midden_gc_store_init(m, cell, (midden_ref *)(void *)cell + 1, list[0].word);
      list[0].word = cell;
    }
    MUST(stats().committed >= 34 * MIB);
    list[0].word = NULL;
    midden_gc_collect(m, MIDDEN_GC_MAJOR);
    midden_gc_collect(m, MIDDEN_GC_MAJOR);
    MUST(stats().committed <= 24 * MIB && stats().live <= MIB);
  }
  MIDDEN_FRAME_END(m, list);
  heap_close();
}

// Bytes that the kernel was asked to back by huge pages.
static size_t huge_bytes(void) {
  FILE *f = fopen("/proc/self/smaps", "r");
  char line[512];
  unsigned long low = 0, high = 0, from, to;
  size_t bytes = 0;
  MUST(f != NULL);
  while (fgets(line, sizeof line, f) != NULL) {
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) low = from, high = to;
    if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg") != NULL) bytes += high - low;
  }
  fclose(f);
  return bytes;
}

// One that knows none refuses.
static bool kernel_has_huge_pages(void) {
  void *p = mid_os_map_aligned(2 * MIB, 2 * MIB);
  MUST(p != NULL);
  mid_os_huge(p, 2 * MIB, true);
  bool has = huge_bytes() > 0;
  mid_os_unmap(p, 2 * MIB);
  return has;
}

static bool has_wide_area(void) {
  for (const struct mid_gc_area *a = gc->areas; a != NULL; a = a->next)
    if (a->blocks == MID_GC_WIDE_BLOCKS) return true;
  return false;
}

// A helper touches them first, so it takes a while until one is used.
TEST(a_large_heap_asks_for_huge_pages_and_gives_back_none)
{
  enum { SMALL = 500000, LARGE = SMALL + 4000000 };
  bool has = kernel_has_huge_pages();
  heap_open(0, NULL);
  // Pages that are watched for writes stay small.
  bool wide = mid_gc_helpers_ready(gc, 1) > 0 && gc->plan->took == NULL;
  MIDDEN_FRAME(m, list, 2);
  for (uint64_t n = 0; n < (wide ? LARGE : SMALL + 100000) && !has_wide_area(); n++) {
    uint64_t *cell = midden_gc_new(m, types[FIELDS]);
    cell[0] = n;
    midden_gc_store_init(m, cell, (midden_ref *)(void *)cell + 1, list[0].word);
    list[0].word = cell;
    if (n != SMALL) continue;
    MUST(huge_bytes() == 0);
    list[1].word = midden_gc_new_array(m, types[BYTES], 256 * MIB);  // never touched
    MUST(list[1].word != NULL);
  }
  MUST(has_wide_area() == wide);
  MUST(huge_bytes() >= (has && wide ? 16 * MIB : 0));
  MUST(wide || huge_bytes() == 0);
  MUST(length(list[0].word) > SMALL);
  MIDDEN_FRAME_END(m, list);
  heap_close();
  MUST(huge_bytes() == 0);
}

TEST(a_heap_that_is_closed_leaves_nothing_of_large_objects)
{
  uint64_t before = mid_span_totals().large_bytes;
  heap_open(0, NULL);
  for (int i = 0; i < 8; i++) MUST(midden_gc_new_array(m, types[REFS], MIB / 8) != NULL);
  MUST(mid_span_totals().large_bytes >= before + 8 * MIB);
  heap_close();
  MUST(mid_span_totals().large_bytes == before);
}

// One in eight is left, in every block: only moving them gives memory back.
TEST(what_lies_scattered_is_brought_together_by_a_full_collection)
{
  enum { CELLS = 1000000, KEPT_ONE_IN = 8 };
  heap_open(0, NULL);
  MIDDEN_FRAME(m, list, 1);
  for (size_t n = 0; n < CELLS; n++) {
    uint64_t *cell = midden_gc_new(m, types[FIELDS]);
    cell[0] = n;
    midden_gc_store_init(m, cell, (midden_ref *)(void *)cell + 1, list[0].word);
    list[0].word = cell;
  }
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  size_t all = stats().live;
  for (uint64_t *cell = list[0].word; cell != NULL;) {
    midden_ref *rest = (midden_ref *)(void *)cell + 1;
    uint64_t *next = midden_gc_load(m, rest);
    for (int i = 1; i < KEPT_ONE_IN && next != NULL; i++)
      next = midden_gc_load(m, (midden_ref *)(void *)next + 1);
    midden_gc_store(m, cell, rest, next);
    cell = next;
  }
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  MUST(stats().live <= all / KEPT_ONE_IN + MIB);
  MUST(stats().committed <= all / 2);
  size_t n = CELLS - 1;
  for (uint64_t *cell = list[0].word; cell != NULL; n -= KEPT_ONE_IN) {
    MUST(cell[0] == n);
    cell = midden_gc_load(m, (midden_ref *)(void *)cell + 1);
  }
  MIDDEN_FRAME_END(m, list);
  heap_close();
}

TEST(what_lived_is_told_until_the_next_major_collection)
{
  heap_open(0, NULL);
  MIDDEN_FRAME(m, kept, 1);
  kept[0].word = midden_gc_new(m, types[FIELDS]);
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  size_t live = stats().live;
  MUST(live > 0);
  MUST(midden_gc_new(m, types[FIELDS]) != NULL);
  midden_gc_collect(m, MIDDEN_GC_MINOR);
  MUST(stats().live == live);
  MIDDEN_FRAME_END(m, kept);
  heap_close();
}

// A million nodes in a row, a ring of them, and an array of as many references: deep and wide.
TEST(a_long_list_a_ring_and_a_wide_array_are_kept_and_freed)
{
  enum { MANY = SANITIZED ? 100000 : 1000000 };
  heap_open(0, NULL);
  MIDDEN_FRAME(m, f, 3);
  f[1].word = midden_gc_new_array(m, types[REFS], MANY);
  for (size_t n = 0; n < MANY; n++) {
    uint64_t *cell = midden_gc_new(m, types[ALIGNED]);
    cell[0] = n;
    midden_gc_store_init(m, cell, (midden_ref *)(void *)cell + 1, f[0].word);
    f[0].word = cell;
    if (n == 0) f[2].word = cell;
    midden_gc_store(m, f[1].word, (midden_ref *)f[1].word + n, cell);
  }
  midden_gc_store(m, f[2].word, (midden_ref *)f[2].word + 1, f[0].word);
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  MUST(stats().live_objects == MANY + 1);
  for (size_t n = 0; n < MANY; n++) {
    const uint64_t *cell = ((midden_ref *)f[1].word)[n].word;
    MUST(cell[0] == n && (n == 0 || cell[1] == (uintptr_t)((midden_ref *)f[1].word)[n - 1].word));
  }
  f[1].word = f[2].word = NULL;
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  MUST(stats().live_objects == MANY);
  f[0].word = NULL;
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  MUST(stats().live_objects == 0);
  MIDDEN_FRAME_END(m, f);
  heap_close();
}
