// walk/freed.c -- see freed.h.
// SPDX-License-Identifier: MIT
#include "walk/freed.h"

#include "walk/records.h"

enum {
  FIELDS = 16,           // words of a structure in which the pointer may have stood
  OFFSET_BYTES = 65536,  // from a pointer to what was used
  RED_ZONE_BYTES = 128,  // below the stack pointer, for functions that call none
  FRAME_BYTES = 256      // above it: variables of a function that was not optimised
};

// ---- the free run -------------------------------------------------------------------------------

static size_t run_take(void *self, const struct mid_record *record) {
  struct mid_freed *f = self;
  const struct mid_span *span = record->span;
  if (!mid_record_is_head(span) || mid_record_broken(record) != NULL) return 1;
  uint64_t bytes = (uint64_t)span->slices << MID_SLICE_SHIFT;
  bool is_free = span->state == MID_SPAN_DIRTY || span->state == MID_SPAN_CLEAN;
  if (is_free && f->pointer - record->base < bytes) {
    f->start = record->base;
    f->end = record->base + bytes;
  }
  return span->slices;
}

static bool find_run(const struct mid_target *t, struct mid_freed *f) {
  struct mid_library library;
  return mid_library_find(t, &library) == NULL &&
         mid_records_read(t, &library, run_take, f) == NULL && f->end != 0;
}

// ---- pointers -----------------------------------------------------------------------------------

// Addresses of processes and of the kernel have the same bits above the 47th.
static bool is_address(uint64_t word) { return word >> 47 == 0 || word >> 47 == 0x1ffff; }

// Whether one of the words at `pointer` may have become the address.
static bool leads_to(const struct mid_target *t, uint64_t pointer, uint64_t address) {
  uint64_t word[FIELDS];
  if (!mid_target_read(t, pointer, word, sizeof word)) return false;
  for (int i = 0; i < FIELDS; i++)
    if (address != MID_FREED_NO_ADDRESS ? address - word[i] < OFFSET_BYTES : !is_address(word[i]))
      return true;
  return false;
}

static bool is_freed(const struct mid_target *t, const struct mid_blocks *blocks, uint64_t pointer,
                     uint64_t address, struct mid_freed *f) {
  uint64_t offset;
  *f = (struct mid_freed){.pointer = pointer, .block = mid_blocks_find(blocks, pointer, &offset)};
  if (f->block != MID_BLOCK_NONE)
    return !mid_blocks_is_live(blocks, f->block) && leads_to(t, pointer, address);
  return mid_blocks_is_own(blocks, pointer) && leads_to(t, pointer, address) && find_run(t, f);
}

bool mid_freed_find(const struct mid_target *t, const struct mid_target_thread *thread,
                    const struct mid_blocks *blocks, uint64_t address, struct mid_freed *out) {
  uint64_t local[(RED_ZONE_BYTES + FRAME_BYTES) / sizeof(uint64_t)];
  for (size_t i = 0; i < MID_TARGET_REGISTERS; i++)
    if (is_freed(t, blocks, thread->reg[i], address, out)) return out->in_register = true;
  if (!mid_target_read(t, (thread->sp & -(uint64_t)8) - RED_ZONE_BYTES, local, sizeof local))
    return false;
  for (size_t i = 0; i < sizeof local / sizeof *local; i++)
    if (is_freed(t, blocks, local[i], address, out)) return true;
  return false;
}
