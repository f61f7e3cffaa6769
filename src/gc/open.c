// gc/open.c -- a heap opens with the collector and the sizes that are asked for, and closes.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/options.h"
#include "gc/gc.h"
#include "heap/heap.h"
#include "midden/malloc.h"

// ---- which collector ----

static const struct mid_gc_plan *open_plan_named(const char *name) {
  for (const struct mid_gc_plan *const *p = mid_gc_plans; *p != NULL; p++)
    if (strcmp((*p)->name, name) == 0) return *p;
  return NULL;
}

static const struct mid_gc_plan *open_plan(const midden_gc_config *c) {
  char room[32];
  struct mid_text word = mid_text_open(room, sizeof room);
  mid_option_print(&mid_option_rows[MID_OPTION_gc], mid_options.gc, &word);
  const char *name = mid_options.gc != 0 ? room : c->collector;
  if (name == NULL) name = (c->keeps & MIDDEN_GC_STORES) != 0 ? "generational" : "mark-sweep";
  const struct mid_gc_plan *plan = open_plan_named(name);
  if (plan == NULL)
    (void)mid_gc_fail("collector", name,
                      "there is none of this name: mark-sweep, copying, generational, no-barrier");
  else if ((plan->needs & MIDDEN_GC_STORES & ~c->keeps) != 0)
    (void)mid_gc_fail("collector", name,
                      "it has to be told of stores, and the program does not promise that all go "
                      "through midden_gc_store (MIDDEN_GC_STORES)");
  else
    return plan;
  return NULL;
}

static bool open_keeps_together(const midden_gc_config *c) {
  if ((c->keeps & MIDDEN_GC_PRECISE) == 0 || (c->keeps & MIDDEN_GC_POLLS) != 0) return true;
  (void)mid_gc_fail("promise", "MIDDEN_GC_PRECISE",
                    "a thread whose stack is not scanned can only be stopped at polls: promise "
                    "MIDDEN_GC_POLLS as well");
  return false;
}

// ---- sizes ----

static size_t open_size(uint64_t option, uint64_t otherwise, size_t asked) {
  return option != otherwise ? (size_t)option : asked != 0 ? asked : (size_t)otherwise;
}

static void open_sizes(midden_gc *gc, const midden_gc_config *c) {
  const struct mid_options *o = &mid_options, *d = &mid_options_default;
  gc->initial = open_size(o->gc_initial, d->gc_initial, c->initial_bytes);
  gc->most = open_size(o->gc_max, d->gc_max, c->max_bytes);
  gc->soft = open_size(o->gc_soft_max, d->gc_soft_max, c->soft_bytes);
  gc->soft_waste = gc->soft / 4;
  gc->young_size = open_size(o->gc_young, d->gc_young, c->young_bytes);
  gc->threads = (unsigned)open_size(o->gc_threads, d->gc_threads, c->threads);
  gc->new_ratio = o->gc_new_ratio;
  gc->survivor_ratio = o->gc_survivor_ratio;
  gc->max_tenuring = gc->threshold = (unsigned)o->gc_max_tenuring;
  gc->pause_goal = (double)o->gc_pause_goal_ms * 1e-3;
  gc->stress = o->gc_stress;
  gc->verify = o->gc_verify;
  gc->major_colour = 1;
  mid_gc_pace(gc);
}

midden_status midden_gc_open(const midden_gc_config *config, midden_gc **out) {
  static const midden_gc_config nothing;
  const midden_gc_config *c = config != NULL ? config : &nothing;
  (void)mid_thread_heap_get();  // starts the library, which reads the options
  const struct mid_gc_plan *plan = open_keeps_together(c) ? open_plan(c) : NULL;
  if (plan == NULL) return MIDDEN_INVALID;
  midden_gc *gc = midden_calloc(1, sizeof *gc);
  if (gc == NULL || !mid_gc_windows_start()) {
    midden_free(gc);
    return MIDDEN_NOMEM;
  }
  gc->plan = plan;
  gc->keeps = c->keeps;
  if (c->events != NULL) gc->events = *c->events;
  gc->context = c->context;
  gc->out_of_memory = c->out_of_memory;
  gc->stop_signal = c->stop_signal;
  gc->opened_ns = mid_os_nanoseconds();
  open_sizes(gc, c);
  const char *why = NULL;
  if (!mid_gc_mutators_open(gc, &why)) {
    midden_free(gc);
    return mid_gc_fail("collector", plan->name, why);
  }
  // Copies that cannot be put down here are scanned where they are found, in frame after frame.
  bool room = mid_gc_words_add(&gc->ranges, 0);
  gc->ranges.count = 0;
  if (!room || !mid_gc_helpers_open(gc, gc->threads - 1) ||
      (plan->open != NULL && !plan->open(gc))) {
    mid_gc_mutators_close(gc);
    mid_gc_helpers_close(gc);
    mid_gc_words_close(&gc->ranges);
    midden_free(gc);
    return MIDDEN_NOMEM;
  }
  mid_gc_tell_open(gc);
  *out = gc;
  return MIDDEN_OK;
}

void midden_gc_close(midden_gc *gc) {
  if (gc == NULL) return;
  mid_gc_weak_close(gc);
  mid_gc_mutators_close(gc);
  mid_gc_tell_close(gc);
  mid_gc_ahead_drop(gc);
  mid_gc_helpers_close(gc);
  mid_gc_blocks_close(gc);
  if (gc->plan->close != NULL) gc->plan->close(gc);
  struct mid_gc_words *words[] = {&gc->stack,   &gc->ranges, &gc->remembered,
                                  &gc->pending, &gc->pins,   &gc->conservative};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) mid_gc_words_close(words[i]);
  mid_gc_roots_close(gc);
  mid_gc_types_close(gc);
  midden_free(gc);
}

const char *midden_gc_collector(const midden_gc *gc) { return gc->plan->name; }

// ---- what there is ----

void midden_gc_external(midden_gc *gc, ptrdiff_t bytes) {
  atomic_fetch_add_explicit(&gc->external, bytes, memory_order_relaxed);
}

void midden_gc_set_soft(midden_gc *gc, size_t bytes) {
  mid_gc_lock_quietly(gc);
  mid_gc_pace_soft(gc, bytes);
  mid_gc_unlock_quietly(gc);
}

void midden_gc_stats_read(midden_gc *gc, midden_gc_stats *out) {
  mid_gc_lock_quietly(gc);
  *out = (midden_gc_stats){.minor = gc->minors,
                           .major = gc->majors,
                           .allocated = gc->allocated,
                           .used = mid_gc_used(gc),
                           .committed = gc->committed,
                           .peak = gc->peak,
                           .max = gc->most,
                           .live = gc->live,
                           .live_objects = gc->live_objects,
                           .external = (uint64_t)atomic_load(&gc->external),
                           .types = gc->type_count,
                           .types_bytes = gc->type_bytes,
                           .meta_bytes = gc->meta,
                           .pause = gc->pause,
                           .pause_most = gc->pause_most,
                           .last = gc->now};
  mid_gc_unlock_quietly(gc);
}

const midden_type *midden_gc_type_of(const void *object) {
  return &mid_gc_type_in(*mid_gc_word(object))->seen;
}

const char *midden_gc_type_name(const midden_type *type) {
  return ((const struct mid_gc_type *)type)->name;
}

size_t midden_gc_bytes(const void *object) {
  return mid_gc_field_bytes(object, *mid_gc_word(object));
}
