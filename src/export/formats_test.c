// export/formats_test.c -- what is written for other tools, byte by byte where that can be told.
// SPDX-License-Identifier: MIT
#include "export/formats.h"

#include "test.h"

#include "export/made_test.h"

static const char two_sites[] =
    "[{\"stack\": [2, 0, 1], \"live_bytes\": 100, \"live_blocks\": 2, \"allocated_bytes\": 300,"
    " \"allocated_blocks\": 3},"
    " {\"stack\": [1], \"live_bytes\": 0, \"allocated_bytes\": 40, \"allocated_blocks\": 1}]";

static bool folded_live(const struct mid_kept *k, FILE *out) {
  return mid_export_folded(k, false, out);
}
static bool folded_allocated(const struct mid_kept *k, FILE *out) {
  return mid_export_folded(k, true, out);
}
static bool metrics_new(const struct mid_kept *k, FILE *out) {
  return mid_export_metrics(k, true, out);
}
static bool metrics_old(const struct mid_kept *k, FILE *out) {
  return mid_export_metrics(k, false, out);
}

// The caller's to free.
static char *written(const char *sites, bool (*format)(const struct mid_kept *, FILE *),
                     size_t *bytes) {
  char *text;
  struct mid_kept k = made_run(sites);
  FILE *out = open_memstream(&text, bytes);
  CHECK(format(&k, out));
  fclose(out);
  mid_kept_close(&k);
  return text;
}

TEST(a_semicolon_in_a_name_does_not_end_its_frame)
{
  size_t bytes;
  char *text = written(two_sites, folded_live, &bytes);
  CHECK_STR(text, "tool;main;leaf:a;inner 100\n");
  free(text);
  text = written(two_sites, folded_allocated, &bytes);
  CHECK_STR(text, "tool;main;leaf:a;inner 300\ntool;main 40\n");
  free(text);
}

TEST(the_twenty_sites_that_hold_most_are_told)
{
  char sites[2048] = "[", *text;
  size_t bytes, told = 0, at = 1;
  // Site i has a stack of i frames and i bytes.
  for (int i = 1; i <= 25; i++) {
    at += (size_t)snprintf(sites + at, sizeof sites - at, "%s{\"stack\": [0", i > 1 ? "," : "");
    for (int n = 1; n < i; n++) at += (size_t)snprintf(sites + at, sizeof sites - at, ",1");
    at += (size_t)snprintf(sites + at, sizeof sites - at, "], \"live_bytes\": %d}", i);
  }
  snprintf(sites + at, sizeof sites - at, "]");
  text = written(sites, metrics_new, &bytes);
  for (const char *line = text; (line = strstr(line, "\nmidden_site_live_bytes{")); line++) told++;
  CHECK_EQ(told, 20);
  CHECK(strstr(text, "function=\"leaf;a\",file=\"f.c\"} 25\n") != NULL);
  CHECK(strstr(text, "file=\"f.c\"} 6\n") != NULL && strstr(text, "file=\"f.c\"} 5\n") == NULL);
  free(text);
}

TEST(the_sum_of_the_smaller_sites_is_no_series)
{
  size_t bytes;
  char *text = written("[{\"stack\": [3], \"live_bytes\": 900}]", metrics_new, &bytes);
  CHECK(strstr(text, "\nmidden_site_live_bytes{") == NULL);
  CHECK_STR(text + bytes - strlen("# EOF\n"), "# EOF\n");
  free(text);
}

TEST(each_text_format_has_its_own_way_to_name_a_counter)
{
  size_t bytes;
  char *text = written("[]", metrics_new, &bytes);
  CHECK(strstr(text, "# TYPE midden_purged_bytes counter\n# UNIT midden_purged_bytes bytes\n"));
  CHECK(strstr(text, "\nmidden_purged_bytes_total{pid=\"42\",process=\"tool\"} 0\n") != NULL);
  free(text);
  text = written("[]", metrics_old, &bytes);
  CHECK(strstr(text, "# TYPE midden_purged_bytes_total counter\n# HELP") != NULL);
  CHECK(strstr(text, "# UNIT") == NULL && strstr(text, "# EOF") == NULL);
  free(text);
}

TEST(a_run_without_sites_is_written_in_every_format)
{
  bool (*const formats[])(const struct mid_kept *, FILE *) = {mid_export_pprof, mid_export_chrome};
  for (size_t i = 0; i < 2; i++) {
    size_t bytes;
    char *text = written("[]", formats[i], &bytes);
    CHECK(bytes > 0);
    free(text);
  }
}
