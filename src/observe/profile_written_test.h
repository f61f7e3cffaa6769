// observe/profile_written_test.h -- a sample file that a test writes; behind test.h.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_PROFILE_WRITTEN_TEST_H
#define MID_OBSERVE_PROFILE_WRITTEN_TEST_H

#include <stdio.h>

#include "observe/profile.h"

// In nanoseconds: a tick is one.
enum { WRITTEN_PIECES = 64 };
static struct {
  union {
    struct mid_samples_header head;
    char bytes[MID_SAMPLES_HEAD + WRITTEN_PIECES * MID_SAMPLES_PIECE];
  };
} written;

static inline void written_begin(void) {
  memset(&written, 0, sizeof written);
  written.head = (struct mid_samples_header){.xmagic = MID_SAMPLES_MAGIC,
                                             .version = MID_SAMPLES_VERSION,
                                             .pid = 42,
                                             .start_ticks = 4200,
                                             .mean_wanted = 524288,
                                             .mean = 1,
                                             .opened_ticks = 1000000000,
                                             .opened_ns = 1000000000};
}

// Room for one more record; a piece is opened for it where it needs one.
static inline void *written_add(enum mid_samples_kind kind, uint64_t *number) {
  uint64_t n = *number = ++written.head.records[kind];
  size_t in_piece = MID_SAMPLES_PIECE / mid_samples_record_bytes(kind), skip = (n - 1) / in_piece;
  for (size_t i = 0; i < WRITTEN_PIECES; i++) {
    if (written.head.kind[i] == MID_SAMPLES_NONE) {
      written.head.kind[i] = (uint8_t)kind;
      written.head.pieces++;
    }
    if (written.head.kind[i] == kind && skip-- == 0)
      return written.bytes + MID_SAMPLES_HEAD + i * MID_SAMPLES_PIECE +
             (n - 1) % in_piece * mid_samples_record_bytes(kind);
  }
  abort();
}

static inline uint64_t written_module(const char *path) {
  uint64_t number;
  struct mid_sample_module *m = written_add(MID_SAMPLES_MODULE, &number);
  snprintf(m->path, sizeof m->path, "%s", path);
  return number;
}

struct written_site {
  struct mid_sample_stack *sum;  // for the caller to fill in
  uint32_t stack;                // its number
};

// A stack of these frames, the innermost first.
static inline struct written_site written_stack(const uint64_t *frame, size_t frames) {
  uint64_t n, first = written.head.records[MID_SAMPLES_FRAME] + 1;
  for (size_t i = 0; i < frames; i++) *(uint64_t *)written_add(MID_SAMPLES_FRAME, &n) = frame[i];
  struct mid_sample_stack *s = written_add(MID_SAMPLES_STACK, &n);
  *s = (struct mid_sample_stack){.frame = first, .frames = frames};
  return (struct written_site){s, (uint32_t)n};
}

// A live sample, counted in its stack.
static inline struct mid_sample *written_sample(struct written_site site, uint64_t block,
                                                uint64_t asked, uint64_t mean, double born) {
  uint64_t n;
  struct mid_sample *sample = written_add(MID_SAMPLES_BLOCK, &n);
  *sample = (struct mid_sample){.block = block,
                                .asked = asked,
                                .bytes = asked,
                                .mean = mean,
                                .stack = site.stack,
                                .thread = 42,
                                .born = written.head.opened_ticks + (uint64_t)(born * 1e9)};
  site.sum->samples++;
  site.sum->live_samples++;
  written.head.taken++;
  written.head.live++;
  return sample;
}

// Close it `seconds` after its beginning and parse it.
static inline struct mid_profile written_end(double seconds) {
  struct mid_profile p;
  written.head.now_ticks = written.head.opened_ticks + (uint64_t)(seconds * 1e9);
  written.head.now_ns = written.head.opened_ns + (uint64_t)(seconds * 1e9);
  CHECK_WHOLE(mid_profile_parse(written.bytes,
                                MID_SAMPLES_HEAD + written.head.pieces * MID_SAMPLES_PIECE, &p));
  return p;
}

#endif
