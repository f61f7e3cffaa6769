// live/profile_made_test.h -- a profile that a test makes, with names; behind test.h.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_PROFILE_MADE_TEST_H
#define MID_LIVE_PROFILE_MADE_TEST_H

#include "observe/profile.h"

// Three sites, whose stacks are 1, 2 and 3, all called by serve.
static struct mid_profile_frame made_frame[3][2];
static struct mid_profile_site made_site[3];

static struct mid_profile made_profile(double now) {
  static const char *const functions[] = {"cache_put", "Parse", "listener_add"};
  for (uint32_t i = 0; i < 3; i++) {
    made_frame[i][0] = (struct mid_profile_frame){
        .function = functions[i], .file = "src/made.c", .line = 10 + i, .module = "/bin/made"};
    made_frame[i][1] = (struct mid_profile_frame){.function = i == 1 ? "work" : "serve",
                                                  .file = "src/main.c",
                                                  .line = 5,
                                                  .module = "/bin/made"};
    made_site[i] = (struct mid_profile_site){
        .stack = i + 1, .frame = made_frame[i], .frames = 2, .first = 0.5, .samples = 100};
  }
  return (struct mid_profile){.site = made_site, .sites = 3, .now = now};
}

static void made_set(int site, double live_bytes, double live, double allocated_bytes) {
  made_site[site].live_bytes = live_bytes;
  made_site[site].live = live;
  made_site[site].allocated_bytes = allocated_bytes;
}

#endif
