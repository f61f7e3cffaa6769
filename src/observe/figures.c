// observe/figures.c -- see figures.h.
// SPDX-License-Identifier: MIT
#include "observe/figures.h"

#include "base/bits.h"
#include "observe/words.h"

static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }  // a - b, at least 0

// Live blocks are larger than asked by what the blocks that were looked at were, on average.
static uint64_t class_waste(const struct mid_feed_count *n, uint64_t block_bytes, uint64_t live) {
  if (n->asked_samples == 0) return 0;
  double asked = (double)n->asked_bytes / (double)n->asked_samples;
  double waste = ((double)block_bytes - asked) * (double)live;
  return waste > 0 && waste < 0x1p60 ? (uint64_t)waste : 0;
}

static void class_figures(const struct mid_feed_image *image, uint32_t c,
                          struct mid_class_figures *out) {
  const struct mid_feed_count *n = &image->count[c];
  uint64_t block = image->klass[c].block_bytes, live = n->allocated - n->freed;
  *out = (struct mid_class_figures){
      .block_bytes = block,
      .span_bytes = image->klass[c].span_bytes,
      .allocated = n->allocated,
      .freed = n->freed,
      .live = live,
      .live_bytes = live * block,
      .internal_waste = class_waste(n, block, live),
      .free_blocks = less(n->carved - n->dropped, live),
      .spans = n->opened - n->closed,
  };
}

uint64_t mid_image_allocations(const struct mid_feed_image *image) {
  uint64_t sum = image->process.large_allocated;
  for (uint32_t c = 0; c < image->classes; c++) sum += image->count[c].allocated;
  return sum;
}

uint64_t mid_image_allocated_bytes(const struct mid_feed_image *image) {
  uint64_t sum = image->process.large_allocated_bytes;
  for (uint32_t c = 0; c < image->classes; c++)
    sum += image->count[c].allocated * image->klass[c].block_bytes;
  return sum;
}

uint64_t mid_image_live(const struct mid_feed_image *image) {
  uint64_t sum = image->process.large_bytes;
  for (uint32_t c = 0; c < image->classes; c++)
    sum += (image->count[c].allocated - image->count[c].freed) * image->klass[c].block_bytes;
  return sum;
}

uint64_t mid_image_requests(const struct mid_feed_image *image) {
  return image->process.requests + image->heaps.requests;
}

struct mid_request_figures mid_image_request(const struct mid_feed_image *image) {
  const struct mid_feed_process *p = &image->process;
  uint64_t requests = mid_image_requests(image);
  if (requests < 2) return (struct mid_request_figures){0};
  uint64_t blocks = less(mid_image_allocations(image), p->requests_after_blocks);
  uint64_t bytes = less(mid_image_allocated_bytes(image), p->requests_after_bytes);
  double after = (double)(requests - 1);
  return (struct mid_request_figures){(double)blocks / after, (double)bytes / after};
}

double mid_image_fragmentation(const struct mid_feed_image *image) {
  uint64_t live = mid_image_live(image), held = live + image->process.dirty;
  for (uint32_t c = 0; c < image->classes; c++) {
    struct mid_class_figures k;
    class_figures(image, c, &k);
    held += k.free_blocks * k.block_bytes;
  }
  return mid_words_share((double)(held - live), (double)held);
}

// ---- where the resident memory is ---------------------------------------------------------------

static void count_blocks(const struct mid_feed_image *image, struct mid_figures *f) {
  const struct mid_feed_process *p = &image->process;
  f->classes = image->classes;
  f->live = p->large_bytes;
  f->live_blocks = p->large_blocks;
  f->internal_waste = less(p->large_bytes, p->large_asked);
  f->allocations = p->large_allocated;
  f->frees = less(p->large_allocated, p->large_blocks);
  f->remote_frees = image->heaps.remote_freed;
  for (uint32_t c = 0; c < f->classes; c++) {
    struct mid_class_figures *k = &f->klass[c];
    class_figures(image, c, k);
    f->live += k->live_bytes;
    f->live_blocks += k->live;
    f->internal_waste += k->internal_waste;
    f->free_blocks += k->free_blocks * k->block_bytes;
    f->allocations += k->allocated;
    f->frees += k->freed;
  }
  f->internal_waste = mid_min(f->internal_waste, f->live);
  f->live_asked = f->live - f->internal_waste;
}

static void take_process(const struct mid_feed_process *p, struct mid_figures *f) {
  f->dirty = p->dirty;
  f->dirty_bound = p->dirty_bound;
  f->purged = p->purged;
  f->retouched = p->retouched;
  f->mapped = p->mapped;
  f->used = p->used;
  f->peak_committed = p->peak_committed;
  f->limit = p->limit;
  f->uncarved = less(p->used, f->live + f->free_blocks);
}

// What is resident, and how much of it in spans.  Only the library can tell the latter, at its
// exit; else all anonymous memory is taken for the heap's as long as the heap has addresses for it.
static void take_resident(const struct mid_process *p, struct mid_figures *f) {
  const struct mid_feed_process *feed = &p->image.process;
  uint64_t held = f->live + f->free_blocks + f->uncarved + f->dirty;
  f->final = p->has_feed && feed->ended && feed->end_rss > 0;
  f->spans_estimated = p->has_feed && !f->final;
  f->resident = f->final ? feed->end_rss : p->memory.rss;
  f->huge = f->final ? feed->end_huge : p->huge;
  f->swapped = f->final ? feed->end_swap : p->memory.swap;
  uint64_t heap =
      f->final ? feed->end_span_rss : mid_min(held, less(p->memory.anonymous, feed->metadata));
  f->span_resident = mid_min(heap, f->resident);
  f->metadata = mid_min(feed->metadata, f->resident - f->span_resident);
  f->outside = f->resident - f->span_resident - f->metadata;
  f->untouched = less(held, f->span_resident);
  f->dirty += less(f->span_resident, held);
}

void mid_figures_make(const struct mid_process *p, struct mid_figures *f) {
  *f = (struct mid_figures){0};
  if (p->has_feed) {
    count_blocks(&p->image, f);
    take_process(&p->image.process, f);
    f->collected = mid_min(p->image.gc.committed, f->live_asked);
    f->requests = mid_image_requests(&p->image);
    f->request = mid_image_request(&p->image);
  }
  take_resident(p, f);
  f->peak_rss = mid_max(p->peak_rss, f->resident);
  f->peak_live = mid_max(p->peak_live, f->live);
  f->seconds = (p->lives ? p->seen : p->ended) - p->began;
  f->cpu_seconds = p->cpu_seconds;
  f->unseen_seconds = f->final || p->lives ? 0 : p->ended - p->seen;
  if (f->seconds > 0) {
    f->allocation_rate = (double)f->allocations / f->seconds;
    f->free_rate = (double)f->frees / f->seconds;
    f->request_rate = (double)f->requests / f->seconds;
  }
  f->peak_allocation_rate = p->peak_rate > f->allocation_rate ? p->peak_rate : f->allocation_rate;
}

bool mid_figures_blind(const struct mid_process *p, const struct mid_figures *f) {
  if (!p->has_feed) return true;
  return f->outside > 16u << 20 && (double)f->outside > 0.8 * (double)f->peak_rss;
}
