// heap/sample_stack.c -- see sample_stack.h.
// SPDX-License-Identifier: MIT
#include "heap/sample_stack.h"

#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "heap/heap.h"
#include "heap/index.h"
#include "os/os.h"

// ---- sample_modules ----

enum { MODULES_MOST = 1024 };

// A module as this process knows it; record i is number i + 1 in the file.
static struct sample_module {
  uintptr_t start, end, identity;
  uint64_t bias;  // place in the file less the address
  bool gone, known;
} * sample_modules;
static uint32_t sample_module_count;

static void sample_module_tell(const struct sample_module *m, const struct mid_os_module *found,
                               struct mid_sample_module *out) {
  out->start = m->start;
  out->end = m->end;
  out->offset = m->start + m->bias;
  out->loaded = mid_os_ticks();
  out->id_bytes = mid_os_module_build_id(found, out->id, sizeof out->id);
  mid_os_module_path(found, out->path, sizeof out->path);
}

static struct sample_module *sample_module_add(const struct mid_os_module *found, uintptr_t code) {
  uint64_t offset;
  if (sample_modules == NULL) sample_modules = mid_meta_take(MODULES_MOST * sizeof *sample_modules);
  if (sample_modules == NULL || sample_module_count == MODULES_MOST) return NULL;
  if (!mid_os_module_offset(found, code, &offset)) return NULL;
  uint64_t number = mid_samples_more(MID_SAMPLES_MODULE, 1);
  if (number == 0) return NULL;
  struct sample_module *m = &sample_modules[sample_module_count++];
  *m = (struct sample_module){found->start, found->end, found->identity, offset - code,
                              .known = true};
  sample_module_tell(m, found, mid_samples_at(MID_SAMPLES_MODULE, number));
  mid_samples_show(MID_SAMPLES_MODULE);
  return m;
}

// What lies there now may be another than when it was told.
static bool sample_module_is_still(struct sample_module *m) {
  struct mid_os_module now;
  if (m->known) return true;
  m->known = mid_os_module_find(m->start, &now) && now.identity == m->identity;
  m->gone = !m->known;
  if (m->gone) {
    struct mid_sample_module *told =
        mid_samples_at(MID_SAMPLES_MODULE, (uint64_t)(m - sample_modules) + 1);
    told->gone = mid_os_ticks();
  }
  return m->known;
}

static struct sample_module *sample_module_of(uintptr_t code) {
  struct mid_os_module found;
  for (struct sample_module *m = sample_modules, *end = m + sample_module_count; m < end; m++)
    if (!m->gone && code - m->start < m->end - m->start && sample_module_is_still(m)) return m;
  return mid_os_module_find(code, &found) ? sample_module_add(&found, code) : NULL;
}

static uint64_t sample_frame_of(uintptr_t pc, struct sample_module **last) {
  struct sample_module *m = *last;
  if (m == NULL || pc - 1 - m->start >= m->end - m->start) *last = m = sample_module_of(pc - 1);
  if (m == NULL) return mid_sample_frame(0, pc);
  return mid_sample_frame((uint64_t)(m - sample_modules) + 1, pc + m->bias);
}

MID_RARELY void mid_sample_stack_unloaded(void) {
  for (uint32_t i = 0; i < sample_module_count; i++) sample_modules[i].known = false;
}

// ---- sample_stacks ----

struct stack_frames {
  uint64_t at[MID_UNWIND_MOST], hash;
  uint32_t count;
  bool cut;
};

// The hash is in the first of the words that readers ignore.
static uint64_t sample_stack_hash(uint32_t number) {
  return mid_sample_stack_at(number)->reserved[0];
}
static struct mid_index sample_stacks = {.hash = sample_stack_hash};

static void sample_frames_make(const struct mid_unwind_trace *trace, struct stack_frames *out) {
  struct sample_module *last = NULL;
  out->count = trace->frames;
  out->cut = trace->cut;
  uint64_t hash = trace->frames + trace->cut * 64u;
  for (uint32_t i = 0; i < trace->frames; i++) {
    out->at[i] = sample_frame_of(trace->frame[i], &last);
    hash = (hash ^ out->at[i]) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  out->hash = hash * 0x9e3779b97f4a7c15u;
}

static bool sample_stack_is(uint32_t number, const struct stack_frames *frames) {
  const struct mid_sample_stack *s = mid_sample_stack_at(number);
  if (s->frames != frames->count || s->cut != frames->cut) return false;
  for (uint32_t i = 0; i < frames->count; i++)
    if (*(uint64_t *)mid_samples_at(MID_SAMPLES_FRAME, s->frame + i) != frames->at[i]) return false;
  return true;
}

static uint32_t sample_stack_add(const struct stack_frames *frames) {
  uint64_t first = mid_samples_more(MID_SAMPLES_FRAME, frames->count);
  uint64_t number = first == 0 ? 0 : mid_samples_more(MID_SAMPLES_STACK, 1);
  if (number == 0) return 0;
  for (uint32_t i = 0; i < frames->count; i++)
    *(uint64_t *)mid_samples_at(MID_SAMPLES_FRAME, first + i) = frames->at[i];
  struct mid_sample_stack *s = mid_sample_stack_at(number);
  s->frame = first;
  s->frames = frames->count;
  s->cut = frames->cut;
  s->asked_least = UINT64_MAX;
  s->first_ticks = mid_os_ticks();
  s->reserved[0] = frames->hash;
  if (!mid_index_add(&sample_stacks, (uint32_t)number)) return 0;
  mid_samples_show(MID_SAMPLES_FRAME);
  mid_samples_show(MID_SAMPLES_STACK);
  return (uint32_t)number;
}

uint32_t mid_sample_stack(const struct mid_unwind_trace *trace) {
  struct stack_frames frames;
  uint32_t place;
  sample_frames_make(trace, &frames);
  for (uint32_t number = mid_index_first(&sample_stacks, frames.hash, &place); number != 0;
       place++, number = mid_index_next(&sample_stacks, frames.hash, &place))
    if (sample_stack_is(number, &frames)) return number;
  return sample_stack_add(&frames);
}

MID_RARELY void mid_sample_stack_forget(void) {
  mid_index_clear(&sample_stacks);
  sample_module_count = 0;
}
