// observe/page_data_test.c -- what a page is told of many sites is all of their bytes.
// SPDX-License-Identifier: MIT
#include <jansson.h>
#include <stdio.h>

#include "observe/page.h"
#include "observe/page_sites.h"
#include "test.h"

enum { SITES = 70000 };  // more than a page has
static struct mid_profile_frame frame[SITES];
static struct mid_profile_site site[SITES];
static char name[SITES][16];

// Site i has live bytes i and, the other way round, allocated some.
static struct mid_profile many(size_t sites) {
  for (size_t i = 0; i < sites; i++) {
    snprintf(name[i], sizeof name[i], "f%zu", i);
    frame[i] = (struct mid_profile_frame){.function = name[i], .file = "f.c", .module = "m"};
    site[i] = (struct mid_profile_site){.stack = (uint32_t)i + 1,
                                        .frame = &frame[i],
                                        .frames = 1,
                                        .samples = 1,
                                        .live = 1,
                                        .live_bytes = (double)i,
                                        .allocated = 2,
                                        .allocated_bytes = i == 7 ? 2.7e6 : 3.0 * (double)i};
  }
  return (struct mid_profile){.pid = 42, .site = site, .sites = sites};
}

// The page's data of one process with this profile.
static json_t *data_of(struct mid_profile *profile) {
  struct mid_process process = {.pid = 42, .profile = profile};
  struct mid_process *processes[] = {&process};
  struct mid_watch watch = {.process = processes, .count = 1};
  struct mid_run_story story = {.watch = &watch};
  char *data = mid_page_data(&story);
  json_t *j = json_loads(data, 0, NULL);
  CHECK(j != NULL);
  CHECK(mid_page_check(data, strlen(data)) == NULL);
  free(data);
  return j;
}

static double sum(const json_t *sites, const char *key) {
  double all = 0;
  for (size_t i = 0; i < json_array_size(sites); i++)
    all += json_number_value(json_object_get(json_array_get(sites, i), key));
  return all;
}

static const char *function_of(const json_t *process, size_t site_at) {
  const json_t *one = json_array_get(json_object_get(process, "sites"), site_at);
  json_int_t at = json_integer_value(json_array_get(json_object_get(one, "stack"), 0));
  const json_t *f = json_array_get(json_object_get(process, "frames"), (size_t)at);
  json_int_t word = json_integer_value(json_array_get(f, 0));
  return json_string_value(json_array_get(json_object_get(process, "strings"), (size_t)word));
}

TEST(what_are_too_many_sites_for_a_page_are_one_at_its_end)
{
  struct mid_profile profile = many(SITES);
  json_t *j = data_of(&profile);
  const json_t *process = json_array_get(json_object_get(j, "processes"), 0);
  const json_t *sites = json_object_get(process, "sites");
  CHECK_EQ(json_array_size(sites), 30001);
  CHECK_STR(function_of(process, 30000), "40000 smaller sites");
  CHECK_STR(function_of(process, 0), "f7");
  CHECK_STR(function_of(process, 1), "f69999");
  double live = 0, allocated = 0;
  for (size_t i = 0; i < SITES; i++) {
    live += site[i].live_bytes;
    allocated += site[i].allocated_bytes;
  }
  CHECK(sum(sites, "live_bytes") == live);
  CHECK(sum(sites, "allocated_bytes") == allocated);
  CHECK(sum(sites, "live_blocks") == SITES);
  CHECK(sum(sites, "samples") == SITES);
  json_decref(j);
}

TEST(a_finding_is_led_to_its_site_or_to_the_one_of_the_small)
{
  struct mid_profile profile = many(100);
  struct mid_process process = {.profile = &profile};
  struct mid_page_sites sites = mid_page_sites_open(&process, 10);
  const struct {
    uint32_t stack;
    json_int_t place;
  } wanted[] = {{100, 1}, {92, 9}, {91, 10}, {1, 10}, {8, 0}};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    json_t *place = mid_page_site(&sites, wanted[i].stack);
    CHECK_EQ(json_integer_value(place), wanted[i].place);
    json_decref(place);
  }
  json_t *none = mid_page_site(&sites, 0);
  CHECK(json_is_null(none));
  json_decref(none);
  mid_page_sites_close(&sites);
}
