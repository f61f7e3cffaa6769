// observe/profile.c -- see profile.h.  The file is foreign bytes: every number in it is held
// against what there is before it is used.
// SPDX-License-Identifier: MIT
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "observe/folders.h"
#include "observe/must.h"
#include "observe/proc.h"
#include "observe/profile_names.h"

enum {
  MOST_FRAMES = 1024,  // of a stack
  WEIGHT_ONE = 256     // sums in the file are in 256ths
};
#define MOST_FILE_BYTES ((size_t)MID_SAMPLES_HEAD + (size_t)MID_SAMPLES_PIECES * MID_SAMPLES_PIECE)

// ---- records in the file ------------------------------------------------------------------------

// Where the file keeps its records: the pieces of each kind, in order; all lie inside of it.
struct samples {
  const char *at;
  struct mid_samples_header head;
  uint8_t piece[MID_SAMPLES_KINDS][MID_SAMPLES_PIECES];
  size_t pieces[MID_SAMPLES_KINDS];
};

static size_t samples_in_piece(enum mid_samples_kind kind) {
  return MID_SAMPLES_PIECE / mid_samples_record_bytes(kind);
}

// The highest number of a record of this kind; numbers begin with 1.
static uint64_t samples_last(const struct samples *s, enum mid_samples_kind kind) {
  return mid_min(s->head.records[kind], s->pieces[kind] * samples_in_piece(kind));
}

static void samples_record(const struct samples *s, enum mid_samples_kind kind, uint64_t n,
                           void *out) {
  size_t each = mid_samples_record_bytes(kind), in_piece = samples_in_piece(kind);
  size_t piece = s->piece[kind][(n - 1) / in_piece];
  const char *at = s->at + MID_SAMPLES_HEAD + piece * MID_SAMPLES_PIECE;
  memcpy(out, at + (n - 1) % in_piece * each, each);
}

static const char *samples_open(const char *at, size_t bytes, struct samples *out) {
  *out = (struct samples){.at = at};
  if (bytes < MID_SAMPLES_HEAD) return "it is shorter than the header of a sample file";
  memcpy(&out->head, at, sizeof out->head);
  if (out->head.xmagic != MID_SAMPLES_MAGIC) return "it does not begin as a sample file";
  if (out->head.version != MID_SAMPLES_VERSION)
    return "it is of another version of Midden: use the midden that came with its library";
  size_t there = (bytes - MID_SAMPLES_HEAD) / MID_SAMPLES_PIECE;
  there = mid_min(mid_min(there, out->head.pieces), MID_SAMPLES_PIECES);
  for (size_t i = 0; i < there; i++) {
    unsigned kind = out->head.kind[i];
    if (kind == MID_SAMPLES_NONE || kind >= MID_SAMPLES_KINDS) continue;
    out->piece[kind][out->pieces[kind]++] = (uint8_t)i;
  }
  return NULL;
}

// ---- times --------------------------------------------------------------------------------------

// A process that ended at once never stored the second pair: its times are then taken for
// nanoseconds, and small.
static void take_clock(const struct mid_samples_header *h, struct mid_profile *p) {
  double ticks = (double)(h->now_ticks - h->opened_ticks), ns = (double)(h->now_ns - h->opened_ns);
  bool known = h->now_ticks > h->opened_ticks && h->now_ns > h->opened_ns;
  p->ticks_per_second = known ? ticks / ns * 1e9 : 1e9;
  p->opened = (double)h->opened_ns / 1e9;
  p->spent = (double)h->spent_ticks / p->ticks_per_second;
}

static double seconds(const struct mid_profile *p, const struct samples *s, uint64_t ticks) {
  uint64_t opened = s->head.opened_ticks;
  return ticks > opened ? (double)(ticks - opened) / p->ticks_per_second : 0;
}

// ---- sums ---------------------------------------------------------------------------------------

static double weighted(uint64_t sum) { return (double)sum / WEIGHT_ONE; }

static bool take_frames(const struct mid_sample_stack *r, uint64_t words, const uint64_t *word,
                        struct mid_profile_site *out) {
  if (r->frame == 0 || r->frame > words || r->frames > MOST_FRAMES ||
      r->frames > words - r->frame + 1)
    return false;
  out->raw = word + r->frame;
  out->raws = (uint32_t)r->frames;
  out->cut = r->cut != 0;
  return true;
}

static void take_stack(const struct samples *s, const struct mid_sample_stack *r,
                       const struct mid_profile *p, struct mid_profile_site *out) {
  out->samples = r->samples;
  out->allocated = weighted(r->allocated);
  out->allocated_bytes = weighted(r->allocated_bytes);
  out->brief = weighted(r->brief);
  out->brief_bytes = weighted(r->brief_bytes);
  out->remote = weighted(r->remote);
  out->remote_bytes = weighted(r->remote_bytes);
  out->moved = weighted(r->moved);
  out->moved_bytes = weighted(r->moved_bytes);
  out->longest_moves = r->longest_moves;
  for (int i = 0; i < MID_SAMPLE_LIVES; i++) out->lives[i] = weighted(r->lives[i]);
  out->pages_known = r->pages_known;
  out->pages_touched = mid_min(r->pages_touched, r->pages_known);
  out->asked_least = r->asked_least;
  out->asked_most = r->asked_most;
  out->rises = r->rises;
  out->falls = r->falls;
  out->first = seconds(p, s, r->first_ticks);
  out->last = seconds(p, s, r->last_ticks);
  out->peak_live_bytes = weighted(r->peak_live_bytes);
  out->peak_at = seconds(p, s, r->peak_ticks);
}

// Every stack that has samples is a site, also one whose frames cannot be believed.
static void take_sites(const struct samples *s, struct mid_profile *p) {
  uint64_t words = samples_last(s, MID_SAMPLES_FRAME), stacks = samples_last(s, MID_SAMPLES_STACK);
  p->word = mid_must(calloc(words + 1, sizeof *p->word));
  for (uint64_t n = 1; n <= words; n++) samples_record(s, MID_SAMPLES_FRAME, n, &p->word[n]);
  p->site = mid_must(calloc(stacks + 1, sizeof *p->site));
  for (uint64_t n = 1; n <= stacks; n++) {
    struct mid_sample_stack r;
    struct mid_profile_site *site = &p->site[p->sites];
    samples_record(s, MID_SAMPLES_STACK, n, &r);
    if (r.samples == 0) continue;
    *site = (struct mid_profile_site){.stack = (uint32_t)n};
    if (!take_frames(&r, words, p->word, site)) site->raws = 0;
    take_stack(s, &r, p, site);
    p->sites++;
  }
}

// With the chance of D. G. Horvitz and D. J. Thompson's estimate, see feed/samples.h.
static double chance(uint64_t bytes, uint64_t mean) {
  if (mean <= 1) return 1;
  double p = -expm1(-(double)bytes / (double)mean);
  return p > 1e-12 ? p : 1e-12;  // of a record that makes no sense: no infinite weight
}

static void add_sample(struct mid_profile *p, const struct mid_profile_sample *sample) {
  struct mid_profile_site *site = &p->site[sample->site];
  double weight = 1 / sample->chance, bytes = (double)sample->asked * weight;
  site->live_samples++;
  site->live += weight;
  site->live_bytes += bytes;
  site->live_error += bytes * bytes * (1 - sample->chance);  // the variance, until all are in
}

static int by_address(const void *a, const void *b) {
  const struct mid_profile_sample *x = a, *y = b;
  return x->block < y->block ? -1 : x->block > y->block;
}

static void take_samples(const struct samples *s, struct mid_profile *p) {
  uint64_t last = samples_last(s, MID_SAMPLES_BLOCK);
  p->sample = mid_must(calloc(last + 1, sizeof *p->sample));
  for (uint64_t n = 1; n <= last; n++) {
    struct mid_sample r;
    samples_record(s, MID_SAMPLES_BLOCK, n, &r);
    const struct mid_profile_site *site = mid_profile_site_of(p, r.stack);
    if (r.block == 0 || site == NULL) continue;
    struct mid_profile_sample sample = {.block = r.block,
                                        .asked = r.asked,
                                        .bytes = r.bytes,
                                        .mean = r.mean,
                                        .chance = chance(r.bytes, r.mean),
                                        .born = seconds(p, s, r.born),
                                        .stack = r.stack,
                                        .thread = r.thread,
                                        .door = r.door & 0xff,  // the rest is libmidden's own
                                        .moves = r.moves,
                                        .site = (size_t)(site - p->site)};
    add_sample(p, &sample);
    p->sample[p->samples++] = sample;
  }
  for (size_t i = 0; i < p->sites; i++) p->site[i].live_error = sqrt(p->site[i].live_error);
  qsort(p->sample, p->samples, sizeof *p->sample, by_address);
}

static void take_modules(const struct samples *s, struct mid_profile *p) {
  uint64_t last = samples_last(s, MID_SAMPLES_MODULE);
  p->module = mid_must(calloc(last + 1, sizeof *p->module));
  p->modules = last;
  for (uint64_t n = 1; n <= last; n++) {
    struct mid_sample_module *m = &p->module[n - 1];
    samples_record(s, MID_SAMPLES_MODULE, n, m);
    m->id_bytes = mid_min(m->id_bytes, MID_SAMPLE_ID_BYTES);
    m->path[MID_SAMPLE_PATH_BYTES - 1] = 0;
  }
}

const char *mid_profile_parse(const char *at, size_t bytes, struct mid_profile *p) {
  struct samples s;
  *p = (struct mid_profile){0};
  const char *wrong = samples_open(at, bytes, &s);
  if (wrong != NULL) return wrong;
  p->pid = s.head.pid;
  p->start_ticks = s.head.start_ticks;
  p->mean = s.head.mean;
  p->mean_wanted = s.head.mean_wanted;
  p->taken = s.head.taken;
  p->thinned = s.head.thinned;
  p->lost = s.head.lost;
  take_clock(&s.head, p);
  p->now = seconds(p, &s, s.head.now_ticks);
  p->names = mid_profile_names_open();
  take_sites(&s, p);
  take_samples(&s, p);
  take_modules(&s, p);
  return NULL;
}

// ---- the file -----------------------------------------------------------------------------------

static bool file_read(int fd, char *to, size_t bytes) {
  for (size_t got = 0; got < bytes;) {
    ssize_t n = pread(fd, to + got, bytes - got, (off_t)got);
    if (n <= 0) return false;
    got += (size_t)n;
  }
  return true;
}

static bool file_read_sequence(int fd, uint64_t *out) {
  return pread(fd, out, sizeof *out, offsetof(struct mid_samples_header, sequence)) == sizeof *out;
}

// Whole, by its sequence lock: samples are thinned out under it, which takes some microseconds.  It
// is taken as it is after some tries, since its process may have died in the midst.
static bool file_load(int fd, char *to, size_t bytes) {
  for (int tries = 0; tries < 20; tries++) {
    uint64_t before, after;
    if (!file_read_sequence(fd, &before) || !file_read(fd, to, bytes) ||
        !file_read_sequence(fd, &after))
      return false;
    if (before == after && before % 2 == 0) return true;
    sched_yield();
  }
  return true;
}

const char *mid_profile_read(int fd, struct mid_profile *out) {
  struct stat s;
  *out = (struct mid_profile){0};
  if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return "it is no plain file";
  if ((uint64_t)s.st_size > MOST_FILE_BYTES) return "it is too large for a sample file";
  char *bytes = mid_must(malloc((size_t)s.st_size + 1));
  const char *wrong = file_load(fd, bytes, (size_t)s.st_size)
                          ? mid_profile_parse(bytes, (size_t)s.st_size, out)
                          : "it cannot be read";
  free(bytes);
  return wrong;
}

struct wanted {
  int64_t pid;
  uint64_t start_ticks;  // of the process that has this number now; 0: none has
  int fd;                // -1: none was found
};

// A number is used again: what an earlier process left is not of the one that has it now.
static void profile_visit(void *self, const struct mid_feed_file *file) {
  struct wanted *w = self;
  if (file->pid != w->pid || (w->start_ticks != 0 && file->start_ticks != w->start_ticks)) return;
  int fd = mid_feed_file_open_samples(file);
  if (fd < 0) return;
  if (w->fd >= 0) close(w->fd);
  w->fd = fd;
}

const char *mid_profile_of(int64_t pid, struct mid_profile *out) {
  struct mid_proc_stat now;
  bool lives = mid_proc_stat_read((pid_t)pid, &now) && !now.ended;
  struct wanted w = {.pid = pid, .start_ticks = lives ? now.start_ticks : 0, .fd = -1};
  *out = (struct mid_profile){0};
  mid_folders_walk(profile_visit, &w);
  if (w.fd < 0) return "it has no sample file: it does not run on Midden, or with sampling off";
  const char *wrong = mid_profile_read(w.fd, out);
  close(w.fd);
  return wrong;
}

void mid_profile_close(struct mid_profile *p) {
  for (size_t i = 0; i < p->sites; i++) free(p->site[i].frame);
  free(p->site);
  free(p->sample);
  free(p->module);
  free(p->word);
  mid_profile_names_close(p->names);
  *p = (struct mid_profile){0};
}

// ---- finding one --------------------------------------------------------------------------------

const struct mid_profile_sample *mid_profile_block(const struct mid_profile *p, uint64_t address) {
  const struct mid_profile_sample key = {.block = address};
  if (p->samples == 0) return NULL;
  return bsearch(&key, p->sample, p->samples, sizeof key, by_address);
}

static int by_stack(const void *a, const void *b) {
  const struct mid_profile_site *x = a, *y = b;
  return x->stack < y->stack ? -1 : x->stack > y->stack;
}

const struct mid_profile_site *mid_profile_site_of(const struct mid_profile *p, uint32_t stack) {
  const struct mid_profile_site key = {.stack = stack};
  if (p->sites == 0) return NULL;
  return bsearch(&key, p->site, p->sites, sizeof key, by_stack);
}
