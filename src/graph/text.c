// graph/text.c -- the story of a graph on a terminal.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "graph/story.h"
#include "observe/words.h"

enum { TREE_LINES = 24, TREE_DEEPEST = 6, SITE_LINES = 12, PATH_LINES = 30, DIFF_LINES = 12 };
enum { TABLE_COLUMNS = 41 };       // of the figures, before the names
static const double LEAST = 0.01;  // of the heap: groups below it have no line

struct text {
  const struct mid_graph_story *s;
  const struct mid_graph *g;
  const struct mid_report_style *style;
  FILE *out;
};

// ---- pieces -------------------------------------------------------------------------------------

// How many bytes of `words`, `bytes` long, fit into `columns`; less than all leave room for dots.
static size_t fitting(const char *words, size_t bytes, unsigned columns) {
  if (mid_words_columns(words, bytes) <= columns) return bytes;
  while (mid_words_columns(words, bytes) > columns - 3 || (words[bytes] & 0xc0) == 0x80) bytes--;
  return bytes;
}

// As much of a name as fits behind `before` columns.
static void name(const struct text *t, const char *words, unsigned before) {
  unsigned room = t->style->columns > before + 8 ? t->style->columns - before : 8;
  size_t all = strlen(words), bytes = fitting(words, all, room);
  fprintf(t->out, "%.*s%s\n", (int)bytes, words, bytes < all ? "..." : "");
}

static void heading(const struct text *t, const char *words) {
  fputs(t->style->colour ? "\n\033[1m" : "\n", t->out);
  name(t, words, 0);
  if (t->style->colour) fputs("\033[0m", t->out);
}

// Names have no blanks to break a line at: each word is cut to `columns`.
static void shorten(char *words, unsigned columns) {
  for (char *end; *words != 0; words = end) {
    words += strspn(words, " ");
    end = words + strcspn(words, " ");
    size_t all = (size_t)(end - words), bytes = fitting(words, all, columns);
    if (bytes == all) continue;
    memcpy(words + bytes, "...", 3);  // fewer than were cut
    memmove(words + bytes + 3, end, strlen(end) + 1);
    end = words + bytes + 3;
  }
}

__attribute__((format(printf, 2, 3))) static void say(const struct text *t, const char *format,
                                                      ...) {
  char words[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  shorten(words, t->style->columns - 4);
  fputs("  ", t->out);
  mid_words_wrap(t->out, words, 2, t->style->columns);
}

static const char *counted(uint64_t blocks, struct mid_words *room) {
  mid_words_count((double)blocks, room);
  return room->at;
}

static double share(const struct text *t, uint64_t bytes) {
  return mid_words_share((double)bytes, (double)t->g->bytes);
}

static const char *site_words(const struct text *t, uint32_t site, struct mid_graph_words *w) {
  return mid_graph_site_words(t->g, site, w);
}

static const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }

// "a block of 64 KiB that table_new (table.c:40) allocated, at 0x7f0012345678"
static const char *block_words(const struct text *t, uint32_t block, struct mid_graph_words *room) {
  struct mid_graph_words site;
  struct mid_words size;
  bool known = t->g->sites[t->g->site[block]].known;
  site_words(t, t->g->site[block], &site);
  snprintf(room->at, sizeof room->at, "a block of %s %s%.180s%s, at 0x%" PRIx64,
           mid_words_size(t->g->size[block], &size), known ? "that " : "(", site.at,
           known ? " allocated" : ")", t->g->address[block]);
  return room->at;
}

// ---- suspects -----------------------------------------------------------------------------------

static void say_holders(const struct text *t, const struct mid_suspect *s) {
  struct mid_graph_words a, b;
  if (s->holder[0] == MID_GRAPH_NONE || s->holder[1] == MID_GRAPH_NONE) return;
  say(t, "Shared by %s and %s: it is freed only when both let go.",
      mid_graph_owner_words(t->g, s->holder[0], &a), mid_graph_owner_words(t->g, s->holder[1], &b));
}

static void say_point(const struct text *t, const struct mid_suspect *s) {
  struct mid_graph_words w;
  struct mid_words most, count;
  if (s->point < t->g->edges.blocks) say(t, "It gathers in %s.", block_words(t, s->point, &w));
  if (s->most_site != MID_GRAPH_NONE)
    say(t, "Most of it: %s block%s of %s, %s.", counted(s->most_blocks, &count),
        plural(s->most_blocks), site_words(t, s->most_site, &w),
        mid_words_size(s->most_bytes, &most));
}

static void say_group(const struct text *t, const struct mid_suspect *s) {
  struct mid_graph_words w;
  struct mid_words size, count;
  say(t, "%.0f %%, %s: %s block%s of %s, and what they hold, each held by more than one owner.",
      share(t, s->retained), mid_words_size(s->retained, &size), counted(s->blocks, &count),
      plural(s->blocks), site_words(t, s->site, &w));
  say_holders(t, s);
  if (s->point < t->g->edges.blocks)
    say(t, "The ways to them meet in %s.", block_words(t, s->point, &w));
}

static void say_suspect(const struct text *t, const struct mid_suspect *s) {
  struct mid_graph_words w;
  struct mid_words size, count;
  if (s->site != MID_GRAPH_NONE) {
    say_group(t, s);
    return;
  }
  bool owner = mid_graph_is_owner(t->g, s->node);
  bool unheld = s->node == mid_edges_unheld(&t->g->edges);
  mid_graph_node_words(t->g, s->node, &w);
  say(t, "%.0f %%, %s in %s block%s: %s%s.", share(t, s->retained),
      mid_words_size(s->retained, &size), counted(s->blocks, &count), plural(s->blocks),
      unheld  ? "held by nothing any more, and so leaked: see 'midden leaks'"
      : owner ? "held by "
              : "held by a block of ",
      unheld ? "" : w.at);
  say_holders(t, s);
  if (!unheld) say_point(t, s);
}

static void suspects(const struct text *t) {
  heading(t, "SUSPECTS");
  if (t->s->suspects.count == 0)
    say(t, "No owner, block or site holds a fifth of the heap or more.");
  for (size_t i = 0; i < t->s->suspects.count; i++) {
    if (i > 0) fputc('\n', t->out);
    say_suspect(t, &t->s->suspects.at[i]);
  }
}

// ---- tables -------------------------------------------------------------------------------------

struct tree_entry {
  uint32_t group;
  uint64_t retained;
};

static int entry_by_retained(const void *a, const void *b) {
  const struct tree_entry *x = a, *y = b;
  return x->retained < y->retained ? 1 : x->retained > y->retained ? -1 : 0;
}

static void tree_line(const struct text *t, const struct mid_group *group) {
  struct mid_graph_words w;
  struct mid_words retained, own, blocks;
  bool owner = group->site == MID_GRAPH_NONE;
  fprintf(t->out, "%10s %10s %8s %5.1f %%  %*s", mid_words_size(group->retained, &retained),
          owner ? "-" : mid_words_size(group->own, &own),
          owner ? "-" : counted(group->blocks, &blocks), share(t, group->retained),
          (int)(2 * (group->depth - 1)), "");
  name(t, owner ? mid_graph_node_words(t->g, group->node, &w) : site_words(t, group->site, &w),
       TABLE_COLUMNS + 2 * (group->depth - 1));
}

// The groups below `above`, the largest first, each with those below it.
static void tree_below(const struct text *t, uint32_t above, int *lines) {
  const struct mid_groups *groups = &t->s->groups;
  struct tree_entry *entry = NULL;
  size_t count = 0;
  for (uint32_t i = above + 1; i < groups->count; i++) {
    const struct mid_group *group = &groups->at[i];
    if (group->above != above || group->retained == 0) continue;
    if ((double)group->retained < LEAST * (double)t->g->bytes) continue;
    entry = mid_graph_grown(entry, count, sizeof *entry);
    entry[count++] = (struct tree_entry){i, group->retained};
  }
  if (count > 1) qsort(entry, count, sizeof *entry, entry_by_retained);
  for (size_t i = 0; i<count && * lines> 0; i++) {
    const struct mid_group *group = &groups->at[entry[i].group];
    tree_line(t, group);
    (*lines)--;
    if (group->depth < TREE_DEEPEST) tree_below(t, entry[i].group, lines);
  }
  free(entry);
}

static void tree(const struct text *t) {
  int lines = TREE_LINES;
  heading(t, "WHO HOLDS IT");
  say(t,
      "RETAINED is what would be freed if this let go, OWN what its own blocks have. A line "
      "further in is held by the one above it alone; one at the left that is no owner is "
      "shared by several.");
  fprintf(t->out, "\n%10s %10s %8s %7s  %s\n", "RETAINED", "OWN", "BLOCKS", "SHARE", "HELD BY");
  tree_below(t, 0, &lines);
}

static void sites(const struct text *t) {
  struct mid_graph_words w;
  struct mid_words own, retained, blocks;
  heading(t, "BY SITE");
  fprintf(t->out, "%10s %10s %8s %7s  %s\n", "OWN", "RETAINED", "BLOCKS", "SHARE", "ALLOCATED BY");
  for (uint32_t i = 0; i < t->g->site_count && i < SITE_LINES; i++) {
    const struct mid_site_total *s = &t->s->site[i];
    if (s->blocks == 0) break;
    fprintf(t->out, "%10s %10s %8s %5.1f %%  ", mid_words_size(s->own, &own),
            mid_words_size(s->retained, &retained), counted(s->blocks, &blocks), share(t, s->own));
    name(t, site_words(t, s->site, &w), TABLE_COLUMNS);
  }
  if (t->g->site_count > SITE_LINES)
    fprintf(t->out, "%43s... and %u more sites\n", "", t->g->site_count - SITE_LINES);
}

// ---- ways ---------------------------------------------------------------------------------------

static void way_line(const struct text *t, const struct mid_path_step *step, bool first) {
  struct mid_graph_words w;
  struct mid_words size, count;
  char words[sizeof w.at + 128];
  mid_graph_node_words(t->g, step->node, &w);
  if (step->node >= t->g->edges.blocks)
    snprintf(words, sizeof words, "%s", w.at);
  else if (step->count == 1)
    snprintf(words, sizeof words, "%s, %s at 0x%" PRIx64, w.at,
             mid_words_size(t->g->size[step->node], &size), t->g->address[step->node]);
  else
    snprintf(words, sizeof words, "%s, %s blocks, each to the next", w.at,
             counted(step->count, &count));
  fprintf(t->out, "    %s", first ? "" : "-> ");
  name(t, words, first ? 4 : 7);
}

static void way(const struct text *t, uint32_t node) {
  struct mid_path_step *step;
  size_t count = mid_paths_to(t->g, &t->s->paths, node, &step);
  for (size_t i = 0; i < count; i++) {
    if (count > PATH_LINES && i == PATH_LINES / 2) {
      size_t left = count - PATH_LINES + 1;
      fprintf(t->out, "    ... %zu more ...\n", left);
      i += left;
    }
    way_line(t, &step[i], i == 0);
  }
  free(step);
}

static void asked_site(const struct text *t, const struct mid_site_total *total) {
  struct mid_graph_words w, o;
  struct mid_words own, retained, count, held;
  uint32_t blocks, node = mid_paths_of_site(t->g, &t->s->paths, total->site, &blocks);
  heading(t, site_words(t, total->site, &w));
  say(t, "%s block%s, %s of their own, %s retained. %s are held by %s; the shortest way:",
      counted(total->blocks, &count), plural(total->blocks), mid_words_size(total->own, &own),
      mid_words_size(total->retained, &retained),
      blocks == total->blocks ? "All" : counted(blocks, &held),
      mid_graph_owner_words(t->g, t->s->paths.owner[node], &o));
  way(t, node);
}

static void asked_block(const struct text *t, uint32_t block) {
  struct mid_graph_words w;
  struct mid_words retained, count;
  char words[64];
  snprintf(words, sizeof words, "BLOCK AT 0x%" PRIx64, t->g->address[block]);
  heading(t, words);
  say(t,
      "It is %s. It retains %s in %s block%s. The shortest way to it:", block_words(t, block, &w),
      mid_words_size(t->g->tree.retained[block], &retained),
      counted(t->g->tree.count[block], &count), plural(t->g->tree.count[block]));
  way(t, block);
}

// ---- differences --------------------------------------------------------------------------------

static const char *change(uint64_t before, uint64_t after, struct mid_words *room) {
  struct mid_words size;
  mid_words_size(after > before ? after - before : before - after, &size);
  snprintf(room->at, sizeof room->at, "%s%.30s",
           after > before   ? "+"
           : after < before ? "-"
                            : "",
           size.at);
  return room->at;
}

static void diff_sites(const struct text *t) {
  const struct mid_graph_diff *d = t->s->diff;
  struct mid_graph_words w;
  struct mid_words before, now, born, gone;
  bool three = d->final != NULL;
  fprintf(t->out, "%10s %10s %8s %8s  %s\n", three ? "STAYED" : "CHANGE", "NOW",
          three ? "STAYED" : "BORN", three ? "BORN" : "GONE", "ALLOCATED BY (bytes, blocks)");
  int lines = 0;
  for (size_t i = 0; i < d->sites && lines < DIFF_LINES; i++) {
    const struct mid_diff_site *s = &d->site[i];
    uint64_t least = s->after.bytes < s->before.bytes ? s->before.bytes - s->after.bytes
                                                      : s->after.bytes - s->before.bytes;
    if (three) least = s->stayed.bytes;
    if (least == 0 || (double)least < MID_DIFF_SHARE * (double)t->g->bytes) continue;
    fprintf(t->out, "%10s %10s %8s %8s  ",
            three ? mid_words_size(s->stayed.bytes, &before)
                  : change(s->before.bytes, s->after.bytes, &before),
            mid_words_size(s->after.bytes, &now),
            counted(three ? s->stayed.blocks : s->born.blocks, &born),
            counted(three ? s->born.blocks : s->gone.blocks, &gone));
    name(t, site_words(t, s->site, &w), TABLE_COLUMNS);
    lines++;
  }
  if (lines == 0) say(t, "No site changed by 2 %% of the heap or more.");
}

static void diff_owners(const struct text *t) {
  const struct mid_graph_diff *d = t->s->diff;
  struct mid_graph_words w;
  struct mid_words more, now;
  bool any = false;
  for (size_t i = 0; i < d->owners && i < DIFF_LINES; i++) {
    const struct mid_diff_owner *o = &d->owner[i];
    if (o->after <= o->before ||
        (double)(o->after - o->before) < MID_DIFF_SHARE * (double)t->g->bytes)
      continue;
    if (!any) fprintf(t->out, "\n%10s %10s  %s\n", "CHANGE", "RETAINED", "HELD BY");
    any = true;
    fprintf(t->out, "%10s %10s  ", change(o->before, o->after, &more),
            mid_words_size(o->after, &now));
    name(t, mid_graph_owner_words(t->g, o->owner, &w), 23);
  }
}

static void diff(const struct text *t) {
  const struct mid_graph_diff *d = t->s->diff;
  struct mid_words born, gone, stayed, a, b, c;
  heading(t, d->final == NULL ? "SINCE THE BASELINE" : "BORN SINCE THE BASELINE, AND STILL THERE");
  say(t, "%s in %s blocks were born and %s in %s blocks are gone.",
      mid_words_size(d->born.bytes, &born), counted(d->born.blocks, &a),
      mid_words_size(d->gone.bytes, &gone), counted(d->gone.blocks, &b));
  if (d->final != NULL)
    say(t, "Of the born, %s in %s blocks are in the final snapshot too.",
        mid_words_size(d->stayed.bytes, &stayed), counted(d->stayed.blocks, &c));
  fputc('\n', t->out);
  diff_sites(t);
  diff_owners(t);
}

// ---- the whole ----------------------------------------------------------------------------------

static void head(const struct text *t) {
  struct mid_words size, blocks, unheld;
  const struct mid_graph *g = t->g;
  fprintf(t->out, "%s", g->program[0] != 0 ? g->program : "program");
  if (g->pid != 0) fprintf(t->out, " (process %" PRIu64 ")", g->pid);
  fprintf(t->out, ": %s in %s live blocks", mid_words_size(g->bytes, &size),
          counted(g->edges.blocks, &blocks));
  if (g->tree.unheld > 0)
    fprintf(t->out, ", %s of them held by nothing", counted(g->tree.unheld, &unheld));
  fputc('\n', t->out);
}

void mid_graph_text(const struct mid_graph_story *s, const struct mid_report_style *style,
                    FILE *out) {
  struct text t = {s, s->graph, style, out};
  head(&t);
  if (s->diff != NULL) {
    diff(&t);
  } else if (s->asks == 0 && s->to == MID_GRAPH_NONE) {
    suspects(&t);
    tree(&t);
    sites(&t);
  }
  for (size_t i = 0; i < s->asks; i++) asked_site(&t, &s->site[s->asked[i]]);
  if (s->to != MID_GRAPH_NONE) asked_block(&t, s->to);
  fputc('\n', out);
  say(&t,
      "Pointers are words that look like addresses of blocks, so each may be none: then a "
      "block is shown as shared, or as held, that is not.");
}
