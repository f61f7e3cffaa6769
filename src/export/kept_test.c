// export/kept_test.c -- what is read of a run's data, and what is refused of another's.
// SPDX-License-Identifier: MIT
#include "test.h"

#include "export/made_test.h"

TEST(sites_are_read_with_their_frames_and_figures)
{
  struct mid_kept k = made_run(
      "[{\"stack\": [2, 0, 1], \"place\": 1, \"live_bytes\": 100, \"live_blocks\": 2,"
      " \"allocated_bytes\": 300, \"allocated_blocks\": 6, \"live_error\": 5}]");
  const struct mid_profile_site *s = &k.process[0].site[0];
  CHECK_EQ(k.count, 1);
  CHECK_EQ(k.process[0].sites, 1);
  CHECK_EQ(s->frames, 3);
  CHECK(s->frame[0].inlined && !s->frame[1].inlined);
  CHECK_STR(mid_profile_place(s)->function, "leaf;a");
  CHECK_EQ(mid_profile_place(s)->line, 10);
  CHECK(s->live_bytes == 100 && s->live == 2 && s->allocated_bytes == 300 && s->allocated == 6);
  CHECK(k.mean == 512);
  CHECK(k.made == 1767323045);
  CHECK(k.process[0].seconds == 2.5);
  mid_kept_close(&k);
}

TEST(a_program_is_named_by_the_end_of_its_path)
{
  struct mid_kept k = made_run("[]");
  char room[32];
  CHECK_STR(mid_kept_program(&k.process[0], room, sizeof room), "tool");
  mid_kept_close(&k);
}

TEST(sites_without_a_name_are_told_from_those_with_one)
{
  struct mid_kept k = made_run("[{\"stack\": [3]}, {\"stack\": [1]}]");
  CHECK(!mid_kept_is_named(&k.process[0].site[0]));
  CHECK_STR(mid_profile_place(&k.process[0].site[0])->function, MID_KEPT_UNNAMED);
  CHECK(mid_kept_is_named(&k.process[0].site[1]));
  mid_kept_close(&k);
}

// The data of a run with one piece of it replaced.
static const char *refusal(const char *sites) {
  char data[1024];
  struct mid_kept k;
  snprintf(data, sizeof data,
           "{\"processes\": [{\"process\": {\"command\": \"x\"}, \"strings\": [\"\"],"
           " \"frames\": [[0, 0, 0, 0, 0], [0, 7, 0, 0, 0], \"none\"], \"sites\": %s}]}",
           sites);
  const char *wrong = mid_kept_read(data, strlen(data), &k);
  if (wrong == NULL) mid_kept_close(&k);
  return wrong != NULL ? wrong : "";
}

TEST(places_that_lead_nowhere_are_refused)
{
  static const char *const bad[] = {
      "[{\"stack\": [3]}]",     "[{\"stack\": [-1]}]",    "[{\"stack\": [1]}]",
      "[{\"stack\": [2]}]",     "[{\"stack\": [\"0\"]}]", "[{\"stack\": [0.5]}]",
      "[{\"stack\": [0]}, {}]", "[{\"stack\": [0]}, 7]",  "[{\"stack\": [0], \"live_bytes\": -1}]"};
  CHECK_STR(refusal("[{\"stack\": [0]}]"), "");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK_STR(refusal(bad[i]), "a site names frames that are not there, or figures that are none");
  CHECK_STR(refusal("[{}]"), "a site's stack is none");
}
