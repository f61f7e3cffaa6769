// heap/sample_stack.c -- see sample_stack.h.
// SPDX-License-Identifier: MIT
#include "heap/sample_stack.h"

#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "heap/heap.h"
#include "heap/index.h"
#include "os/os.h"

// ---- modules ----

// In the words of a module's record that readers ignore: what the loader calls it, and whether what
// lies there is known to be the same still.
enum { MODULE_IDENTITY, MODULE_IS_KNOWN };
static uint64_t sample_modules;  // told so far

static struct mid_sample_module *sample_module_at(uint64_t number) {
  return mid_samples_at(MID_SAMPLES_MODULE, number);
}

static uint64_t sample_module_add(const struct mid_os_module *found, uintptr_t code) {
  uint64_t offset, number;
  if (!mid_os_module_offset(found, code, &offset)) return 0;
  if ((number = mid_samples_more(MID_SAMPLES_MODULE, 1)) == 0) return 0;
  struct mid_sample_module *m = sample_module_at(number);
  m->start = found->start;
  m->end = found->end;
  m->offset = offset - (code - found->start);
  m->loaded = mid_os_ticks();
  m->id_bytes = mid_os_module_build_id(found, m->id, sizeof m->id);
  mid_os_module_path(found, m->path, sizeof m->path);
  m->reserved[MODULE_IDENTITY] = found->identity;
  m->reserved[MODULE_IS_KNOWN] = true;
  mid_samples_show(MID_SAMPLES_MODULE);
  return sample_modules = number;
}

// What lies there now may be another than when it was told.
static bool sample_module_is_still(struct mid_sample_module *m) {
  struct mid_os_module now;
  if (m->reserved[MODULE_IS_KNOWN]) return true;
  bool still = mid_os_module_find(m->start, &now) && now.identity == m->reserved[MODULE_IDENTITY];
  m->reserved[MODULE_IS_KNOWN] = still;
  if (!still) m->gone = mid_os_ticks();
  return still;
}

static bool sample_module_has(const struct mid_sample_module *m, uintptr_t code) {
  return code - m->start < m->end - m->start;
}

// The number of the module of `code`, most often `last`; 0: there is none.
static uint64_t sample_module_of(uintptr_t code, uint64_t last) {
  struct mid_os_module found;
  if (last != 0 && sample_module_has(sample_module_at(last), code)) return last;
  for (uint64_t i = 1; i <= sample_modules; i++) {
    struct mid_sample_module *m = sample_module_at(i);
    if (m->gone == 0 && sample_module_has(m, code) && sample_module_is_still(m)) return i;
  }
  return mid_os_module_find(code, &found) ? sample_module_add(&found, code) : 0;
}

static uint64_t sample_frame_of(uintptr_t pc, uint64_t *last) {
  *last = sample_module_of(pc - 1, *last);
  if (*last == 0) return mid_sample_frame(0, pc);
  const struct mid_sample_module *m = sample_module_at(*last);
  return mid_sample_frame(*last, pc - m->start + m->offset);
}

MID_RARELY void mid_sample_stack_unloaded(void) {
  for (uint64_t i = 1; i <= sample_modules; i++)
    sample_module_at(i)->reserved[MODULE_IS_KNOWN] = false;
}

// ---- stacks ----

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
  uint64_t last = 0;
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

// Small tables lie together, before large ones are made.
void mid_sample_stack_open(void) {
  if (sample_stacks.places == 0) (void)mid_index_grow(&sample_stacks);
}

MID_RARELY void mid_sample_stack_forget(void) {
  mid_index_clear(&sample_stacks);
  sample_modules = 0;
}
