// export/folded.c -- a run as folded stacks, which flame graphs are made of.
// SPDX-License-Identifier: MIT
#include <limits.h>
#include <math.h>
#include <string.h>

#include "export/formats.h"

// A semicolon would end the frame, and an end of line the stack.
static void fold_name(const char *name, FILE *out) {
  for (; *name != 0; name++)
    fputc(*name == ';' ? ':' : (unsigned char)*name < ' ' ? ' ' : *name, out);
}

static void fold_site(const char *program, const struct mid_profile_site *site, bool allocated,
                      FILE *out) {
  long long bytes = llround(allocated ? site->allocated_bytes : site->live_bytes);
  if (bytes == 0) return;
  fold_name(program, out);
  for (size_t i = site->frames; i-- > 0;) {
    fputc(';', out);
    fold_name(site->frame[i].function, out);
  }
  fprintf(out, " %lld\n", bytes);
}

bool mid_export_folded(const struct mid_kept *k, bool allocated, FILE *out) {
  char program[NAME_MAX + 1];
  for (size_t i = 0; i < k->count; i++) {
    const struct mid_kept_process *p = &k->process[i];
    mid_kept_program(p, program, sizeof program);
    for (size_t n = 0; n < p->sites; n++) fold_site(program, &p->site[n], allocated, out);
  }
  return !ferror(out);
}
