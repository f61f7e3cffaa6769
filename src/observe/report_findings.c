// observe/report_findings.c -- the findings of a process as text.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "observe/diagnosis.h"
#include "observe/report.h"
#include "observe/words.h"

enum { SHOWN_FINDINGS = 10, SHOWN_FRAMES = 6, INDENT = 4, FIELD_WIDTH = 7 };

struct sheet {
  FILE *out;
  const struct mid_report_style *style;
};

static const char *sheet_bold(const struct sheet *s) { return s->style->colour ? "\033[1m" : ""; }
static const char *sheet_faint(const struct sheet *s) { return s->style->colour ? "\033[2m" : ""; }
static const char *sheet_plain(const struct sheet *s) { return s->style->colour ? "\033[0m" : ""; }

// "function  file:line", or the module where no file is known.
static void frame_words(const struct mid_profile_frame *f, char *room, size_t bytes) {
  if (f->file[0] != 0 && f->line > 0)
    snprintf(room, bytes, "%.200s  %.120s:%u", f->function, basename(f->file), f->line);
  else if (f->module[0] != 0 && strchr(f->function, '+') == NULL)
    snprintf(room, bytes, "%.200s  in %.120s", f->function, basename(f->module));
  else
    snprintf(room, bytes, "%.320s", f->function);
}

static void field(const struct sheet *s, const char *key, const char *words) {
  fprintf(s->out, "%*s%s%-*s%s", INDENT, "", sheet_faint(s), FIELD_WIDTH, key, sheet_plain(s));
  mid_words_wrap(s->out, words, INDENT + FIELD_WIDTH, s->style->columns);
}

// The frame to blame and those that led to it; what is inside of it is the runtime library's.
static void stack(const struct sheet *s, const struct mid_profile_site *site) {
  char words[400];
  size_t end = site->place + SHOWN_FRAMES;
  for (size_t i = site->place; i < site->frames && i < end; i++) {
    frame_words(&site->frame[i], words, sizeof words);
    field(s, i == site->place ? "at" : "", words);
  }
  if (site->frames > end) {
    snprintf(words, sizeof words, "and %zu more", site->frames - end);
    field(s, "", words);
  }
}

static void sheet_title(const struct sheet *s, size_t number, const struct mid_finding *f) {
  const char *place = f->site != NULL ? mid_profile_place(f->site)->function : "the process";
  const char *sure = mid_confidence_name(f->confidence);
  char words[400];
  snprintf(words, sizeof words, "%s: %.200s", f->kind, place);
  fprintf(s->out, "%2zu  %s%s%s (%s)\n", number, sheet_bold(s), words, sheet_plain(s), sure);
}

static void held_by(const struct sheet *s, const struct mid_holder *h) {
  struct mid_words size;
  char words[2400];
  int n = snprintf(words, sizeof words, "by ");
  for (size_t i = 0; i < h->steps; i++)
    n += snprintf(words + n, sizeof words - (size_t)n, "%s%.255s", i > 0 ? " -> " : "", h->step[i]);
  snprintf(words + n, sizeof words - (size_t)n, "; %s retained",
           mid_words_size(h->retained, &size));
  field(s, "held", words);
}

static void one(const struct sheet *s, size_t number, const struct mid_finding *f,
                const struct mid_finding *before) {
  if (number > 1) fputc('\n', s->out);
  sheet_title(s, number, f);
  field(s, "what", f->what);
  field(s, "why", f->why);
  if (f->holder != NULL) held_by(s, f->holder);
  field(s, "advice", f->advice);
  if (f->site == NULL || f->site->frames == 0) return;
  if (before != NULL && before->site == f->site)
    field(s, "at", "the same line as before");
  else
    stack(s, f->site);
}

void mid_report_crash(const struct mid_process *p, const int *status,
                      const struct mid_report_style *style, FILE *out) {
  const struct sheet s = {out, style};
  const struct mid_crash *crash = mid_process_crash(p, status);
  char words[128];
  if (crash == NULL) return;
  fprintf(out, "\n%sCrash%s\n", sheet_bold(&s), sheet_plain(&s));
  snprintf(words, sizeof words, "SIG%s in thread %d (%s)%s", sigabbrev_np(crash->signal),
           (int)crash->thread, crash->name,
           crash->handled ? ", for which the program has a handler" : "");
  field(&s, "signal", words);
  field(&s, "what", crash->sentence);
  if (crash->site != NULL && crash->site->frames > 0) stack(&s, crash->site);
}

void mid_report_findings(const struct mid_process *p, const struct mid_report_style *style,
                         FILE *out) {
  const struct sheet s = {out, style};
  const struct mid_diagnosis *d = p->diagnosis;
  if (d == NULL || (d->findings.count == 0 && d->suppressed == 0)) return;
  fprintf(out, "\n%sFindings%s\n", sheet_bold(&s), sheet_plain(&s));
  for (size_t i = 0; i < d->findings.count && i < SHOWN_FINDINGS; i++)
    one(&s, i + 1, &d->findings.at[i], i > 0 ? &d->findings.at[i - 1] : NULL);
  if (d->findings.count > SHOWN_FINDINGS)
    fprintf(out, "\n%*sand %zu more: --json has them all\n", INDENT, "",
            d->findings.count - SHOWN_FINDINGS);
  if (d->suppressed > 0) fprintf(out, "\n%*s%zu suppressed\n", INDENT, "", d->suppressed);
}
