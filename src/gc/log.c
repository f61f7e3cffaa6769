// gc/log.c -- what collections tell: a log as the JVM writes it, and the figures of the feed.
// SPDX-License-Identifier: MIT
//
// The lines are those of OpenJDK 17's unified logging for its Serial collector, names and causes
// and all, so that what reads its logs reads these: GCViewer knows events by their whole name, and
// gctoolkit knows pools by the names DefNew and Tenured.  What the JVM has no line for has the tag
// gc,midden, which both pass over.
//
//   level 1   [0.161s][info][gc] GC(0) Pause Young (Allocation Failure) 17M->8M(61M) 13.864ms
//   level 2   and start, age, heap, cpu, midden; tags are padded to the widest
//
// Called with the world stopped, by one heap at a time: no lock, no malloc.
#include <fcntl.h>
#include <string.h>

#include "base/options.h"
#include "base/text.h"
#include "gc/gc.h"
#include "gc/pauses.h"
#include "gc/told.h"
#include "os/call.h"

enum { LOG_NONE, LOG_LINES, LOG_PHASES };  // as option gc_log
_Static_assert(LOG_PHASES == MID_OPTION_GC_LOG_V, "the option is the level");

// A collection tries the lock, and does not tell when the exit has it.
struct log {
  midden_gc *gc;
  struct mid_lock lock;
  int level;
  long process;  // a forked child has no log, or two processes would write one
  bool to_file;
  char path[4096];
  struct mid_gc_shares shares;  // of the feed's figures
  struct mid_pauses pauses;
  struct mid_text text;
  char room[8192];
};

static bool log_is_on(const struct log *log) {
  return log->level != LOG_NONE && log->process == mid_call(SYS_getpid);
}

// ---- lines ----

static void log_begin(struct log *log) { log->text = mid_text_open(log->room, sizeof log->room); }

// With `digits` behind the point, rounded.
static void log_decimal(struct log *log, double value, unsigned digits) {
  uint64_t unit = 1;
  for (unsigned i = 0; i < digits; i++) unit *= 10;
  uint64_t n = (uint64_t)((value > 0 ? value : 0) * (double)unit + 0.5);
  mid_text_number(&log->text, n / unit);
  mid_text_add(&log->text, ".");
  for (uint64_t place = unit / 10; place > 1 && n % unit < place; place /= 10)
    mid_text_add(&log->text, "0");
  mid_text_number(&log->text, n % unit);
}

static void log_ms(struct log *log, const char *before, double seconds) {
  mid_text_add(&log->text, before);
  log_decimal(log, seconds * 1e3, 3);
  mid_text_add(&log->text, "ms");
}

// Padded to the widest, where there are several.
static void log_tag(struct log *log, const char *tag, size_t widest) {
  mid_text_add(&log->text, tag);
  for (size_t width = strlen(tag); width < widest && log->level > LOG_LINES; width++)
    mid_text_add(&log->text, " ");
}

static void log_line(struct log *log, double at, const char *level, const char *tags) {
  mid_text_add(&log->text, "[");
  log_decimal(log, at, 3);
  mid_text_add(&log->text, "s][");
  log_tag(log, level, strlen("debug"));
  mid_text_add(&log->text, "][");
  log_tag(log, tags, strlen("gc,midden"));
  mid_text_add(&log->text, "] ");
}

static void log_line_of(struct log *log, double at, const char *level, const char *tags,
                        const midden_gc_collection *c) {
  log_line(log, at, level, tags);
  mid_text_add(&log->text, "GC(");
  mid_text_number(&log->text, c->number);
  mid_text_add(&log->text, ") ");
}

static void log_end_line(struct log *log) { mid_text_add(&log->text, "\n"); }

static void log_number(struct log *log, const char *before, uint64_t n, const char *behind) {
  mid_text_add(&log->text, before);
  mid_text_number(&log->text, n);
  mid_text_add(&log->text, behind);
}

// To the file by its path, since a program may close descriptors that it does not know.
static void log_write(const struct log *log) {
  if (!log->to_file) return mid_text_say(&log->text);
  int fd = (int)mid_call(SYS_openat, AT_FDCWD, log->path, O_WRONLY | O_CLOEXEC | O_APPEND);
  if (fd < 0) return;
  mid_text_write(&log->text, fd);
  mid_call(SYS_close, fd);
}

// ---- a collection ----

static void log_name(struct log *log, const midden_gc_collection *c) {
  mid_text_add(&log->text, c->scope == MIDDEN_GC_MINOR ? "Pause Young (" : "Pause Full (");
  mid_text_add(&log->text, c->cause);
  mid_text_add(&log->text, ")");
}

static void log_megabytes(struct log *log, uint64_t bytes, const char *behind) {
  log_number(log, "", bytes >> 20, behind);
}

static void log_pause(struct log *log, const midden_gc_collection *c) {
  log_line_of(log, c->at + c->pause, "info", "gc", c);
  log_name(log, c);
  mid_text_add(&log->text, " ");
  log_megabytes(log, c->before, "M->");
  log_megabytes(log, c->after, "M(");
  log_megabytes(log, c->committed, "M)");
  log_ms(log, " ", c->pause);
  log_end_line(log);
}

// NAME: 17472K(19648K)->2175K(19648K)
static void log_pool(struct log *log, const char *name, uint64_t before, uint64_t after,
                     uint64_t room) {
  mid_text_add(&log->text, name);
  log_number(log, ": ", before >> 10, "K(");
  log_number(log, "", room >> 10, "K)->");
  log_number(log, "", after >> 10, "K(");
  log_number(log, "", room >> 10, "K)");
}

static void log_heap(struct log *log, const midden_gc_collection *c) {
  double now = c->at + c->pause;
  if (log->gc->plan->generations) {
    log_line_of(log, now, "info", "gc,heap", c);
    // A pool is full of whole blocks, so it may hold a little more than was planned.  As the JVM
    // has it, of the two survivor spaces one is always empty, and not counted.
    uint64_t eden = mid_max(c->eden, c->eden_before);
    uint64_t from = mid_max(c->survivor, mid_max(c->survivor_before, c->survivor_after));
    log_pool(log, "DefNew", c->young_before, c->young_after, eden + from);
    log_pool(log, " Eden", c->eden_before, 0, eden);
    log_pool(log, " From", c->survivor_before, c->survivor_after, from);
    log_end_line(log);
  }
  log_line_of(log, now, "info", "gc,heap", c);
  log_pool(log, "Tenured", c->old_before, c->old_after,
           mid_max(c->old, mid_max(c->old_before, c->old_after)));
  log_end_line(log);
}

static void log_seconds(struct log *log, const char *before, double seconds) {
  mid_text_add(&log->text, before);
  log_decimal(log, seconds, 2);
  mid_text_add(&log->text, "s");
}

static void log_cpu(struct log *log, const midden_gc_collection *c) {
  log_line_of(log, c->at + c->pause, "info", "gc,cpu", c);
  log_seconds(log, "User=", c->user);
  log_seconds(log, " Sys=", c->system);
  log_seconds(log, " Real=", c->pause);
  log_end_line(log);
}

static void log_padded(struct log *log, uint64_t n, int width) {
  uint64_t rest = n;
  for (int digits = 1; digits < width; digits++)
    if ((rest /= 10) == 0) mid_text_add(&log->text, " ");
  mid_text_number(&log->text, n);
}

// How old what survived is, and at which age the next collection promotes.
static void log_ages(struct log *log, const midden_gc_collection *c) {
  const midden_gc *gc = log->gc;
  double now = c->at + c->pause;
  log_line_of(log, now, "debug", "gc,age", c);
  log_number(log, "Desired survivor size ", c->survivor / 2, " bytes, new threshold ");
  log_number(log, "", c->tenuring, " (max threshold ");
  log_number(log, "", gc->max_tenuring, ")");
  log_end_line(log);
  log_line_of(log, now, "trace", "gc,age", c);
  log_number(log, "Age table with threshold ", c->tenuring, " (max threshold ");
  log_number(log, "", gc->max_tenuring, ")");
  log_end_line(log);
  uint64_t sum = 0;
  for (unsigned age = 1; age <= MID_GC_AGE_MOST; age++) {
    if (gc->survived[age] == 0) continue;
    sum += gc->survived[age];
    log_line_of(log, now, "trace", "gc,age", c);
    mid_text_add(&log->text, "- age ");
    log_padded(log, age, 3);
    mid_text_add(&log->text, ": ");
    log_padded(log, gc->survived[age], 10);
    mid_text_add(&log->text, " bytes, ");
    log_padded(log, sum, 10);
    mid_text_add(&log->text, " total");
    log_end_line(log);
  }
}

// What the JVM has no line for.
static void log_own(struct log *log, const midden_gc_collection *c) {
  double now = c->at + c->pause;
  log_line_of(log, now, "info", "gc,midden", c);
  log_ms(log, "Phases: reach ", c->reach);
  log_ms(log, ", roots ", c->roots);
  log_ms(log, ", trace ", c->trace);
  log_ms(log, ", weak ", c->weak);
  log_ms(log, ", sweep ", c->sweep);
  log_end_line(log);
  log_line_of(log, now, "info", "gc,midden", c);
  log_number(log, "Work: ", c->marked, " objects found, ");
  log_number(log, "", c->copied >> 10, "K copied, ");
  log_number(log, "", c->promoted >> 10, "K promoted, ");
  log_number(log, "", c->remembered, " remembered, ");
  log_number(log, "", c->pinned_blocks, " blocks pinned, ");
  log_number(log, "", c->evacuated_blocks, " evacuated");
  log_end_line(log);
}

static void log_collection(struct log *log, const midden_gc_collection *c) {
  log_begin(log);
  if (log->level > LOG_LINES) {
    log_line_of(log, c->at, "info", "gc,start", c);
    log_name(log, c);
    log_end_line(log);
    if (c->scope == MIDDEN_GC_MINOR) log_ages(log, c);
    log_heap(log, c);
  }
  log_pause(log, c);
  if (log->level > LOG_LINES) {
    log_cpu(log, c);
    log_own(log, c);
  }
  log_write(log);
}

// ---- the end ----

static void log_pauses(struct log *log, const struct mid_pauses *p, double now) {
  log_line(log, now, "info", "gc,midden");
  log_number(log, "Pauses: ", p->count, "");
  log_ms(log, ", p50 ", (double)mid_pauses_percentile(p, 500000) / 1e9);
  log_ms(log, ", p90 ", (double)mid_pauses_percentile(p, 900000) / 1e9);
  log_ms(log, ", p99 ", (double)mid_pauses_percentile(p, 990000) / 1e9);
  log_ms(log, ", max ", (double)p->longest / 1e9);
  log_ms(log, ", sum ", (double)p->stopped / 1e9);
  log_end_line(log);
}

static void log_utilisation(struct log *log, const struct mid_pauses *p, double now) {
  uint64_t ns = (uint64_t)(now * 1e9);
  for (unsigned k = 0; k < MID_FEED_WINDOWS; k++) {
    uint64_t least = mid_pauses_least(p, k, ns);
    if (least == UINT64_MAX) break;
    log_line(log, now, "info", "gc,midden");
    log_number(log, "Mutator utilisation in ", mid_feed_window_ns(k) / 1000000, "ms: least ");
    log_decimal(log, (double)least / 1e4, 1);
    log_number(log, "%, p1 ", mid_pauses_utilisation(p, k, ns, 10000), "%");
    log_number(log, ", p50 ", mid_pauses_utilisation(p, k, ns, 500000), "%");
    log_end_line(log);
  }
}

static void log_finish(midden_gc *gc) {
  struct log *log = gc->told;
  if (log == NULL) return;
  mid_lock_take(&log->lock);
  double now = (double)(mid_os_nanoseconds() - gc->opened_ns) / 1e9;
  if (log_is_on(log) && log->level > LOG_LINES && log->pauses.count > 0) {
    log_begin(log);
    log_pauses(log, &log->pauses, now);
    log_utilisation(log, &log->pauses, now);
    log_write(log);
  }
  log->level = LOG_NONE;
  mid_lock_give(&log->lock);
}

// Of the heaps that were not closed.
__attribute__((destructor)) static void log_finish_all(void) {
  mid_lock_hurry(true);  // exit may have been called from a signal handler, amid a collection
  mid_gc_each_heap(log_finish);
  mid_lock_hurry(false);
}

// ---- where to ----

// The words of MIDDEN_GC_LOG, %p in them being the process's number; the second heap of a process
// has ".2" behind them, and so on.
static bool log_path(struct log *log, const char *words, uint64_t heap) {
  struct mid_text path = mid_text_open(log->path, sizeof log->path);
  if (words[0] != '/') {  // the program may change its directory
    long bytes = mid_call(SYS_getcwd, log->path, sizeof log->path);
    if (bytes > 0) path.at += bytes - 1, mid_text_add(&path, "/");
  }
  for (const char *p = words; *p != 0; p++) {
    char one[] = {*p, 0};
    if (p[0] == '%' && p[1] == 'p')
      mid_text_number(&path, (uint64_t)log->process), p++;
    else
      mid_text_add(&path, one);
  }
  if (heap > 1) mid_text_add(&path, "."), mid_text_number(&path, heap);
  return !path.cut;
}

static void log_refused(const char *path) {
  char room[4400];
  struct mid_text t = mid_text_open(room, sizeof room);
  mid_text_add(&t, "midden: MIDDEN_GC_LOG: '");
  mid_text_add(&t, path);
  mid_text_add(&t, "' cannot be written: name a file that this process may make\n");
  mid_text_say(&t);
}

// Whether there is a file to write to, which is then empty.
static bool log_start_file(struct log *log, uint64_t heap) {
  const char *words = mid_os_environment("MIDDEN_GC_LOG");
  if (words == NULL || words[0] == 0) return false;
  if (!log_path(log, words, heap)) return log_refused(log->path), false;
  const int how = O_WRONLY | O_CLOEXEC | O_CREAT | O_TRUNC;
  int fd = (int)mid_call(SYS_openat, AT_FDCWD, log->path, how, 0666);
  if (fd < 0) return log_refused(log->path), false;
  mid_call(SYS_close, fd);
  return true;
}

static void log_first_lines(struct log *log) {
  log_begin(log);
  log_line(log, 0, "info", "gc");
  mid_text_add(&log->text, "Using Serial");
  log_end_line(log);
  if (log->level > LOG_LINES) {
    log_line(log, 0, "info", "gc,midden");
    mid_text_add(&log->text, "Collector ");
    mid_text_add(&log->text, log->gc->plan->name);
    mid_text_add(&log->text, ", after ");
    mid_text_add(&log->text, log->gc->plan->source);
    log_end_line(log);
  }
  log_write(log);
}

void mid_gc_tell_open(midden_gc *gc) {
  struct log *log = mid_os_map(NULL, mid_round_up(sizeof *log, mid_os_page_bytes()));
  gc->told = log;
  if (log == NULL) return;
  log->gc = gc;
  log->process = mid_call(SYS_getpid);
  log->to_file = log_start_file(log, mid_gc_shares_open());
  log->level = (int)mid_options.gc_log;
  if (log->to_file && log->level == LOG_NONE) log->level = LOG_PHASES;
  if (log->level != LOG_NONE) log_first_lines(log);
}

void mid_gc_tell(midden_gc *gc, const midden_gc_collection *c) {
  struct log *log = gc->told;
  if (log == NULL) return;
  if (mid_lock_try(&log->lock)) {
    if (log_is_on(log)) {
      uint64_t from = (uint64_t)(c->at * 1e9);
      mid_pauses_add(&log->pauses, from, from + (uint64_t)(c->pause * 1e9));
      log_collection(log, c);
    }
    mid_lock_give(&log->lock);
  }
  mid_gc_shares_tell(&log->shares, gc, c);
}

void mid_gc_tell_close(midden_gc *gc) {
  struct log *log = gc->told;
  if (log == NULL) return;
  log_finish(gc);
  mid_gc_shares_close(&log->shares);
  mid_os_unmap(log, mid_round_up(sizeof *log, mid_os_page_bytes()));
  gc->told = NULL;
}
