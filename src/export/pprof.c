// export/pprof.c -- a run as a pprof profile (profile.proto).
// SPDX-License-Identifier: MIT
//
// A location is an address for pprof; here it is a frame with what is inlined into it.  All names
// are looked up already, so mappings say that they have them, and pprof looks for no files.
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "export/formats.h"
#include "export/profile.pb-c.h"
#include "midden/version.h"
#include "observe/gzip.h"
#include "observe/must.h"
#include "observe/page_words.h"

#define VALUE_TYPES 4

// Things of one kind, each once: by its key, its place in `at`, to which protobuf-c's arrays of
// pointers are made.
struct pprof_table {
  struct mid_numbered key;
  void **at;
  size_t count, room;
};

struct pprof {
  MidPprof__Profile profile;
  MidPprof__ValueType type[VALUE_TYPES], period;
  MidPprof__ValueType *types[VALUE_TYPES];
  int64_t comment;
  struct pprof_table string, function, mapping, location, sample;
};

static void *pprof_add(struct pprof_table *t, void *one) {
  if (t->count == t->room) {
    t->room = mid_max(64, 2 * t->room);
    t->at = mid_must(realloc(t->at, t->room * sizeof *t->at));
  }
  return t->at[t->count++] = one;
}

// The place of what has this key; `t->count` where it is new.
static size_t pprof_place(struct pprof_table *t, const char *key) {
  json_int_t place = mid_numbered_find(&t->key, key);
  if (place >= 0) return (size_t)place;
  mid_numbered_add(&t->key, key, json_null());
  return t->count;
}

static int64_t pprof_string(struct pprof *p, const char *words) {
  size_t place = pprof_place(&p->string, words);
  if (place == p->string.count) pprof_add(&p->string, mid_must(strdup(words)));
  return (int64_t)place;
}

// A new message of this kind, with its defaults.
#define PPROF_NEW(type, init) memcpy(mid_must(malloc(sizeof(type))), &(type)init, sizeof(type))

// ---- places in the program ----------------------------------------------------------------------

static uint64_t pprof_mapping(struct pprof *p, const char *module) {
  if (*module == 0) return 0;
  size_t place = pprof_place(&p->mapping, module);
  if (place < p->mapping.count) return place + 1;
  MidPprof__Mapping *m =
      pprof_add(&p->mapping, PPROF_NEW(MidPprof__Mapping, MID_PPROF__MAPPING__INIT));
  m->id = place + 1;
  m->filename = pprof_string(p, module);
  m->has_functions = m->has_filenames = m->has_line_numbers = m->has_inline_frames = true;
  return m->id;
}

static uint64_t pprof_function(struct pprof *p, const struct mid_profile_frame *f) {
  int64_t name = pprof_string(p, f->function), file = pprof_string(p, f->file);
  char key[64];
  snprintf(key, sizeof key, "%" PRId64 " %" PRId64, name, file);
  size_t place = pprof_place(&p->function, key);
  if (place < p->function.count) return place + 1;
  MidPprof__Function *made =
      pprof_add(&p->function, PPROF_NEW(MidPprof__Function, MID_PPROF__FUNCTION__INIT));
  made->id = place + 1;
  made->name = made->system_name = name;
  made->filename = file;
  return made->id;
}

static void pprof_lines(struct pprof *p, MidPprof__Location *l, const struct mid_profile_frame *f,
                        size_t count) {
  l->line = mid_must(calloc(count, sizeof *l->line));
  for (; l->n_line < count; l->n_line++) {
    MidPprof__Line *line = PPROF_NEW(MidPprof__Line, MID_PPROF__LINE__INIT);
    line->function_id = pprof_function(p, &f[l->n_line]);
    line->line = f[l->n_line].line;
    l->line[l->n_line] = line;
  }
}

// Of `count` frames, each but the last inlined into the next.
static uint64_t pprof_location(struct pprof *p, const struct mid_profile_frame *f, size_t count) {
  char *key = NULL;
  size_t bytes;
  FILE *words = mid_must(open_memstream(&key, &bytes));
  for (size_t i = 0; i < count; i++)
    fprintf(words, "%" PRIu64 ":%u ", pprof_function(p, &f[i]), f[i].line);
  fprintf(words, "%" PRIu64, pprof_mapping(p, f[count - 1].module));
  fclose(words);
  size_t place = pprof_place(&p->location, mid_must(key));
  free(key);
  if (place < p->location.count) return place + 1;
  MidPprof__Location *l =
      pprof_add(&p->location, PPROF_NEW(MidPprof__Location, MID_PPROF__LOCATION__INIT));
  l->id = place + 1;
  l->mapping_id = pprof_mapping(p, f[count - 1].module);
  pprof_lines(p, l, f, count);
  return l->id;
}

// ---- sites --------------------------------------------------------------------------------------

// One block's size, as the heap profiles of Go have it, and the process.
static void pprof_labels(struct pprof *p, MidPprof__Sample *s, const struct mid_profile_site *site,
                         int64_t process) {
  s->label = mid_must(calloc(2, sizeof *s->label));
  s->n_label = 2;
  for (size_t i = 0; i < 2; i++) s->label[i] = PPROF_NEW(MidPprof__Label, MID_PPROF__LABEL__INIT);
  s->label[0]->key = pprof_string(p, "process");
  s->label[0]->str = process;
  s->label[1]->key = pprof_string(p, "bytes");
  s->label[1]->num = site->allocated > 0 ? llround(site->allocated_bytes / site->allocated) : 0;
  s->label[1]->num_unit = pprof_string(p, "bytes");
}

static void pprof_site(struct pprof *p, const struct mid_profile_site *site, int64_t process) {
  MidPprof__Sample *s = pprof_add(&p->sample, PPROF_NEW(MidPprof__Sample, MID_PPROF__SAMPLE__INIT));
  s->location_id = mid_must(calloc(site->frames, sizeof *s->location_id));
  for (size_t i = 0, end; i < site->frames; i = end) {
    for (end = i + 1; site->frame[end - 1].inlined && end < site->frames;) end++;
    s->location_id[s->n_location_id++] = pprof_location(p, &site->frame[i], end - i);
  }
  s->value = mid_must(calloc(VALUE_TYPES, sizeof *s->value));
  s->n_value = VALUE_TYPES;
  s->value[0] = llround(site->allocated);
  s->value[1] = llround(site->allocated_bytes);
  s->value[2] = llround(site->live);
  s->value[3] = llround(site->live_bytes);
  pprof_labels(p, s, site, process);
}

// pprof takes the first mapping for the program itself.
static void pprof_program(struct pprof *p, const struct mid_kept_process *process) {
  char program[NAME_MAX + 1];
  mid_kept_program(process, program, sizeof program);
  for (size_t i = 0; i < process->sites; i++)
    for (size_t k = 0; k < process->site[i].frames; k++) {
      const char *module = process->site[i].frame[k].module, *slash = strrchr(module, '/');
      if (strcmp(slash != NULL ? slash + 1 : module, program) != 0) continue;
      pprof_mapping(p, module);
      return;
    }
}

static void pprof_process(struct pprof *p, const struct mid_kept_process *process) {
  char program[NAME_MAX + 1], name[NAME_MAX + 32];
  mid_kept_program(process, program, sizeof program);
  snprintf(name, sizeof name, "%s %" PRId64, program, process->pid);
  pprof_program(p, process);
  int64_t label = pprof_string(p, name);
  for (size_t i = 0; i < process->sites; i++) pprof_site(p, &process->site[i], label);
}

// ---- the whole ----------------------------------------------------------------------------------

static void pprof_head(struct pprof *p, const struct mid_kept *k) {
  static const char *const types[VALUE_TYPES][2] = {{"alloc_objects", "count"},
                                                    {"alloc_space", "bytes"},
                                                    {"inuse_objects", "count"},
                                                    {"inuse_space", "bytes"}};
  p->profile = (MidPprof__Profile)MID_PPROF__PROFILE__INIT;
  pprof_string(p, "");
  for (size_t i = 0; i < VALUE_TYPES; i++) {
    p->type[i] = (MidPprof__ValueType)MID_PPROF__VALUE_TYPE__INIT;
    p->type[i].type = pprof_string(p, types[i][0]);
    p->type[i].unit = pprof_string(p, types[i][1]);
    p->types[i] = &p->type[i];
  }
  p->period = (MidPprof__ValueType)MID_PPROF__VALUE_TYPE__INIT;
  p->period.type = pprof_string(p, "space");
  p->period.unit = pprof_string(p, "bytes");
  p->profile.default_sample_type = pprof_string(p, "inuse_space");
  p->comment = pprof_string(p, "midden " MIDDEN_VERSION);
  p->profile.period_type = &p->period;
  p->profile.period = llround(k->mean);
  p->profile.time_nanos = llround(k->made * 1e9);
  p->profile.duration_nanos = k->count > 0 ? llround(k->process[0].seconds * 1e9) : 0;
}

// protobuf-c's view of what the tables hold.
static void pprof_join(struct pprof *p) {
  MidPprof__Profile *all = &p->profile;
  all->sample_type = p->types, all->n_sample_type = VALUE_TYPES;
  all->comment = &p->comment, all->n_comment = 1;
  all->sample = (MidPprof__Sample **)p->sample.at, all->n_sample = p->sample.count;
  all->mapping = (MidPprof__Mapping **)p->mapping.at, all->n_mapping = p->mapping.count;
  all->location = (MidPprof__Location **)p->location.at, all->n_location = p->location.count;
  all->function = (MidPprof__Function **)p->function.at, all->n_function = p->function.count;
  all->string_table = (char **)p->string.at, all->n_string_table = p->string.count;
}

static void pprof_forget(struct pprof_table *t) {
  for (size_t i = 0; i < t->count; i++) free(t->at[i]);
  free(t->at);
  json_decref(mid_numbered_close(&t->key));
}

static void pprof_close(struct pprof *p) {
  for (size_t i = 0; i < p->sample.count; i++) {
    MidPprof__Sample *s = p->sample.at[i];
    for (size_t n = 0; n < s->n_label; n++) free(s->label[n]);
    free(s->label);
    free(s->value);
    free(s->location_id);
  }
  for (size_t i = 0; i < p->location.count; i++) {
    MidPprof__Location *l = p->location.at[i];
    for (size_t n = 0; n < l->n_line; n++) free(l->line[n]);
    free(l->line);
  }
  struct pprof_table *tables[] = {&p->string, &p->function, &p->mapping, &p->location, &p->sample};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) pprof_forget(tables[i]);
}

bool mid_export_pprof(const struct mid_kept *k, FILE *out) {
  struct pprof p = {0};
  struct pprof_table *tables[] = {&p.string, &p.function, &p.mapping, &p.location, &p.sample};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) tables[i]->key = mid_numbered_open();
  pprof_head(&p, k);
  for (size_t i = 0; i < k->count; i++) pprof_process(&p, &k->process[i]);
  pprof_join(&p);
  size_t bytes = mid_pprof__profile__get_packed_size(&p.profile), packed = 0;
  unsigned char *plain = mid_must(malloc(bytes));
  mid_pprof__profile__pack(&p.profile, plain);
  unsigned char *gzip = mid_gzip(plain, bytes, &packed);
  bool ok = gzip != NULL && fwrite(gzip, 1, packed, out) == packed;
  free(gzip);
  free(plain);
  pprof_close(&p);
  return ok;
}
