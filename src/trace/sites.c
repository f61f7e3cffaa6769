// trace/sites.c -- see sites.h.
// SPDX-License-Identifier: MIT
#include "trace/sites.h"

#include <inttypes.h>
#include <string.h>

#include "observe/words.h"

enum {
  SITES_TOP = 10,
  SITES_LINES = 8,   // of a stack: the rest is counted
  SITES_INDENT = 41  // where the frames begin
};

const char *mid_site_words(const struct mid_trace *t, uint32_t stack, char *room, size_t bytes) {
  struct mid_trace_site site = mid_trace_site(t, stack);
  const char *name = strrchr(site.module, '/');
  if (stack == 0 || (site.module[0] == 0 && site.offset == 0))
    snprintf(room, bytes, "?");
  else
    snprintf(room, bytes, "%s%s0x%" PRIx64, name != NULL ? name + 1 : site.module,
             site.module[0] != 0 ? "+" : "", site.offset);
  return room;
}

// The lines of the table that a stack takes so far.
struct stack_lines {
  FILE *out;
  int lines;
};

static void line_begin(struct stack_lines *l) {
  fprintf(l->out, "%*s", l->lines++ == 0 ? 0 : SITES_INDENT, "");
}

static void symbol_print(struct stack_lines *l, const struct mid_symbol *symbol,
                         const char *address) {
  const char *file = strrchr(symbol->file, '/');
  const char *function = symbol->function[0] == 0 ? address : symbol->function;
  line_begin(l);
  fputs(function, l->out);
  if (symbol->file[0] != 0 && symbol->line != 0)
    fprintf(l->out, "  %s:%u", file != NULL ? file + 1 : symbol->file, symbol->line);
  else if (function != address)
    fprintf(l->out, "  %s", address);
  fputs(symbol->inlined ? " (inlined)\n" : "\n", l->out);
}

// The call stands before the address that it returns to.
static void frame_print(struct stack_lines *l, const struct mid_trace *t, uint32_t stack,
                        struct mid_symbols *symbols) {
  struct mid_symbol symbol[SITES_LINES];
  struct mid_trace_site site = mid_trace_site(t, stack);
  char address[128];
  size_t count = 0;
  mid_site_words(t, stack, address, sizeof address);
  if (symbols != NULL && site.module[0] != 0 && site.offset > 0)
    count = mid_symbols_find(symbols, site.module, site.id.at, site.id.bytes, site.offset - 1,
                             symbol, SITES_LINES);
  for (size_t i = 0; i < count; i++) {
    char name[512];
    snprintf(name, sizeof name, "%s", symbol[i].function);
    mid_words_tame(name);
    symbol[i].function = name;
    symbol_print(l, &symbol[i], address);
  }
  if (count == 0) line_begin(l), fprintf(l->out, "%s\n", address);
}

static void stack_print(const struct mid_trace *t, uint32_t stack, struct mid_symbols *symbols,
                        FILE *out) {
  struct stack_lines l = {out, 0};
  unsigned more = 0;
  for (; stack != 0; stack = mid_trace_site(t, stack).caller)
    if (l.lines < SITES_LINES)
      frame_print(&l, t, stack, symbols);
    else
      more++;
  if (l.lines == 0) fputs("?\n", out);
  if (more > 0) line_begin(&l), fprintf(out, "and %u more\n", more);
}

void mid_sites_print(const struct mid_summary *s, const struct mid_trace *t,
                     struct mid_symbols *symbols, FILE *out) {
  uint32_t row[SITES_TOP];
  struct mid_words blocks, bytes, live;
  size_t count = mid_summary_top(s, row, SITES_TOP);
  for (size_t i = 0; i < count; i++) {
    const struct mid_summary_site *site = &s->site[row[i]];
    fprintf(out, "  %7s %10s %5.1f %% %10s  ", mid_words_count((double)site->births, &blocks),
            mid_words_size(site->bytes, &bytes),
            mid_words_share((double)site->bytes, (double)s->bytes),
            mid_words_size(site->live_bytes, &live));
    stack_print(t, row[i], symbols, out);
  }
}
