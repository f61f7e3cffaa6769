// observe/history_test.c -- look after look, in a bounded room.
// SPDX-License-Identifier: MIT
#include "observe/history.h"

#include <math.h>
#include <unistd.h>

#include "test.h"

#include "observe/profile_written_test.h"

// One site with a block of 100 bytes for each second that went by, born in its midst.
static struct mid_profile profile_at(unsigned seconds) {
  written_begin();
  uint64_t frame = mid_sample_frame(0, 16);
  struct written_site site = written_stack(&frame, 1);
  for (unsigned i = 0; i < seconds; i++) written_sample(site, 64 + 128 * i, 100, 1, i + 0.5);
  site.sum->samples += seconds == 0;
  return written_end(seconds);
}

static void add(struct mid_history *h, unsigned seconds) {
  struct mid_profile p = profile_at(seconds);
  const struct mid_history_look look = {.when = seconds, .work = 10.0 * seconds, .live = seconds};
  mid_history_add(h, &look, &p);
  mid_profile_close(&p);
}

TEST(a_long_history_keeps_both_ends_and_the_lower_envelope)
{
  struct mid_history *h = mid_history_open();
  for (unsigned i = 1; i <= 1000; i++) add(h, i);
  const struct mid_history_site *site = mid_history_of(h, 1);
  CHECK(h->looks <= MID_HISTORY_LOOKS && h->looks > MID_HISTORY_LOOKS / 2);
  CHECK(h->look[h->looks - 1].when == 1000 && h->look[0].when < 10);
  CHECK(h->look[h->looks / 2].when > 450 && h->look[h->looks / 2].when < 550);
  for (size_t i = 0; i < h->looks; i++) {
    CHECK((double)site->live[i] == 100 * h->look[i].live);
    CHECK(i == 0 || h->look[i].when > h->look[i - 1].when);
  }
  mid_history_close(h);
}

TEST(births_of_the_fullest_look_are_spread_as_they_were)
{
  struct mid_history *h = mid_history_open();
  for (unsigned i = 1; i <= 160; i++) add(h, i);
  add(h, 0);  // all is freed
  const struct mid_history_site *site = mid_history_of(h, 1);
  CHECK(site->fullest == 16000 && site->fullest_at == 160);
  for (int c = 0; c < MID_HISTORY_CLOCKS; c++)
    for (int b = 0; b < MID_HISTORY_BIRTHS; b++) CHECK(fabs(site->birth[c][b].blocks - 10) < 1e-9);
  CHECK((double)site->live[h->looks - 1] == 0);
  mid_history_close(h);
}

TEST(a_look_without_samples_has_the_sites_of_the_one_before)
{
  struct mid_history *h = mid_history_open();
  const struct mid_history_look look = {.when = 6};
  add(h, 5);
  mid_history_add(h, &look, NULL);
  const struct mid_history_site *site = mid_history_of(h, 1);
  CHECK((double)site->live[1] == 500 && h->look[0].sampled && !h->look[1].sampled);
  CHECK(mid_history_of(h, 2) == NULL && mid_history_of(h, 1000000) == NULL);
  mid_history_close(h);
}
