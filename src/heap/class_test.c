// heap/class_test.c -- every size has a class that fits, and every offset is told a start or not.
// SPDX-License-Identifier: MIT
#include "heap/heap.h"

#include "midden/malloc.h"
#include "test.h"

TEST(every_size_has_the_smallest_class_that_fits)
{
  for (size_t bytes = 0; bytes <= MID_SMALL_MOST; bytes++) {
    unsigned klass = mid_class_of(bytes);
    CHECK(klass < MID_CLASSES);
    CHECK(mid_class_bytes(klass) >= bytes);
    if (klass > 0) CHECK(mid_class_bytes(klass - 1) < bytes);
  }
  CHECK_EQ(mid_class_of(MID_SMALL_MOST), MID_CLASSES - 1);
  CHECK_EQ(mid_class_bytes(MID_CLASSES - 1), MID_SMALL_MOST);
}

TEST(no_size_wastes_more_than_15_bytes_or_a_ninth_of_its_block)
{
  for (size_t bytes = 1; bytes <= MID_SMALL_MOST; bytes++) {
    size_t block = mid_class_bytes(mid_class_of(bytes)), waste = block - bytes;
    CHECK(waste <= 15 || waste * 9 <= block);
  }
}

TEST(classes_rise_and_keep_blocks_aligned)
{
  for (unsigned klass = 0; klass < MID_CLASSES; klass++) {
    CHECK_EQ(mid_class_bytes(klass) % MID_BLOCK_ALIGN, 0);
    CHECK_EQ(mid_class_of(mid_class_bytes(klass)), klass);
    if (klass > 0) CHECK(mid_class_bytes(klass) > mid_class_bytes(klass - 1));
  }
}

TEST(a_span_holds_at_least_eight_blocks_and_wastes_little_at_its_end)
{
  for (unsigned klass = 0; klass < MID_CLASSES; klass++) {
    size_t bytes = mid_class_slices(klass) * MID_SLICE_BYTES, block = mid_class_bytes(klass);
    CHECK(bytes / block >= 8);
    CHECK(bytes / block <= UINT16_MAX / 4);
    CHECK(bytes % block * 10 <= bytes);
  }
}

TEST(every_size_at_every_alignment_has_the_smallest_class_of_aligned_blocks)
{
  for (size_t align = 1; align <= MID_SMALL_MOST; align *= 2) {
    // The smallest class that fits, found by looking at all; sizes rise, so it never falls back.
    unsigned least = 0;
    for (size_t bytes = 0; bytes <= MID_SMALL_MOST; bytes++) {
      while (mid_class_bytes(least) < bytes || mid_class_bytes(least) % align != 0) least++;
      CHECK_EQ(mid_class_aligned(bytes, align), least);
    }
  }
}

TEST(what_is_too_large_or_aligned_too_far_has_no_class)
{
  CHECK_EQ(mid_class_aligned(MID_SMALL_MOST + 1, 16), MID_CLASSES);
  CHECK_EQ(mid_class_aligned(SIZE_MAX, 16), MID_CLASSES);
  CHECK_EQ(mid_class_aligned(1, (size_t)MID_SMALL_MOST * 2), MID_CLASSES);
  CHECK_EQ(mid_class_aligned(0, (size_t)1 << 63), MID_CLASSES);
}

// The multiply check of heap/fast.h, with the number that a span of the class really carries.
TEST(the_multiply_check_agrees_with_the_remainder_at_every_offset_of_every_class)
{
  for (unsigned klass = 0; klass < MID_CLASSES; klass++) {
    size_t bytes = mid_class_bytes(klass);
    mid_thread_heap_get()->lent[klass] = MID_LENT_MOST;
    void *p = midden_malloc(bytes);
    CHECK(p != NULL);
    const struct mid_span *span = mid_map_find_head(p);
    CHECK_EQ(span->klass, klass);
    CHECK_EQ(span->block_bytes, bytes);
    CHECK_EQ(span->capacity, mid_class_slices(klass) * MID_SLICE_BYTES / bytes);
    for (uint32_t off = 0; off < 65536; off++) {
      bool start = off * span->magic < mid_span_limit(span, span->capacity);
      if (start != (off % bytes == 0 && off / bytes < span->capacity))
        fail_msg("offset %u of blocks of %zu bytes", off, bytes);
    }
    midden_free(p);
  }
}

// The number that takes a product with `odd` back, modulo 2^64; by Newton's iteration.
static uint64_t inverse_of(uint64_t odd) {
  uint64_t inverse = odd;
  for (int bits = 3; bits < 64; bits *= 2) inverse *= 2 - odd * inverse;
  return inverse;
}

// A word `off` bytes into a block and j windows of 2^shift bytes away looks like a block's start if
// off * magic + j * 2^shift * magic is below the limit.  There is one such j modulo 2^(64 - shift).
TEST(no_address_in_another_window_looks_like_a_start_of_any_class)
{
  for (unsigned klass = 0; klass < MID_CLASSES; klass++) {
    size_t bytes = mid_class_bytes(klass);
    struct mid_span span = {.magic = mid_span_magic(bytes), .block_bytes = (uint32_t)bytes};
    uint64_t limit = mid_span_limit(&span, (uint32_t)(mid_class_slices(klass) * 65536 / bytes));
    uint64_t inverse = inverse_of(span.magic);
    CHECK_EQ(inverse * span.magic, 1);
    for (unsigned shift = 27; shift <= MID_WINDOW_SHIFT; shift++)
      for (uint64_t off = 1; off < bytes; off++) {
        uint64_t product = off * span.magic;
        if ((product & ((1ull << shift) - 1)) >= limit) continue;
        int64_t away = (int64_t)(((0 - (product >> shift)) * inverse) << shift);
        if (away < (1ll << MID_ADDRESS_BITS) && away > -(1ll << MID_ADDRESS_BITS))
          fail_msg("%lu bytes into a block of %zu, %ld away", off, bytes, (long)away);
      }
  }
}
