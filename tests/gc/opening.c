// tests/gc/opening.c -- heaps and types that cannot be, and the sentences that say why.
// SPDX-License-Identifier: MIT
#include "shapes.h"

static void refused(const midden_gc_config *config, const char *words) {
  midden_gc *gc = NULL;
  MUST(midden_gc_open(config, &gc) == MIDDEN_INVALID && gc == NULL);
  if (strstr(midden_gc_why(), words) == NULL) fail_msg("%s", midden_gc_why());
}

// What MIDDEN_OPTIONS names wins.
static bool named(void) {
  const char *options = getenv("MIDDEN_OPTIONS");
  return options != NULL && strstr(options, "gc=") != NULL;
}

TEST(a_collector_that_there_is_not_is_refused_by_name)
{
  if (named()) skip();
  refused(&(midden_gc_config){.collector = "shenandoah"}, "shenandoah");
  refused(&(midden_gc_config){.collector = ""}, "there is none of this name");
}

TEST(a_collector_names_the_promise_that_it_needs)
{
  if (named()) skip();
  refused(&(midden_gc_config){.collector = "generational"}, "MIDDEN_GC_STORES");
}

TEST(precise_stacks_need_polls)
{ refused(&(midden_gc_config){.keeps = MIDDEN_GC_STORES | MIDDEN_GC_PRECISE}, "MIDDEN_GC_POLLS"); }

TEST(a_collector_is_chosen_by_what_the_program_keeps_to)
{
  if (named()) skip();
  static const struct {
    unsigned keeps;
    const char *name;
  } is[] = {{MIDDEN_GC_PLAIN, "mark-sweep"}, {MIDDEN_GC_STORES, "generational"}};
  for (int i = 0; i < 2; i++) {
    midden_gc *gc;
    MUST(midden_gc_open(&(midden_gc_config){.keeps = is[i].keeps}, &gc) == MIDDEN_OK);
    CHECK_STR(midden_gc_collector(gc), is[i].name);
    midden_gc_close(gc);
  }
}

TEST(types_that_cannot_be_are_refused_by_name)
{
  static const uint32_t odd[] = {4}, outside[] = {16}, falling[] = {8, 0}, fine[] = {0};
  static const uint64_t bits[] = {1};
  static const midden_type_config wrong[] = {
      {.name = "odd", .bytes = 16, .offsets = odd, .refs = 1},
      {.name = "outside", .bytes = 16, .offsets = outside, .refs = 1},
      {.name = "falling", .bytes = 16, .offsets = falling, .refs = 2},
      {.name = "both", .bytes = 16, .offsets = fine, .refs = 1, .bitmap = bits},
      {.name = "traced", .bytes = 16, .offsets = fine, .refs = 1, .trace = shape_trace},
      {.name = "ragged", .element_bytes = 12, .element_offsets = fine, .element_refs = 1},
      {.name = "huge", .bytes = SIZE_MAX},
      {.name = "guess", .bytes = 8, .flags = MIDDEN_TYPE_CONSERVATIVE, .trace = shape_trace},
  };
  midden_gc *gc;
  MUST(midden_gc_open(&(midden_gc_config){.keeps = MIDDEN_GC_STORES}, &gc) == MIDDEN_OK);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    midden_type *type;
    MUST(midden_gc_type(gc, &wrong[i], &type) == MIDDEN_INVALID);
    MUST(strstr(midden_gc_why(), wrong[i].name) != NULL);
  }
  midden_gc_close(gc);
}

TEST(a_thread_is_attached_once)
{
  midden_gc *gc;
  midden_mutator *m, *again;
  MUST(midden_gc_open(&(midden_gc_config){.keeps = MIDDEN_GC_STORES}, &gc) == MIDDEN_OK);
  MUST(midden_gc_mutator(gc) == NULL && midden_gc_attach(gc, &m) == MIDDEN_OK);
  MUST(midden_gc_mutator(gc) == m && midden_gc_attach(gc, &again) == MIDDEN_INVALID);
  midden_gc_detach(m);
  MUST(midden_gc_mutator(gc) == NULL);
  midden_gc_close(gc);
}
