// observe/page_test.c -- data in a page come out as they went in, whatever is in them.
// SPDX-License-Identifier: MIT
#include "observe/page.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "test.h"

static char *page_of(const char *data) {
  char *page = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&page, &bytes);
  CHECK(mid_page_write(data, out));
  fclose(out);
  return page;
}

// What stands in the page's element of data; the page is cut there.
static char *data_in(char *page) {
  static const char before[] = "id=\"midden-data\">";
  char *start = strstr(page, before), *end;
  CHECK(start != NULL);
  start += strlen(before);
  end = strstr(start, "</script>");
  CHECK(end != NULL);
  CHECK(strstr(end, "</html>") != NULL);
  *end = 0;
  return start;
}

TEST(nothing_in_the_data_ends_their_element)
{
  char *page = page_of("{\"a\": \"</script><!-- <script>\"}");
  CHECK_STR(data_in(page), "{\"a\": \"\\u003c/script>\\u003c!-- \\u003cscript>\"}");
  free(page);
}

static size_t unbase64(const char *in, unsigned char *out) {
  static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t bytes = 0;
  uint32_t word = 0;
  for (size_t i = 0; in[i] != 0 && in[i] != '='; i++) {
    word = word << 6 | (uint32_t)(strchr(digit, in[i]) - digit);
    if (i % 4 > 0) out[bytes++] = (unsigned char)(word >> (6 - 2 * (i % 4)));
  }
  return bytes;
}

static void unpack(unsigned char *in, size_t bytes, char *out, size_t room) {
  z_stream z = {.next_in = in, .avail_in = (uInt)bytes};
  z.next_out = (unsigned char *)out;
  z.avail_out = (uInt)room - 1;
  CHECK(inflateInit2(&z, 15 + 16) == Z_OK);
  CHECK(inflate(&z, Z_FINISH) == Z_STREAM_END);
  out[z.total_out] = 0;
  inflateEnd(&z);
}

// Lengths of all remainders, since base64 goes by threes.
TEST(long_data_are_packed_and_whole)
{
  for (size_t more = 0; more < 8; more++) {
    size_t bytes = (200 << 10) + 17 * more;
    char *data = malloc(bytes + 1), *again = malloc(bytes + 2);
    for (size_t i = 0; i < bytes; i++) data[i] = (char)('!' + i * i * 31 % 90);
    data[bytes] = 0;
    char *page = page_of(data), *words = data_in(page);
    unsigned char *packed = malloc(strlen(words));
    unpack(packed, unbase64(words, packed), again, bytes + 2);
    CHECK_STR(again, data);
    free(packed);
    free(page);
    free(again);
    free(data);
  }
}

static const char *wrong_with(const char *data) { return mid_page_check(data, strlen(data)); }

TEST(data_that_are_none_are_told_from_data)
{
  CHECK(NULL ==
        wrong_with("{\"format\": \"midden-report\", \"version\": 1, \"processes\": [{\"a\": 1}]}"));
  CHECK_STR(wrong_with(""), "it is no JSON");
  CHECK_STR(wrong_with("{\"format\": \"midden-report\""), "it is no JSON");
  CHECK_STR(wrong_with("[1]"), "it is not the data of a report");
  CHECK_STR(wrong_with("{\"format\": 1}"), "it is not the data of a report");
  CHECK_STR(wrong_with("{\"format\": \"midden-report\", \"version\": 2}"),
            "it is of another version of midden");
  CHECK_STR(wrong_with("{\"format\": \"midden-report\", \"version\": 1}"),
            "there is no process in it");
}
