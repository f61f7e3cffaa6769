// live/page.c -- see page.h.
// SPDX-License-Identifier: MIT
#include "live/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "live/text.h"
#include "observe/must.h"

// ---- lines --------------------------------------------------------------------------------------

static char **page_of_text(char *text) {
  size_t lines = 0;
  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) lines++;
  char **page = mid_must(calloc(lines + 1, sizeof *page));
  char *at = text;
  for (size_t i = 0; i < lines; i++) {
    size_t bytes = strcspn(at, "\n");
    page[i] = mid_must(strndup(at, bytes));
    at += bytes + 1;
  }
  free(text);
  return page;
}

size_t mid_page_lines(char *const *page) {
  size_t lines = 0;
  while (page != NULL && page[lines] != NULL) lines++;
  return lines;
}

void mid_page_close(char **page) {
  for (size_t i = 0; page != NULL && page[i] != NULL; i++) free(page[i]);
  free(page);
}

// ---- a site -------------------------------------------------------------------------------------

static void print_figures(FILE *out, const struct mid_site_row *row) {
  const struct mid_profile_site *s = &row->now;
  const char *error = mid_locale_is_utf8() ? "\u00b1" : "+-";
  double average = s->allocated > 0 ? s->allocated_bytes / s->allocated : 0;
  fprintf(out, "Figures\n");
  fprintf(out, "  live        %s %s %s in %s blocks (%llu sampled)\n", MID_SIZE(s->live_bytes),
          error, MID_SIZE(s->live_error), MID_COUNT(s->live), (unsigned long long)s->live_samples);
  fprintf(out, "  peak        %s\n", MID_SIZE(s->peak_live_bytes));
  fprintf(out, "  growth      ");
  if (!row->trend_known)
    fprintf(out, "not known yet\n");
  else if (mid_site_growth(row) == 0)
    fprintf(out, "none that is sure in %s\n", MID_SECONDS(mid_series_seconds(&row->live)));
  else
    fprintf(out, "%s an hour, judged over %s\n",
            mid_signed_size(mid_site_growth(row), &(struct mid_words){{0}}),
            MID_SECONDS(mid_series_seconds(&row->live)));
  fprintf(out, "  allocated   %s in %s blocks (%llu sampled), now %s/s\n",
          MID_SIZE(s->allocated_bytes), MID_COUNT(s->allocated), (unsigned long long)s->samples,
          MID_SIZE(row->rate));
  fprintf(out, "  sizes       %s to %s, on average %s\n", MID_SIZE((double)s->asked_least),
          MID_SIZE((double)s->asked_most), MID_SIZE(average));
  if (s->remote > 0)
    fprintf(out, "  remote      %.0f %% freed by another thread than allocated them\n",
            mid_words_share(s->remote, s->allocated));
  if (s->moved > 0)
    fprintf(out, "  realloc     moved %s blocks here, and copied %s for it\n", MID_COUNT(s->moved),
            MID_SIZE(s->moved_bytes));
  if (s->pages_known > 0)
    fprintf(out, "  pages       %.0f %% of those in large blocks were ever touched\n",
            mid_words_share((double)s->pages_touched, (double)s->pages_known));
}

enum { LIFE_BAR = 30 };

static void print_lives(FILE *out, const struct mid_profile_site *s) {
  double all = 0, most = 0, under = 1e-6;
  int last = -1;
  for (int i = 0; i < MID_SAMPLE_LIVES; i++) {
    all += s->lives[i];
    most = fmax(most, s->lives[i]);
    if (s->lives[i] > 0) last = i;
  }
  fprintf(out, "\nHow long blocks lived\n");
  if (last < 0) fprintf(out, "  no sampled block was freed yet\n");
  for (int i = 0; i <= last; i++, under *= 4) {
    bool longest = i == MID_SAMPLE_LIVES - 1;
    fprintf(out, "  %-5s %12s  %5.1f %%  ", longest ? "over" : "under",
            MID_SECONDS(longest ? under / 4 : under), mid_words_share(s->lives[i], all));
    mid_words_bar(out, s->lives[i] / most, LIFE_BAR, mid_locale_is_utf8(), false);
    fputc('\n', out);
  }
}

static void print_stack(FILE *out, const struct mid_profile_site *s) {
  fprintf(out, "\nStack, the innermost call first\n");
  if (s->frames == 0) fprintf(out, "   not known\n");
  for (size_t i = 0; i < s->frames; i++) {
    const struct mid_profile_frame *f = &s->frame[i];
    fprintf(out, "%s%s", i == s->place ? " > " : "   ", f->function);
    if (f->line > 0)
      fprintf(out, "  %s:%u", f->file, f->line);
    else if (f->module[0] != 0)
      fprintf(out, "  in %s", f->module);
    fprintf(out, "%s\n", f->inlined ? "  (inlined)" : "");
  }
  if (s->cut) fprintf(out, "   ... further callers were not kept\n");
}

char **mid_page_of_site(const struct mid_site_row *row) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = mid_must(open_memstream(&text, &bytes));
  print_figures(out, row);
  print_stack(out, &row->now);
  print_lives(out, &row->now);
  fclose(out);
  return page_of_text(mid_must(text));
}

// ---- help ---------------------------------------------------------------------------------------

static const struct {
  const char *key, *meaning;
} page_keys[] = {
    {"Keys", NULL},
    {"j k, arrows", "down, up; PgDn PgUp by pages, g G to either end"},
    {"Enter", "open: a process; a site's stack, figures and lifetimes"},
    {"Esc", "back; from the first page: quit"},
    {"q", "quit"},
    {"s", "sort by a column of the menu"},
    {"< >", "sort by the column to the left, to the right"},
    {"r", "reverse the order"},
    {"/", "search a function or file in the stacks, or a process; n: the next one"},
    {"f", "show only sites with this in their stacks; empty: all"},
    {"Space", "pause, and go on"},
    {"+ -", "look less often, more often"},
    {"w", "write everything, with all stacks, to a file as JSON"},
    {"Ctrl-L", "draw the screen anew"},
    {"? h", "this help"},
    {"", NULL},
    {"Figures", NULL},
    {"RSS",
     "resident memory, and what it may not pass: the least limit of its cgroup or heap, "
     "else the machine's memory"},
    {"live", "bytes in blocks that the program has not freed"},
    {"fragmented", "of what the heap holds, the share that no live block has"},
    {"gc",
     "collected heaps: collections, the share of time they stopped the program for, bytes in "
     "use, and their pauses as a histogram from the shortest to the longest"},
    {"LIVE, N", "bytes and blocks of a site that are live: estimates from sampled blocks"},
    {"+/h",
     "growth of that in an hour, judged by the least of each window; '.': none that is "
     "sure"},
    {"RATE/s", "bytes that the site allocates in a second"},
    {"TREND", "the live bytes since midden looks, at most the last hour"},
    {"SITE", "the function that allocates, its file and line, and who called it"},
};

char **mid_page_of_help(void) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = mid_must(open_memstream(&text, &bytes));
  for (size_t i = 0; i < sizeof page_keys / sizeof *page_keys; i++) {
    if (page_keys[i].meaning == NULL) {
      fprintf(out, "%s\n", page_keys[i].key);
      continue;
    }
    fprintf(out, "  %-12s", page_keys[i].key);
    mid_words_wrap(out, page_keys[i].meaning, 14, 76);
  }
  fclose(out);
  return page_of_text(mid_must(text));
}
