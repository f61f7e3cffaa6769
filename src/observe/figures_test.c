// observe/figures_test.c -- the parts of the resident memory add up to it.
// SPDX-License-Identifier: MIT
#include "observe/figures.h"

#include "test.h"

#define MIB ((uint64_t)1 << 20)

// 1000 blocks of 1 KiB made, 600 of them live and asked for with 1000 bytes; a large block beside.
static struct mid_process a_process(void) {
  struct mid_process p = {.has_feed = true, .lives = false, .began = 1, .seen = 2.9, .ended = 3};
  struct mid_feed_image *i = &p.image;
  i->classes = 1;
  i->klass[0] = (struct mid_feed_class){.block_bytes = 1024, .span_bytes = 65536};
  i->count[0] = (struct mid_feed_count){.allocated = 5000,
                                        .freed = 4400,
                                        .carved = 1200,
                                        .dropped = 200,
                                        .asked_samples = 10,
                                        .asked_bytes = 10000};
  i->process = (struct mid_feed_process){.mapped = 64 * MIB,
                                         .used = 12 * MIB,
                                         .dirty = MIB,
                                         .metadata = 100000,
                                         .large_blocks = 1,
                                         .large_bytes = 10 * MIB,
                                         .large_asked = 10 * MIB - 500,
                                         .large_allocated = 3};
  return p;
}

static void check_sum(const struct mid_figures *f) {
  CHECK_EQ(f->live, f->live_asked + f->internal_waste);
  CHECK_EQ(f->span_resident, f->live + f->free_blocks + f->uncarved + f->dirty - f->untouched);
  CHECK_EQ(f->resident, f->span_resident + f->metadata + f->outside);
}

TEST(figures_of_an_exit_are_the_librarys_own)
{
  struct mid_process p = a_process();
  struct mid_figures f;
  p.image.process.ended = 1;
  p.image.process.end_rss = 14 * MIB;
  p.image.process.end_span_rss = 11 * MIB;
  mid_figures_make(&p, &f);
  check_sum(&f);
  CHECK(f.final && !f.spans_estimated);
  CHECK_EQ(f.live, 600 * 1024 + 10 * MIB);
  CHECK_EQ(f.internal_waste, 600 * 24 + 500);
  CHECK_EQ(f.free_blocks, 400 * 1024);
  CHECK_EQ(f.live_blocks, 601);
  CHECK_EQ(f.frees, 4402);
  CHECK_EQ(f.outside, 3 * MIB - 100000);
  CHECK_EQ(f.untouched, 2 * MIB);
}

TEST(figures_of_a_killed_process_are_from_its_last_look)
{
  struct mid_process p = a_process();
  struct mid_figures f;
  p.memory = (struct mid_proc_memory){.rss = 9 * MIB, .peak_rss = 20 * MIB, .anonymous = 7 * MIB};
  p.peak_rss = 20 * MIB;
  mid_figures_make(&p, &f);
  check_sum(&f);
  CHECK(!f.final && f.spans_estimated);
  CHECK_EQ(f.resident, 9 * MIB);
  CHECK_EQ(f.peak_rss, 20 * MIB);
  CHECK_EQ(f.outside, 2 * MIB);
  CHECK(f.unseen_seconds > 0.09 && f.unseen_seconds < 0.11);
  CHECK(f.allocation_rate > 2501 && f.allocation_rate < 2502);  // 5003 in 2 seconds
}

TEST(what_a_request_allocates_is_of_those_after_the_first)
{
  struct mid_process p = a_process();
  struct mid_feed_image *i = &p.image;
  struct mid_figures f;
  i->heaps.requests = 1;
  mid_figures_make(&p, &f);
  CHECK_EQ(f.requests, 1);
  CHECK(f.request.blocks == 0 && f.request.bytes == 0);
  i->process.requests = 10;  // of threads that have no heap
  i->process.requests_after_blocks = 3;
  i->process.requests_after_bytes = mid_image_allocated_bytes(i) - 1280;
  mid_figures_make(&p, &f);
  CHECK_EQ(f.requests, 11);
  CHECK(f.request.blocks == 500 && f.request.bytes == 128);  // 5003 in all
  CHECK(f.request_rate == 11 / f.seconds);
  i->process.requests_after_blocks = 6000;  // a look amid a refill
  CHECK(mid_image_request(i).blocks == 0);
}

TEST(more_resident_in_spans_than_counted_is_dirty)
{
  struct mid_process p = a_process();
  struct mid_figures f;
  p.image.process.ended = 1;
  p.image.process.end_rss = 20 * MIB;
  p.image.process.end_span_rss = 15 * MIB;
  mid_figures_make(&p, &f);
  check_sum(&f);
  CHECK_EQ(f.dirty, 3 * MIB);
  CHECK_EQ(f.untouched, 0);
}

TEST(figures_that_contradict_each_other_still_add_up)
{
  struct mid_process p = a_process();
  struct mid_figures f;
  p.image.process.ended = 1;
  p.image.process.end_rss = MIB;
  p.image.process.end_span_rss = 15 * MIB;
  p.image.process.metadata = 1 << 30;
  p.image.process.used = 0;
  p.image.count[0].carved = 0;
  p.image.count[0].dropped = 0;
  mid_figures_make(&p, &f);
  check_sum(&f);
}

TEST(a_process_without_a_feed_is_all_outside_the_heap)
{
  struct mid_process p = {.memory = {.rss = 30 * MIB}, .peak_rss = 30 * MIB};
  struct mid_figures f;
  mid_figures_make(&p, &f);
  check_sum(&f);
  CHECK_EQ(f.outside, 30 * MIB);
  CHECK(!f.spans_estimated);
  CHECK(mid_figures_blind(&p, &f));
}

TEST(blind_is_who_holds_most_of_much_outside_the_heap)
{
  struct mid_process p = a_process();
  struct mid_figures f;
  p.image.process.ended = 1;
  p.image.process.end_span_rss = 2 * MIB;
  p.image.process.end_rss = 15 * MIB;
  mid_figures_make(&p, &f);
  CHECK(!mid_figures_blind(&p, &f));  // a small program is mostly libraries
  p.image.process.end_rss = 60 * MIB;
  mid_figures_make(&p, &f);
  CHECK(mid_figures_blind(&p, &f));
  p.image.process.end_span_rss = 30 * MIB;
  mid_figures_make(&p, &f);
  CHECK(!mid_figures_blind(&p, &f));
}
