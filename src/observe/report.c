// observe/report.c -- the report as text.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // sigabbrev_np
#include "observe/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/bits.h"
#include "observe/diagnosis.h"
#include "observe/words.h"

struct page {
  FILE *out;
  const struct mid_report_style *style;
  struct mid_figures f;
  const struct mid_process *process;
  const char *when;  // the figures are of
};

static void page_turn(struct page *p, const struct mid_process *process) {
  p->process = process;
  mid_figures_make(process, &p->f);
  p->when = process->lives ? "now" : p->f.final ? "at the end" : "when last seen";
}

// A figure of its own room, so that several stand in one printf.
#define SIZE(bytes) mid_words_size((uint64_t)(bytes), &(struct mid_words){0})
#define COUNT(n) mid_words_count((double)(n), &(struct mid_words){0})
#define SECONDS(s) mid_words_seconds(s, &(struct mid_words){0})

static const char *bold(const struct page *p) { return p->style->colour ? "\033[1m" : ""; }
static const char *faint(const struct page *p) { return p->style->colour ? "\033[2m" : ""; }
static const char *plain(const struct page *p) { return p->style->colour ? "\033[0m" : ""; }

static void heading(const struct page *p, const char *words) {
  fprintf(p->out, "\n%s%s%s\n", bold(p), words, plain(p));
}

// ---- words, wrapped -----------------------------------------------------------------------------

static void wrapped(const struct page *p, unsigned indent, const char *text) {
  mid_words_wrap(p->out, text, indent, p->style->columns);
}

enum { KEY_WIDTH = 14 };

__attribute__((format(printf, 3, 4))) static void fact(const struct page *p, const char *key,
                                                       const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(p->out, "  %-*s", KEY_WIDTH, key);
  wrapped(p, KEY_WIDTH + 2, text);
}

// ---- the head -----------------------------------------------------------------------------------

static void how_it_ended(int status, char *room, size_t bytes) {
  if (WIFSIGNALED(status))
    snprintf(room, bytes, "killed by SIG%s (%s)",
             sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "RT",
             strsignal(WTERMSIG(status)));
  else
    snprintf(room, bytes, "exit status %d", WEXITSTATUS(status));
}

static void title(const struct page *p) {
  unsigned most = p->style->columns - 22;
  const char *command = p->process->command;
  size_t bytes = strlen(command);
  const char *cut = mid_words_columns(command, bytes) > most ? "..." : "";
  if (*cut != 0) {
    most -= 3;
    while (mid_words_columns(command, bytes) > most) bytes--;
  }
  unsigned used = 8 + mid_words_columns(command, bytes) + (unsigned)strlen(cut);
  fprintf(p->out, "%sMidden: %.*s%s%s", bold(p), (int)bytes, command, cut, plain(p));
  char pid[32];
  snprintf(pid, sizeof pid, "process %d", (int)p->process->pid);
  fprintf(p->out, "%s%*s%s\n", faint(p), (int)(p->style->columns - used), pid, plain(p));
  for (unsigned i = 0; i < p->style->columns; i++) fputs(p->style->utf8 ? "\u2500" : "-", p->out);
  fputc('\n', p->out);
}

// How a process other than the first ended only its parent knows.
static void head(const struct page *p, const int *status) {
  const struct mid_figures *f = &p->f;
  char how[96] = "";
  if (status != NULL) how_it_ended(*status, how, sizeof how);
  fact(p, p->process->lives ? "lives" : "ended", "%s%s %s, %s of processor time", how,
       p->process->lives ? "since" : (*how ? ", after" : "after"), SECONDS(f->seconds),
       f->cpu_seconds > 0 ? SECONDS(f->cpu_seconds) : "less than 10 ms");
  char before[64] = "";
  if (f->unseen_seconds > 0)
    snprintf(before, sizeof before, ", %s before the end", SECONDS(f->unseen_seconds));
  if (f->peak_rss == 0)
    fact(p, "resident", "unknown: it ended before it was looked at");
  else
    fact(p, "resident", "%s at the peak, %s %s%s", SIZE(f->peak_rss), SIZE(f->resident), p->when,
         before);
  if (p->process->has_feed)
    fact(p, "live heap", "%s at the most seen, %s %s, in %s block%s", SIZE(f->peak_live),
         SIZE(f->live), p->when, COUNT(f->live_blocks), f->live_blocks == 1 ? "" : "s");
}

// ---- where the memory is ------------------------------------------------------------------------

enum { BAR = 16 };

static void bar(const struct page *p, double part, double whole) {
  if (whole <= 0 || part <= 0) return;
  fputs("  ", p->out);
  mid_words_bar(p->out, part / whole, BAR, p->style->utf8, p->style->colour);
}

// A row of the sum that makes up the resident memory; one of nothing is left out.
static void part(const struct page *p, const char *what, bool estimate, bool minus,
                 uint64_t bytes) {
  if (bytes == 0) return;
  char number[48];
  snprintf(number, sizeof number, "%s%s", minus ? "-" : "", SIZE(bytes));
  double share = mid_words_share((double)bytes, (double)p->f.resident);
  if (share < 0.05) share = 0;  // no "-0.0"
  fprintf(p->out, "  %-38s %s%12s %7.1f %%", what, estimate ? "~" : " ", number,
          minus && share > 0 ? -share : share);
  if (!minus) bar(p, (double)bytes, (double)p->f.resident);
  fputc('\n', p->out);
}

static void parts(const struct page *p) {
  const struct mid_figures *f = &p->f;
  char words[128];
  snprintf(words, sizeof words, "Where the %s resident %s are", SIZE(f->resident), p->when);
  heading(p, words);
  bool some = f->internal_waste > 0;
  uint64_t used = mid_min(p->process->image.gc.used, f->collected);
  part(p, "live blocks, as the program asked", some, false, f->live_asked - f->collected);
  part(p, "internal waste in them", some, false, f->internal_waste);
  part(p, "collected heaps: objects in use", false, false, used);
  part(p, "collected heaps: room for more", false, false, f->collected - used);
  part(p, "free blocks in partly used spans", false, false, f->free_blocks);
  part(p, "room in such spans, no block made yet", false, false, f->uncarved);
  part(p, "dirty: cached spans, not given back", false, false, f->dirty);
  part(p, "less what of these is not resident", f->spans_estimated, true, f->untouched);
  part(p, "Midden's own tables", false, false, f->metadata);
  part(p, "outside the heap: code, stacks, files", f->spans_estimated, false, f->outside);
  fprintf(p->out, "  %s%38s  %12s%s\n", faint(p), "", "------------", plain(p));
  fprintf(p->out, "  %s%-38s  %12s %7.1f %%%s\n", bold(p), "resident", SIZE(f->resident), 100.0,
          plain(p));
  if (some || f->spans_estimated)
    fprintf(p->out, "  %s~ an estimate%s%s\n", faint(p),
            some ? "; sizes asked for are known from samples" : "", plain(p));
}

static void holding(const struct page *p) {
  const struct mid_figures *f = &p->f;
  heading(p, "How it is held");
  fact(p, "dirty bound", "%s of free spans may stay resident now", SIZE(f->dirty_bound));
  if (f->purged > 0)
    fact(p, "given back", "%s so far, %s of that taken again", SIZE(f->purged), SIZE(f->retouched));
  fact(p, "huge pages", "%s of the resident memory", f->huge > 0 ? SIZE(f->huge) : "none");
  if (f->swapped > 0) fact(p, "swapped out", "%s", SIZE(f->swapped));
  fact(p, "address space", "%s taken for spans, %s of it not resident", SIZE(f->mapped),
       SIZE(f->mapped > f->span_resident ? f->mapped - f->span_resident : 0));
  uint64_t refused = p->process->image.process.refused, lost = p->process->image.process.feed_lost;
  if (f->limit > 0)
    fact(p, "limit", "%s for the heap; %s allocation%s refused", SIZE(f->limit), COUNT(refused),
         refused == 1 ? "" : "s");
  else if (refused > 0)
    fact(p, "refused", "%s allocation%s", COUNT(refused), refused == 1 ? "" : "s");
  if (lost > 0)
    fact(p, "not counted", "the blocks of %s heap%s: the file system of the feed is full",
         COUNT(lost), lost == 1 ? "" : "s");
}

// ---- what the program did -----------------------------------------------------------------------

enum { TOP_CLASSES = 8 };

static int busier(const void *a, const void *b) {
  const struct mid_class_figures *x = a, *y = b;
  uint64_t bx = x->allocated * x->block_bytes, by = y->allocated * y->block_bytes;
  return bx < by ? 1 : bx > by ? -1 : 0;
}

static void class_row(const struct page *p, const char *name, const struct mid_class_figures *k,
                      bool estimate) {
  char waste[24] = "-";
  if (k->live_bytes > 0)
    snprintf(waste, sizeof waste, "%s%.0f %%", estimate ? "~" : "",
             mid_words_share((double)k->internal_waste, (double)k->live_bytes));
  fprintf(p->out, "  %10s %11s %11s %11s %13s %12s\n", name, COUNT(k->allocated), COUNT(k->freed),
          COUNT(k->live), SIZE(k->live_bytes), waste);
}

static void classes(const struct page *p) {
  struct mid_class_figures top[MID_FEED_CLASSES];
  memcpy(top, p->f.klass, sizeof top);
  qsort(top, p->f.classes, sizeof *top, busier);
  const struct mid_feed_process *feed = &p->process->image.process;
  heading(p, "Size classes that moved most bytes");
  fprintf(p->out, "  %s%10s %11s %11s %11s %13s %12s%s\n", faint(p), "block", "allocated", "freed",
          "live", "live bytes", "waste", plain(p));
  for (uint32_t c = 0; c < p->f.classes && c < TOP_CLASSES && top[c].allocated > 0; c++)
    class_row(p, SIZE(top[c].block_bytes), &top[c], true);
  struct mid_class_figures large = {
      .allocated = feed->large_allocated,
      .freed = feed->large_allocated - feed->large_blocks,
      .live = feed->large_blocks,
      .live_bytes = feed->large_bytes,
      .internal_waste = feed->large_bytes - feed->large_asked,
  };
  if (large.allocated > 0) class_row(p, "large", &large, false);
}

// What the program said of them (midden/request.h).
static void requests(const struct page *p) {
  const struct mid_figures *f = &p->f;
  char each[96] = "";
  if (f->requests > 1)
    snprintf(each, sizeof each, "; each allocates %s block%s, %s",
             mid_words_mean(f->request.blocks, &(struct mid_words){0}),
             f->request.blocks == 1 ? "" : "s", SIZE(f->request.bytes));
  fact(p, "requests", "%s, %s/s on average%s", COUNT(f->requests),
       mid_words_mean(f->request_rate, &(struct mid_words){0}), each);
}

static void activity(const struct page *p) {
  const struct mid_figures *f = &p->f;
  const struct mid_feed_process *feed = &p->process->image.process;
  heading(p, "What the program did");
  fact(p, "allocations", "%s, %s/s on average, %s/s at the busiest", COUNT(f->allocations),
       COUNT(f->allocation_rate), COUNT(f->peak_allocation_rate));
  char remote[64] = "none";
  if (f->remote_frees > 0)
    snprintf(remote, sizeof remote, "%s (%.1f %%)", COUNT(f->remote_frees),
             mid_words_share((double)f->remote_frees, (double)f->frees));
  fact(p, "frees", "%s, %s/s on average; %s by another thread than the block's", COUNT(f->frees),
       COUNT(f->free_rate), remote);
  if (f->requests > 0) requests(p);
  fact(p, "threads", "%s at the peak; %s allocated, at most %s at once",
       COUNT(p->process->peak_threads), COUNT(feed->heaps_started), COUNT(feed->heaps_peak));
}

// ---- in plain words -----------------------------------------------------------------------------

struct reason {
  uint64_t bytes;
  const char *words;
};

// What holds most of the memory that is not live.
static struct reason main_reason(const struct mid_figures *f) {
  const struct reason reasons[] = {
      {f->outside, "lies outside the heap: code, libraries, stacks and mapped files"},
      {f->internal_waste, "is internal waste: blocks are larger than what was asked for"},
      {f->free_blocks,
       "is in free blocks between live ones: used again, but not given back "
       "before their whole span is free"},
      {f->uncarved, "is room in spans that were opened and not filled yet"},
      {f->dirty, "is freed memory kept for use again: the option dirty_share says how much"},
      {f->metadata, "is in Midden's own tables"},
  };
  struct reason most = reasons[0];
  for (size_t i = 1; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].bytes > most.bytes) most = reasons[i];
  return most;
}

static void plain_words(const struct page *p) {
  const struct mid_figures *f = &p->f;
  struct reason reason = main_reason(f);
  char text[512], collected[96] = "";
  if (f->collected > f->live / 2)
    snprintf(collected, sizeof collected, ", %s of that held by collected heaps",
             SIZE(f->collected));
  if (f->live > f->resident)
    snprintf(text, sizeof text, "%s is live%s, more than the %s resident: the rest %s.",
             SIZE(f->live), collected, SIZE(f->resident),
             f->swapped ? "was never touched or is swapped out" : "was never touched");
  else
    snprintf(
        text, sizeof text, "Of %s resident %s, %s is live%s. The largest part of the rest, %s, %s.",
        SIZE(f->resident), p->when, SIZE(f->live), collected, SIZE(reason.bytes), reason.words);
  fputc('\n', p->out);
  wrapped(p, 0, text);
}

// ---- all of it ----------------------------------------------------------------------------------

static void one_process(const struct page *p, const int *status) {
  title(p);
  head(p, status);
  if (!p->process->has_feed) return;
  if (p->f.resident > 0) parts(p);
  holding(p);
  classes(p);
  activity(p);
  mid_report_collections(p->process, p->style, p->out);
  if (p->f.resident > 0) plain_words(p);
}

enum { TOP_PROCESSES = 15 };

static int holds_more(const void *a, const void *b) {
  const struct mid_process *x = *(struct mid_process *const *)a;
  const struct mid_process *y = *(struct mid_process *const *)b;
  return x->peak_rss < y->peak_rss ? 1 : x->peak_rss > y->peak_rss ? -1 : 0;
}

static void process_row(const struct page *p, const struct mid_process *process) {
  struct mid_figures f;
  mid_figures_make(process, &f);
  const char *lives = process->lives ? " (lives)" : "";
  int room = (int)p->style->columns - 45 - (int)strlen(lives);
  fprintf(p->out, "  %8d %10s %10s %10s  %.*s%s\n", (int)process->pid, SIZE(f.peak_rss),
          SIZE(f.resident), SIZE(f.live), room < 10 ? 10 : room, process->command, lives);
}

// The first stays first, the rest by what they held.
static void processes(const struct page *p, const struct mid_watch *watch) {
  if (watch->count < 2) return;
  char words[64];
  snprintf(words, sizeof words, "All %zu processes of the run", watch->count);
  heading(p, words);
  fprintf(p->out, "  %s%8s %10s %10s %10s  %s%s\n", faint(p), "process", "peak RSS", "final RSS",
          "live heap", "command", plain(p));
  struct mid_process **sorted = malloc(watch->count * sizeof *sorted);
  if (sorted == NULL) return;
  memcpy(sorted, watch->process, watch->count * sizeof *sorted);
  qsort(sorted + 1, watch->count - 1, sizeof *sorted, holds_more);
  for (size_t i = 0; i < watch->count && i < TOP_PROCESSES; i++) process_row(p, sorted[i]);
  if (watch->count > TOP_PROCESSES)
    fprintf(p->out, "  %8s and %zu more that held less: --json has them all\n", "",
            watch->count - TOP_PROCESSES);
  free(sorted);
}

static void living(const struct page *p, const struct mid_watch *watch) {
  size_t n = 0;
  for (size_t i = 1; i < watch->count; i++) n += watch->process[i]->lives;
  if (n > 0)
    fprintf(p->out, "\n%zu process%s of the run still live%s.\n", n, n == 1 ? "" : "es",
            n == 1 ? "s" : "");
}

// A program often is a small shell around the process that matters: one that held half as much
// again is shown in full too.
static const struct mid_process *largest(const struct mid_watch *watch) {
  const struct mid_process *most = watch->process[0];
  uint64_t peak = most->peak_rss + most->peak_rss / 2;
  for (size_t i = 1; i < watch->count; i++) {
    if (!watch->process[i]->has_feed || watch->process[i]->peak_rss <= peak) continue;
    most = watch->process[i];
    peak = most->peak_rss;
  }
  return most;
}

// Of every process that has any; whose they are is said where there is more than one.
static void findings(const struct page *p, const struct mid_watch *watch) {
  for (size_t i = 0; i < watch->count; i++) {
    const struct mid_process *process = watch->process[i];
    const struct mid_diagnosis *d = process->diagnosis;
    if (d == NULL || d->findings.count + d->suppressed == 0) continue;
    if (watch->count > 1)
      fprintf(p->out, "\n%sprocess %d: %s%s\n", faint(p), (int)process->pid, process->command,
              plain(p));
    mid_report_findings(process, p->style, p->out);
  }
}

void mid_report_text(const struct mid_run_story *story, const struct mid_report_style *style,
                     FILE *out) {
  struct page p = {.out = out, .style = style};
  page_turn(&p, story->watch->process[0]);
  one_process(&p, &story->status);
  const struct mid_process *other = largest(story->watch);
  if (other != p.process) {
    fputc('\n', out);
    page_turn(&p, other);
    one_process(&p, NULL);
  }
  processes(&p, story->watch);
  mid_report_crash(story->watch->process[0], &story->status, style, out);
  findings(&p, story->watch);
  living(&p, story->watch);
  if (story->notes > 0) fputc('\n', out);
  for (size_t i = 0; i < story->notes; i++) {
    fprintf(out, "%snote:%s ", bold(&p), plain(&p));
    wrapped(&p, 6, story->note[i]);
  }
}

// ---- the status line ----------------------------------------------------------------------------

// Add `words` if the line stays within its width.
static void line_add(char *room, size_t bytes, unsigned columns, const char *words) {
  size_t used = strlen(room), more = strlen(words);
  if (used + more <= columns && used + more < bytes) memcpy(room + used, words, more + 1);
}

void mid_report_line(const struct mid_watch *watch, unsigned columns, char *room, size_t bytes) {
  uint64_t rss = 0, live = 0, processes = 0;
  double rate = 0, held = 0;
  for (size_t i = 0; i < watch->count; i++) {
    const struct mid_process *p = watch->process[i];
    if (!p->lives) continue;
    processes++;
    rss += p->memory.rss;
    if (!p->has_feed) continue;
    uint64_t its_live = mid_image_live(&p->image);
    double free_share = mid_image_fragmentation(&p->image) / 100;
    live += its_live;
    held += free_share < 1 ? (double)its_live / (1 - free_share) : 0;
    rate += p->rate;
  }
  char words[96];
  room[0] = 0;
  snprintf(words, sizeof words, "midden %s", SECONDS(mid_watch_seconds(watch)));
  line_add(room, bytes, columns, words);
  snprintf(words, sizeof words, "  RSS %s", SIZE(rss));
  line_add(room, bytes, columns, words);
  snprintf(words, sizeof words, "  live %s", SIZE(live));
  line_add(room, bytes, columns, words);
  if (watch->warning[0] != 0) {
    snprintf(words, sizeof words, "  %.90s", watch->warning);
    line_add(room, bytes, columns, words);
  }
  snprintf(words, sizeof words, "  %s alloc/s", COUNT(rate));
  line_add(room, bytes, columns, words);
  snprintf(words, sizeof words, "  %.0f %% free", mid_words_share(held - (double)live, held));
  line_add(room, bytes, columns, words);
  snprintf(words, sizeof words, "  %llu processes", (unsigned long long)processes);
  if (processes > 1) line_add(room, bytes, columns, words);
}
