// cli/trace.c -- `midden trace`: what is in a trace, as a summary, a picture or a list.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "observe/words.h"
#include "trace/import.h"
#include "trace/page.h"

enum { TRACE_SVG, TRACE_CSV, TRACE_FROM, TRACE_TO, TRACE_IMPORT };  // places in the verb's table

struct view {
  const char *name, *svg, *csv, *import;
  bool window;
  uint64_t from, to;  // ticks
  struct mid_trace *trace;
  struct mid_summary summary;
};

static const char *const kind_words[] = {"malloc", "calloc", "aligned", "realloc",
                                         "free",   "resize", "free?",   "exit"};

static uint64_t ticks_of(const char *words) {
  double ticks = cli_read_seconds(words) * MID_TRACE_TICKS_A_SECOND + 0.5;
  return ticks < 1e18 ? (uint64_t)ticks : (uint64_t)1e18;
}

static void trace_read_options(struct view *v, struct cli_args *args) {
  for (int option; (option = cli_args_next(args)) >= 0;) {
    if (option == TRACE_SVG) v->svg = args->value;
    if (option == TRACE_CSV) v->csv = args->value;
    if (option == TRACE_IMPORT) v->import = args->value;
    if (option == TRACE_FROM) v->from = ticks_of(args->value), v->window = true;
    if (option == TRACE_TO) v->to = ticks_of(args->value), v->window = true;
  }
}

// Options may stand behind the file too.
static void trace_arguments(struct view *v, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  v->to = UINT64_MAX;
  trace_read_options(v, &args);
  if (args.at == argc) cli_die(CLI_USAGE, "a file is missing: midden trace [OPTION]... FILE");
  v->name = argv[args.at++];
  trace_read_options(v, &args);
  cli_args_end(&args);
  cli_file_require(v->svg);
  cli_file_require(v->csv);
}

// ---- import -------------------------------------------------------------------------------------

static void make_trace(const struct view *v) {
  uint64_t events, bytes;
  cli_file_require(v->name);
  FILE *kept = tmpfile();  // so that what cannot be read leaves nothing behind
  if (kept == NULL) cli_die(CLI_FAILED, "no room for a file in /tmp: %s", strerror(errno));
  struct mid_writer *w = mid_writer_open(fileno(kept));
  const char *why = mid_import(v->import, w, &events);
  int error = mid_writer_close(w, &bytes);
  if (why != NULL) cli_die(CLI_FAILED, "'%s' cannot be imported: %s", v->import, why);
  if (error == 0) error = cli_file_write(v->name, cli_file_copy, kept);
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", v->name, strerror(error));
  fclose(kept);
}

// ---- events -------------------------------------------------------------------------------------

// Call `print` for each event of the window, in order.
static void trace_visit(struct view *v, FILE *out,
                        void (*print)(const struct view *, const struct mid_trace_event *,
                                      FILE *)) {
  mid_trace_rewind(v->trace, v->from);
  while (mid_trace_next(v->trace)) {
    size_t count;
    const struct mid_trace_event *const *event = mid_trace_in_order(v->trace, &count);
    if (count > 0 && event[0]->tick >= v->to) return;
    for (size_t i = 0; i < count; i++)
      if (event[i]->tick >= v->from && event[i]->tick < v->to) print(v, event[i], out);
  }
}

static void block_words(const struct mid_trace_event *e, char *room, size_t bytes) {
  room[0] = 0;
  if (mid_trace_has_block(e->kind))
    snprintf(room, bytes, "%" PRIu32 "#%" PRIu64, e->block.thread, e->block.number);
}

static void print_line(const struct view *v, const struct mid_trace_event *e, FILE *out) {
  char block[48], site[96], bytes[24] = "", thread[24];
  block_words(e, block, sizeof block);
  if (mid_trace_has_bytes(e->kind)) snprintf(bytes, sizeof bytes, "%" PRIu64, e->bytes);
  snprintf(thread, sizeof thread, "%" PRIu32 "/%" PRIu32, e->process, e->thread);
  fprintf(out, "%14.7f  %8s  %-8s%12s  %12s  %s%s\n", (double)e->tick / MID_TRACE_TICKS_A_SECOND,
          thread, kind_words[e->kind], bytes, block,
          mid_site_words(v->trace, e->stack, site, sizeof site), e->unseen ? "  (not seen)" : "");
}

static void print_csv_line(const struct view *v, const struct mid_trace_event *e, FILE *out) {
  char block[48], site[96];
  block_words(e, block, sizeof block);
  fprintf(out, "%.7f,%" PRIu32 ",%" PRIu32 ",%s,%s,", (double)e->tick / MID_TRACE_TICKS_A_SECOND,
          e->process, e->thread, kind_words[e->kind], block);
  if (mid_trace_has_bytes(e->kind)) fprintf(out, "%" PRIu64, e->bytes);
  fputc(',', out);
  if (mid_trace_is_birth(e->kind)) fprintf(out, "%" PRIu64, (uint64_t)1 << e->align);
  fprintf(out, ",%s\n", mid_site_words(v->trace, e->stack, site, sizeof site));
}

static bool print_csv(const void *self, FILE *out) {
  struct view *v = (struct view *)(uintptr_t)self;
  fputs("seconds,process,thread,event,block,bytes,align,caller\n", out);
  trace_visit(v, out, print_csv_line);
  return true;
}

// ---- the rest -----------------------------------------------------------------------------------

static bool print_svg(const void *self, FILE *out) {
  const struct view *v = self;
  mid_page_svg(&v->summary, mid_trace_process(v->trace, 1).command, out);
  return true;
}

static void write_to(const struct view *v, const char *name, bool (*print)(const void *, FILE *)) {
  int error = name == NULL ? 0 : cli_file_write(name, print, v);
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", name, strerror(error));
}

static void summarise(struct view *v) {
  struct mid_report_style style = cli_style(STDOUT_FILENO);
  struct mid_symbols *symbols = mid_symbols_open();
  mid_summary_open(&v->summary);
  mid_trace_rewind(v->trace, 0);
  while (mid_trace_next(v->trace)) mid_summary_add(&v->summary, v->trace);
  mid_summary_end(&v->summary);
  mid_page_text(&v->summary, v->trace, symbols, v->name, &style, stdout);
  mid_symbols_close(symbols);
  write_to(v, v->svg, print_svg);
  mid_summary_close(&v->summary);
}

static void trace_list(struct view *v) {
  printf("%14s  %8s  %-8s%12s  %12s  %s\n", "SECONDS", "THREAD", "EVENT", "BYTES", "BLOCK",
         "CALLER");
  trace_visit(v, stdout, print_line);
}

int cli_trace(int argc, char **argv) {
  static struct view v;
  const char *why;
  setlocale(LC_CTYPE, "");
  trace_arguments(&v, argc, argv);
  if (v.import != NULL) make_trace(&v);
  v.trace = mid_trace_open(v.name, &why);
  if (v.trace == NULL) cli_die(CLI_FAILED, "'%s' cannot be read: %s", v.name, why);
  if (v.window && v.csv == NULL)
    trace_list(&v);
  else if (!v.window || v.svg != NULL)
    summarise(&v);
  write_to(&v, v.csv, print_csv);
  fflush(stdout);
  const char *damage = mid_trace_damage(v.trace);
  if (damage == NULL && !mid_trace_is_whole(v.trace))
    damage = "it has no end: the recorder was stopped before it could write one";
  if (damage != NULL) cli_say("'%s' is read as far as it goes: %s", v.name, damage);
  mid_trace_close(v.trace);
  return damage != NULL ? CLI_FAILED : 0;
}
