// span/resident.c -- see resident.h.
// SPDX-License-Identifier: MIT
#include "span/resident.h"

#include "base/bits.h"

// Pages of slice `i` in the first `bytes` of a span.
static uint32_t pages_in(size_t bytes, size_t i) {
  size_t from = i * MID_SLICE_BYTES;
  return bytes <= from ? 0
                       : (uint32_t)(mid_min(bytes - from, MID_SLICE_BYTES) / mid_os_page_bytes());
}

static uint32_t above(uint32_t pages, uint32_t others) {
  return pages > others ? pages - others : 0;
}

size_t mid_resident_of(const struct mid_span *span, size_t slices) {
  size_t pages = 0;
  for (size_t i = 0; i < slices; i++) pages += span[i].before;
  return pages * mid_os_page_bytes();
}

// Pages of slice `i` of a span in use that were charged and given back since.
static uint32_t gone_in(const struct mid_span *span, size_t i) {
  if (span->state != MID_SPAN_SMALL) return 0;
  return (uint32_t)__builtin_popcount(atomic_load_explicit(&span[i].gone, memory_order_relaxed));
}

// Bytes from a span's start to the end of what was charged.
static size_t charged_reach(const struct mid_span *span) {
  size_t pages = 0, slices = span->state == MID_SPAN_SMALL ? span->slices : 0;
  for (size_t i = 0; i < slices; i++) pages += gone_in(span, i);
  return span->bytes + pages * mid_os_page_bytes();
}

// A mapping of its own has one record, and nothing was there before.
size_t mid_resident_beside(const struct mid_span *span, size_t more) {
  if (span->own_mapping) return 0;
  size_t reach = charged_reach(span) + more, pages = 0;
  for (size_t i = reach >> MID_SLICE_SHIFT; i < span->slices; i++)
    pages += above(span[i].before, pages_in(reach, i));
  return pages * mid_os_page_bytes();
}

size_t mid_resident_fresh(const struct mid_span *span) {
  size_t pages = 0;
  if (span->own_mapping) return span->bytes;
  for (size_t i = 0; i * MID_SLICE_BYTES < span->bytes; i++)
    pages += above(pages_in(span->bytes, i), span[i].before);
  return pages * mid_os_page_bytes();
}

void mid_resident_leave(struct mid_span *span, size_t first, bool moved) {
  size_t reach = charged_reach(span);
  for (size_t i = first; i * MID_SLICE_BYTES < reach; i++) {
    uint32_t charged = pages_in(reach, i), before = span[i].before;
    uint32_t rest = pages_in(MID_SLICE_BYTES, 0) - charged;
    uint32_t now = charged - gone_in(span, i) + above(before, charged);
    if (moved) now = before < rest ? before : rest;
    // What was there before may lie elsewhere: it does not read as zero.
    if (before > 0 && now == 0 && rest > 0) now = 1;
    if (now != before) span[i].before = (uint16_t)now;
  }
}

// Records of memory that was never touched are not either.
void mid_resident_clear(struct mid_span *span, size_t slices) {
  for (size_t i = 0; i < slices; i++)
    if (span[i].before != 0) span[i].before = 0;
}

void mid_resident_look(struct mid_span *span) {
  char *base = (char *)mid_span_base(span);
  for (size_t i = 0; i < span->slices; i++) {
    uint64_t bytes = mid_os_resident_in(base + i * MID_SLICE_BYTES, MID_SLICE_BYTES);
    uint32_t pages = (uint32_t)(bytes / mid_os_page_bytes());
    if (span[i].before != pages) span[i].before = (uint16_t)pages;
  }
  // What is not resident may be swapped out; from here on it reads as zero.
  for (size_t i = 0, end; i < span->slices; i = end + 1) {
    for (end = i; end < span->slices && span[end].before == 0;) end++;
    if (end > i) mid_os_purge(base + i * MID_SLICE_BYTES, (end - i) * MID_SLICE_BYTES);
  }
}
