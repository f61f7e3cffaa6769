// export/metrics.c -- the figures of processes as OpenMetrics, or as Prometheus' older text.
// SPDX-License-Identifier: MIT
//
// A family is contiguous: its TYPE, UNIT and HELP, then a sample for each process.  Of sites the
// twenty that hold most are told, each under a name that is the same in every scrape and run.
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "export/formats.h"
#include "export/sums.h"
#include "observe/must.h"

enum { METRICS_SITES = 20 };

struct metrics {
  const struct mid_kept *k;
  struct mid_sums *sums;  // of each process, those that hold most first
  bool openmetrics;
  FILE *out;
};

enum metrics_type { METRICS_GAUGE, METRICS_COUNTER, METRICS_INFO };

// ---- words --------------------------------------------------------------------------------------

static void metrics_escaped(const char *words, FILE *out) {
  for (; *words != 0; words++) {
    if (*words == '\n') {
      fputs("\\n", out);
      continue;
    }
    if (*words == '"' || *words == '\\') fputc('\\', out);
    fputc(*words, out);
  }
}

// The older text knows neither units nor the type info, and a counter's name has its ending.
static void metrics_family(const struct metrics *m, const char *name, enum metrics_type type,
                           const char *unit, const char *help) {
  static const char *const types[] = {"gauge", "counter", "info"};
  const char *end = m->openmetrics            ? ""
                    : type == METRICS_COUNTER ? "_total"
                    : type == METRICS_INFO    ? "_info"
                                              : "";
  const char *word = !m->openmetrics && type == METRICS_INFO ? "gauge" : types[type];
  fprintf(m->out, "# TYPE %s%s %s\n", name, end, word);
  if (m->openmetrics && *unit != 0) fprintf(m->out, "# UNIT %s %s\n", name, unit);
  fprintf(m->out, "# HELP %s%s %s\n", name, end, help);
}

// `name{pid="4711",process="redis-server"`, to which labels may be added.
static void metrics_begin(const struct metrics *m, const char *name, const char *end,
                          const struct mid_kept_process *p) {
  char program[NAME_MAX + 1];
  mid_kept_program(p, program, sizeof program);
  fprintf(m->out, "%s%s{pid=\"%" PRId64 "\",process=\"", name, end, p->pid);
  metrics_escaped(program, m->out);
  fputc('"', m->out);
}

static void metrics_end(const struct metrics *m, double value) {
  fprintf(m->out, "} %.15g\n", isfinite(value) ? value : 0);
}

static const json_t *metrics_find(const struct mid_kept_process *p, const char *part,
                                  const char *key) {
  return json_object_get(json_object_get(p->json, part), key);
}

// ---- figures of a process -----------------------------------------------------------------------

static const struct metrics_figure {
  const char *name, *part, *key;  // of the family; in the data
  enum metrics_type type;
  const char *unit, *help;
} metrics_figures[] = {
    {"midden_resident_bytes", "memory", "resident", METRICS_GAUGE, "bytes",
     "Resident memory of the process."},
    {"midden_peak_resident_bytes", "process", "peak_rss", METRICS_GAUGE, "bytes",
     "The most that was resident so far."},
    {"midden_live_bytes", "process", "live_bytes", METRICS_GAUGE, "bytes",
     "Bytes in live blocks of the heap."},
    {"midden_live_blocks", "process", "live_blocks", METRICS_GAUGE, "", "Live blocks of the heap."},
    {"midden_spans_mapped_bytes", "memory", "mapped", METRICS_GAUGE, "bytes",
     "Address space taken for spans."},
    {"midden_spans_used_bytes", "memory", "used", METRICS_GAUGE, "bytes",
     "Address space in spans that a heap owns."},
    {"midden_limit_bytes", "memory", "limit", METRICS_GAUGE, "bytes",
     "The limit of the heap; 0: there is none."},
    {"midden_allocations", "activity", "allocations", METRICS_COUNTER, "",
     "Blocks that were allocated."},
    {"midden_frees", "activity", "frees", METRICS_COUNTER, "", "Blocks that were freed."},
    {"midden_remote_frees", "activity", "remote_frees", METRICS_COUNTER, "",
     "Blocks that were freed by another thread than allocated them."},
    {"midden_refused", "activity", "refused", METRICS_COUNTER, "",
     "Allocations that were refused."},
    {"midden_requests", "activity", "requests", METRICS_COUNTER, "",
     "Requests that the program said were over."},
    {"midden_purged_bytes", "memory", "purged", METRICS_COUNTER, "bytes",
     "Bytes given back to the system."},
    {"midden_collected_bytes", "collections", "used", METRICS_GAUGE, "bytes",
     "Bytes in objects of collected heaps, after the last collection of each."},
    {"midden_collected_committed_bytes", "collections", "committed", METRICS_GAUGE, "bytes",
     "Bytes that collected heaps hold for objects."},
    {"midden_minor_collections", "collections", "minor", METRICS_COUNTER, "", "Minor collections."},
    {"midden_major_collections", "collections", "major", METRICS_COUNTER, "", "Major collections."},
    {"midden_collection_pause_seconds", "collections", "stopped_seconds", METRICS_COUNTER,
     "seconds", "Time for which collections stopped the program."},
    {"midden_collection_cpu_seconds", "collections", "cpu_seconds", METRICS_COUNTER, "seconds",
     "Processor time that collections took."},
};

static void metrics_figure(const struct metrics *m, const struct metrics_figure *f) {
  metrics_family(m, f->name, f->type, f->unit, f->help);
  for (size_t i = 0; i < m->k->count; i++) {
    const struct mid_kept_process *p = &m->k->process[i];
    metrics_begin(m, f->name, f->type == METRICS_COUNTER ? "_total" : "", p);
    metrics_end(m, json_number_value(metrics_find(p, f->part, f->key)));
  }
}

static void metrics_info(const struct metrics *m) {
  metrics_family(m, "midden_process", METRICS_INFO, "", "The command of each process.");
  for (size_t i = 0; i < m->k->count; i++) {
    metrics_begin(m, "midden_process", "_info", &m->k->process[i]);
    fputs(",command=\"", m->out);
    metrics_escaped(m->k->process[i].command, m->out);
    fputs("\"", m->out);
    metrics_end(m, 1);
  }
}

// Where the resident memory is: the parts of the report, which add up to it; `untouched` is what
// of the others is not resident.
static void metrics_parts(const struct metrics *m) {
  static const char *const parts[] = {"live_asked", "internal_waste", "free_blocks", "uncarved",
                                      "dirty",      "untouched",      "metadata",    "outside"};
  metrics_family(m, "midden_memory_bytes", METRICS_GAUGE, "bytes",
                 "Resident memory by what it is; untouched is to be taken off.");
  for (size_t i = 0; i < m->k->count; i++)
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++) {
      metrics_begin(m, "midden_memory_bytes", "", &m->k->process[i]);
      fprintf(m->out, ",part=\"%s\"", parts[n]);
      metrics_end(m, json_number_value(metrics_find(&m->k->process[i], "memory", parts[n])));
    }
}

static void metrics_spans(const struct metrics *m) {
  metrics_family(m, "midden_spans", METRICS_GAUGE, "",
                 "Spans by the size of their blocks, in bytes.");
  for (size_t i = 0; i < m->k->count; i++) {
    const json_t *classes = json_object_get(m->k->process[i].json, "classes");
    for (size_t n = 0; n < json_array_size(classes); n++) {
      const json_t *one = json_array_get(classes, n);
      metrics_begin(m, "midden_spans", "", &m->k->process[i]);
      fprintf(m->out, ",block_bytes=\"%" JSON_INTEGER_FORMAT "\"",
              json_integer_value(json_object_get(one, "block_bytes")));
      metrics_end(m, json_number_value(json_object_get(one, "spans")));
    }
  }
}

// ---- sites --------------------------------------------------------------------------------------

static int sum_holds_more(const void *a, const void *b) {
  const struct mid_sum *x = a, *y = b;
  if (x->live_bytes != y->live_bytes) return x->live_bytes < y->live_bytes ? 1 : -1;
  return x->key < y->key ? -1 : x->key > y->key;
}

static const struct metrics_site {
  const char *name;
  enum metrics_type type;
  const char *unit, *help;
  size_t value;  // in struct mid_sum
} metrics_sites[] = {
    {"midden_site_live_bytes", METRICS_GAUGE, "bytes",
     "Estimated live bytes of the sites that hold most.", offsetof(struct mid_sum, live_bytes)},
    {"midden_site_live_blocks", METRICS_GAUGE, "",
     "Estimated live blocks of the sites that hold most.", offsetof(struct mid_sum, live)},
    {"midden_site_allocated_bytes", METRICS_COUNTER, "bytes",
     "Estimated bytes that these sites have allocated.", offsetof(struct mid_sum, allocated_bytes)},
};

static void metrics_site_labels(const struct metrics *m, const struct mid_sum *sum) {
  const struct mid_profile_frame *place = mid_profile_place(sum->site);
  const char *slash = strrchr(place->file, '/');
  fprintf(m->out, ",site=\"%016" PRIx64 "\",function=\"", sum->key);
  metrics_escaped(place->function, m->out);
  fputs("\",file=\"", m->out);
  metrics_escaped(slash != NULL ? slash + 1 : place->file, m->out);
  fputs("\"", m->out);
}

static void metrics_site(const struct metrics *m, const struct metrics_site *family) {
  metrics_family(m, family->name, family->type, family->unit, family->help);
  for (size_t i = 0; i < m->k->count; i++)
    for (size_t n = 0, told = 0; n < m->sums[i].count && told < METRICS_SITES; n++) {
      const struct mid_sum *sum = &m->sums[i].at[n];
      // The smaller sites are one sum, in which sites come and go: that is no counter.
      if (!mid_kept_is_named(sum->site)) continue;
      told++;
      metrics_begin(m, family->name, family->type == METRICS_COUNTER ? "_total" : "",
                    &m->k->process[i]);
      metrics_site_labels(m, sum);
      metrics_end(m, *(const double *)((const char *)sum + family->value));
    }
}

// -------------------------------------------------------------------------------------------------

bool mid_export_metrics(const struct mid_kept *k, bool openmetrics, FILE *out) {
  struct metrics m = {.k = k, .openmetrics = openmetrics, .out = out};
  m.sums = mid_must(calloc(k->count + 1, sizeof *m.sums));
  for (size_t i = 0; i < k->count; i++) {
    m.sums[i] = mid_sums_make(&k->process[i], 1);
    if (m.sums[i].count > 0)
      qsort(m.sums[i].at, m.sums[i].count, sizeof *m.sums[i].at, sum_holds_more);
  }
  metrics_info(&m);
  for (size_t i = 0; i < sizeof metrics_figures / sizeof *metrics_figures; i++)
    metrics_figure(&m, &metrics_figures[i]);
  metrics_parts(&m);
  metrics_spans(&m);
  for (size_t i = 0; i < sizeof metrics_sites / sizeof *metrics_sites; i++)
    metrics_site(&m, &metrics_sites[i]);
  if (openmetrics) fputs("# EOF\n", out);
  for (size_t i = 0; i < k->count; i++) mid_sums_close(&m.sums[i]);
  free(m.sums);
  return !ferror(out);
}
