// graph/text_test.c -- long ways and long names stay within their room.
// SPDX-License-Identifier: MIT
#include "test.h"
//
#include "graph/story.h"
#include "observe/words.h"

enum { CHAIN = 1000 };

// A chain of blocks of two sites in turns, whose names are long and have umlauts.
static struct mid_graph chain(void) {
  struct mid_graph g;
  char name[400] = "";
  mid_graph_open(&g, CHAIN);
  for (int i = 0; i < 60; i++) strcat(name, "\u00e4bc");
  for (uint32_t b = 0; b < CHAIN; b++) {
    g.address[b] = 4096 + 64 * b;
    g.size[b] = 64;
    name[0] = b % 2 == 0 ? 'x' : 'y';
    name[1] = 'z';
    g.site[b] = mid_graph_add_site(&g, name, "/a/folder/with/file.c", 7, true);
    if (b + 1 < CHAIN) mid_edges_add(&g.edges, mid_edge(b + 1, false));
    mid_edges_end_row(&g.edges);
  }
  mid_graph_add_owner(&g, MID_OWNER_GLOBAL, "head\033[31m\xff of \u00fcber");
  mid_edges_add(&g.edges, mid_edge(0, false));
  mid_edges_end_row(&g.edges);
  mid_graph_finish(&g);
  return g;
}

static char *text_of(const struct mid_graph_story *s) {
  static const struct mid_report_style style = {.utf8 = true, .columns = 80};
  char *words;
  size_t bytes;
  FILE *out = open_memstream(&words, &bytes);
  CHECK(out != NULL);
  mid_graph_text(s, &style, out);
  fclose(out);
  return words;
}

// How many lines there are; none is wider than 80 columns.
static int lines_of(const char *words) {
  int lines = 0;
  for (const char *end; (end = strchr(words, '\n')) != NULL; words = end + 1, lines++)
    if (mid_words_columns(words, (size_t)(end - words)) > 80)
      fail_msg("too wide: %.*s", (int)(end - words), words);
  return lines;
}

TEST(a_way_has_thirty_lines_at_most)
{
  struct mid_graph g = chain();
  struct mid_graph_story s;
  mid_graph_story_open(&s, &g);
  s.to = CHAIN - 1;
  char *words = text_of(&s);
  const char *way = strstr(words, "    global head");
  CHECK(way != NULL);
  CHECK(strstr(way, "... 972 more ...") != NULL);
  int arrows = 0;
  for (const char *at = way; (at = strstr(at, "    -> ")) != NULL; at++) arrows++;
  CHECK_EQ(arrows, 28);  // with the global and the line of dots, 30
  lines_of(words);
  free(words);
  mid_graph_story_close(&s);
  mid_graph_close(&g);
}

TEST(no_line_is_wider_than_the_terminal_and_none_commands_it)
{
  struct mid_graph g = chain();
  struct mid_graph_story s;
  mid_graph_story_open(&s, &g);
  CHECK_EQ(mid_graph_story_ask(&s, "nowhere"), 0);
  char *words = text_of(&s);
  CHECK(lines_of(words) > 20);
  CHECK(strchr(words, '\033') == NULL);
  CHECK(strstr(words, "global head?[31m? of \u00fcber") != NULL);
  free(words);
  CHECK_EQ(mid_graph_story_ask(&s, "xz"), 1);
  words = text_of(&s);
  lines_of(words);
  free(words);
  mid_graph_story_close(&s);
  mid_graph_close(&g);
}
