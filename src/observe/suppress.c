// observe/suppress.c -- see suppress.h.
// SPDX-License-Identifier: MIT
#include "observe/suppress.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "observe/evidence.h"

// ---- the file -----------------------------------------------------------------------------------

static void suppress_add(struct mid_suppressions *s, const char *kind, const char *pattern) {
  s->at = realloc(s->at, (s->count + 1) * sizeof *s->at);
  if (s->at == NULL) abort();
  struct mid_suppression *one = &s->at[s->count++];
  *one = (struct mid_suppression){strdup(kind), strdup(pattern)};
  if (one->kind == NULL || one->pattern == NULL) abort();
}

// A line without what is behind #, and without blanks at its ends: its first word, and the rest.
static char *line_split(char *line, char **rest) {
  line[strcspn(line, "#\r\n")] = 0;
  line += strspn(line, " \t");
  char *end = line + strlen(line);
  while (end > line && (end[-1] == ' ' || end[-1] == '\t')) *--end = 0;
  *rest = line + strcspn(line, " \t");
  if (**rest != 0) *(*rest)++ = 0;
  *rest += strspn(*rest, " \t");
  return line;
}

const char *mid_suppressions_read(FILE *in, struct mid_suppressions *out, char *room,
                                  size_t bytes) {
  char *line = NULL, *pattern;
  const char *wrong = NULL;
  size_t size = 0, number = 0;
  while (wrong == NULL && getline(&line, &size, in) > 0) {
    number++;
    const char *kind = line_split(line, &pattern);
    if (*kind == 0) continue;
    if (strcmp(kind, "*") != 0 && !mid_finding_is_kind(kind)) {
      snprintf(room, bytes, "line %zu: there is no finding '%.40s'", number, kind);
      wrong = room;
    } else if (*pattern == 0) {
      snprintf(room, bytes, "line %zu: behind '%.40s' the pattern is missing", number, kind);
      wrong = room;
    } else {
      suppress_add(out, kind, pattern);
    }
  }
  free(line);
  return wrong;
}

void mid_suppressions_close(struct mid_suppressions *s) {
  for (size_t i = 0; i < s->count; i++) {
    free(s->at[i].kind);
    free(s->at[i].pattern);
  }
  free(s->at);
  *s = (struct mid_suppressions){0};
}

// ---- findings -----------------------------------------------------------------------------------

static bool matches(const struct mid_suppression *s, const struct mid_finding *f) {
  if (strcmp(s->kind, "*") != 0 && strcmp(s->kind, f->kind) != 0) return false;
  if (f->site == NULL || f->site->frames == 0) return strcmp(s->pattern, "*") == 0;
  for (size_t i = 0; i < f->site->frames; i++) {
    const struct mid_profile_frame *frame = &f->site->frame[i];
    const char *name = strrchr(frame->module, '/');
    if (fnmatch(s->pattern, frame->function, 0) == 0 ||
        fnmatch(s->pattern, frame->module, 0) == 0 ||
        (name != NULL && fnmatch(s->pattern, name + 1, 0) == 0))
      return true;
  }
  return false;
}

static bool is_suppressed(const struct mid_suppressions *s, const struct mid_finding *f) {
  for (size_t i = 0; i < s->count; i++)
    if (matches(&s->at[i], f)) return true;
  return false;
}

size_t mid_suppressions_apply(const struct mid_suppressions *s, struct mid_findings *list) {
  size_t kept = 0, all = list->count;
  for (size_t i = 0; i < all; i++) {
    if (is_suppressed(s, &list->at[i]))
      mid_finding_forget(&list->at[i]);
    else
      list->at[kept++] = list->at[i];
  }
  list->count = kept;
  return all - kept;
}
