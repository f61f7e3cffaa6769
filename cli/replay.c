// cli/replay.c -- `midden replay`: a recorded workload again, under each of many allocators.
// SPDX-License-Identifier: MIT
//
// Each row is run once to see what memory it takes, and then `rounds` times to see how long, one
// row after the other in each round, so that a machine that is slow for a while is slow for all.
// The same is done with calls that do nothing, in either mode that rows have; what that took is
// taken off.
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocators.h"
#include "base/text.h"
#include "cli.h"
#include "file.h"
#include "observe/words.h"
#include "replayer.h"
#include "status.h"
#include "trace/contest.h"

enum {
  REPLAY_UNDER,
  REPLAY_ROUNDS,
  REPLAY_LIMIT,
  REPLAY_TIME_LIMIT,
  REPLAY_TOUCH,
  REPLAY_VERIFY,
  REPLAY_PROCESS,
  REPLAY_REGION,
  REPLAY_BARE,
  REPLAY_ADDRESSES,
  REPLAY_JSON,
  REPLAY_SVG
};  // places in the verb's table

enum { TIMES_FASTEST = 10, SECONDS_LEAST = 10 };

// One way of running the plan: an allocator, or nothing.
struct entry {
  struct cli_allocator *allocator;  // NULL: no-op
  bool in_order;
  double seconds[MID_CONTEST_ROUNDS_MOST];
  struct mid_errand *errand;  // of the round that measures; kept
  char failure[200];
  uint64_t failed;
};

struct replay {
  const char *name, *under, *json, *svg;
  uint32_t process, flags;
  uint64_t limit, region;
  double seconds;  // 0: TIMES_FASTEST
  unsigned rounds;

  struct mid_trace *trace;
  struct mid_planned planned;
  struct cli_allocator *allocator;
  struct entry *entry;  // those of the allocators, then the no-ops
  size_t entries, allocators;
  struct entry *empty[2];  // the no-ops: by dependence, in order; NULL: none needs it
  struct cli_status line;
  double fastest;  // processor seconds of a run so far, in this round; 0: none
  struct mid_contest contest;
};

// ---- the command line ---------------------------------------------------------------------------

static uint64_t replay_number(const char *words, uint64_t most, const char *what) {
  char *end;
  errno = 0;
  unsigned long long n = strtoull(words, &end, 10);
  if (words[0] < '0' || words[0] > '9' || *end != 0 || errno != 0 || n == 0 || n > most)
    cli_die(CLI_USAGE, "'%s' is no %s: give 1 to %" PRIu64, words, what, most);
  return n;
}

static uint64_t replay_size(const char *words, uint64_t least) {
  uint64_t n;
  if (!mid_text_read_size(words, strlen(words), &n) || n < least)
    cli_die(CLI_USAGE, "'%s' is not a size of %" PRIu64 " or more: give it as 4096, 500M or 2G",
            words, least);
  return n;
}

static void replay_read_option(struct replay *r, int option, const char *value) {
  if (option == REPLAY_UNDER) r->under = value;
  if (option == REPLAY_JSON) r->json = value;
  if (option == REPLAY_SVG) r->svg = value;
  if (option == REPLAY_VERIFY) r->flags |= MID_REPLAY_VERIFY;
  if (option == REPLAY_BARE) r->flags |= MID_REPLAY_BARE;
  if (option == REPLAY_ADDRESSES) r->flags |= MID_REPLAY_ADDRESSES;
  if (option == REPLAY_LIMIT) r->limit = replay_size(value, 1 << 20);
  if (option == REPLAY_REGION) r->region = replay_size(value, 64);
  if (option == REPLAY_PROCESS) r->process = (uint32_t)replay_number(value, UINT32_MAX, "process");
  if (option == REPLAY_ROUNDS)
    r->rounds = (unsigned)replay_number(value, MID_CONTEST_ROUNDS_MOST, "number of rounds");
  if (option == REPLAY_TIME_LIMIT) {
    r->seconds = cli_read_seconds(value);
    if (r->seconds <= 0) cli_die(CLI_USAGE, "'%s' is no time to run in: give 1s or more", value);
  }
  if (option == REPLAY_TOUCH) {
    if (strcmp(value, "all") != 0 && strcmp(value, "ends") != 0)
      cli_die(CLI_USAGE, "--touch cannot be '%s': give ends or all", value);
    r->flags &= ~(uint32_t)MID_REPLAY_TOUCH_ALL;
    if (value[0] == 'a') r->flags |= MID_REPLAY_TOUCH_ALL;
  }
}

static void replay_arguments(struct replay *r, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  r->rounds = 3;
  r->limit = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE);
  // Options may stand behind the file too.
  for (int part = 0; part < 2; part++) {
    for (int option; (option = cli_args_next(&args)) >= 0;)
      replay_read_option(r, option, args.value);
    if (part == 0 && args.at == argc)
      cli_die(CLI_USAGE, "a trace is missing: midden replay [OPTION]... TRACE");
    if (part == 0) r->name = argv[args.at++];
  }
  cli_args_end(&args);
  cli_file_require(r->json);
  cli_file_require(r->svg);
}

static void replay_read_trace(struct replay *r) {
  const char *why;
  r->trace = mid_trace_open(r->name, &why);
  if (r->trace == NULL) cli_die(CLI_FAILED, "'%s' cannot be read: %s", r->name, why);
  if (r->process == 0) r->process = mid_plan_busiest(r->trace);
  why = mid_plan_make(r->trace, r->process, &r->planned);
  if (why != NULL)
    cli_die(CLI_FAILED, "process %u of '%s' cannot be replayed: %s", r->process, r->name, why);
  const char *damage = mid_trace_damage(r->trace);
  if (damage != NULL) cli_say("'%s' is replayed as far as it goes: %s", r->name, damage);
}

// ---- running ------------------------------------------------------------------------------------

static struct entry *add_entry(struct replay *r, struct cli_allocator *a, bool in_order) {
  struct entry *e = &r->entry[r->entries++];
  e->allocator = a;
  e->in_order = in_order;
  return e;
}

static void make_entries(struct replay *r) {
  r->entry = calloc(r->allocators + 2, sizeof *r->entry);
  if (r->entry == NULL) cli_die(CLI_FAILED, "no memory for the rows");
  bool needed[2] = {false, false};
  for (size_t i = 0; i < r->allocators; i++) {
    bool in_order = r->allocator[i].policy != NULL;
    add_entry(r, &r->allocator[i], in_order);
    needed[in_order] = true;
  }
  for (int in_order = 0; in_order < 2; in_order++)
    if (needed[in_order]) r->empty[in_order] = add_entry(r, NULL, in_order);
}

static void show_progress(struct replay *r, const struct entry *e, unsigned round) {
  char words[160];
  snprintf(words, sizeof words, "replaying, round %u of %u: %s", round + 1, r->rounds + 1,
           e->allocator == NULL ? "no calls" : e->allocator->name);
  cli_status_show(&r->line, words);
}

static void run_entry(struct replay *r, struct entry *e, unsigned round) {
  const struct cli_allocator *a = e->allocator;
  uint32_t flags = r->flags & (MID_REPLAY_TOUCH_ALL | MID_REPLAY_BARE);
  if (round == 0) flags |= MID_REPLAY_MEASURE;
  if (round == 0 && a != NULL) flags |= r->flags & (MID_REPLAY_VERIFY | MID_REPLAY_ADDRESSES);
  if (e->in_order) flags |= MID_REPLAY_IN_ORDER;
  double least = r->fastest * TIMES_FASTEST;
  struct cli_replayer run = {
      .planned = &r->planned,
      .library = a == NULL ? "" : a->library,
      .options = a == NULL ? "" : a->options,
      .allocator = a == NULL           ? "no-op"
                   : a->policy == NULL ? "malloc"
                                       : a->policy,
      .flags = flags,
      .region = r->region,
      .most = a == NULL ? UINT64_MAX : r->limit,
      .seconds = r->seconds > 0    ? r->seconds
                 : r->fastest == 0 ? 1e9
                                   : least,
  };
  if (r->seconds == 0 && run.seconds < SECONDS_LEAST) run.seconds = SECONDS_LEAST;
  cli_replayer_run(&run);
  if (a != NULL && run.failure[0] == 0 && (r->fastest == 0 || run.took < r->fastest))
    r->fastest = run.took;
  if (round == 0)
    e->errand = run.errand;
  else
    e->seconds[round - 1] = (double)run.errand->ns / 1e9;
  memcpy(e->failure, run.failure, sizeof e->failure);
  if (e->failure[0] != 0) e->failed = run.done < r->planned.plan->ops ? run.done + 1 : run.done;
  if (round > 0) cli_replayer_close(&run);
}

static void run_all(struct replay *r) {
  r->line = cli_status_open(STDERR_FILENO, isatty(STDERR_FILENO));
  for (unsigned round = 0; round <= r->rounds; round++) {
    r->fastest = 0;
    for (size_t i = 0; i < r->entries; i++) {
      if (r->entry[i].failure[0] != 0) continue;
      show_progress(r, &r->entry[i], round);
      run_entry(r, &r->entry[i], round);
      if (r->entry[i].failure[0] != 0 && r->entry[i].allocator == NULL)
        cli_die(CLI_FAILED, "the replay cannot run even without calls: %s", r->entry[i].failure);
    }
  }
  cli_status_hide(&r->line);
}

// ---- figures ------------------------------------------------------------------------------------

// Whatever else the machine does adds to a time and never takes from it.
static double least_of(const double *values, unsigned count) {
  double least = values[0];
  for (unsigned i = 1; i < count; i++)
    if (values[i] < least) least = values[i];
  return least;
}

static double share_lost(uint64_t part, uint64_t whole) {
  return whole > part ? 1 - (double)part / (double)whole : 0;
}

static uint64_t replay_less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

static void make_row(const struct replay *r, const struct entry *e, struct mid_row *row) {
  const struct entry *empty = r->empty[e->in_order];
  const struct mid_errand *m = e->errand, *none = empty->errand;
  *row = (struct mid_row){.policy = e->allocator->policy != NULL};
  snprintf(row->name, sizeof row->name, "%s", e->allocator->name);
  snprintf(row->failure, sizeof row->failure, "%s", e->failure);
  row->failures = m->failures;
  row->failed = e->failure[0] != 0 ? e->failed : m->failures > 0 ? m->failed : 0;
  double seconds = least_of(e->seconds, r->rounds) - least_of(empty->seconds, r->rounds);
  row->seconds = seconds > 0 ? seconds : 0;
  uint64_t base = none->samples == 0 ? 0 : none->rss_sum / none->samples;
  row->peak_rss = replay_less(m->rss_peak, base);
  row->mean_rss = m->samples == 0 ? 0 : replay_less(m->rss_sum / m->samples, base);
  row->extent = m->extent_peak;
  row->external = share_lost(m->used_sum, m->extent_sum);
  row->internal = share_lost(m->live_sum, m->used_sum);
  row->knows_internal = m->knows_usable;
}

static void make_contest(struct replay *r) {
  struct mid_contest *c = &r->contest;
  c->trace = r->name;
  c->command = mid_trace_process(r->trace, r->process).command;
  c->planned = &r->planned;
  c->processes = mid_trace_processes(r->trace);
  c->rounds = r->rounds;
  c->row = calloc(r->allocators, sizeof *c->row);
  if (c->row == NULL) cli_die(CLI_FAILED, "no memory for the rows");
  for (size_t i = 0; i < r->allocators; i++) make_row(r, &r->entry[i], &c->row[c->rows++]);
  mid_contest_judge(c);
}

// ---- addresses ----------------------------------------------------------------------------------

static void print_address(const struct entry *e, uint64_t op) {
  uint64_t address = e->errand->address[op];
  if (address == MID_REPLAY_NOWHERE)
    printf(" %14s", "refused");
  else
    printf(" %14" PRIu64, address);
}

// A block is called by the number of its birth here.
static void print_addresses(const struct replay *r) {
  const struct mid_plan *plan = r->planned.plan;
  const struct mid_plan_op *op = mid_plan_part(plan, plan->order_at);
  uint64_t *birth = calloc(plan->slots, sizeof *birth), births = 0;
  if (birth == NULL) cli_die(CLI_FAILED, "no memory for addresses");
  printf("%10s  %-7s %10s %10s ", "EVENT", "", "BLOCK", "BYTES");
  for (size_t i = 0; i < r->allocators; i++) printf(" %14s", r->allocator[i].name);
  for (uint64_t i = 0; i < plan->ops; i++) {
    bool dies = op[i].kind == MID_PLAN_FREE, resized = op[i].kind == MID_PLAN_RESIZE;
    if (!dies && !resized) birth[op[i].slot] = ++births;
    printf("\n%10" PRIu64 "  %-7s %10" PRIu64, i + 1,
           dies      ? "free"
           : resized ? "resize"
                     : "alloc",
           birth[op[i].slot]);
    if (dies) continue;
    printf(" %10" PRIu64 " ", (uint64_t)op[i].bytes);
    for (size_t k = 0; k < r->allocators; k++) print_address(&r->entry[k], i);
  }
  puts("\n");
  free(birth);
}

// ---- the verb -----------------------------------------------------------------------------------

static bool replay_print_json(const void *self, FILE *out) { return mid_contest_json(self, out); }

static bool replay_print_svg(const void *self, FILE *out) {
  mid_contest_svg(self, out);
  return true;
}

static void replay_write(const struct replay *r, const char *name,
                         bool (*print)(const void *, FILE *)) {
  int error = name == NULL ? 0 : cli_file_write(name, print, &r->contest);
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", name, strerror(error));
}

int cli_replay(int argc, char **argv) {
  static struct replay r;
  bool any = false;
  setlocale(LC_CTYPE, "");
  replay_arguments(&r, argc, argv);
  struct mid_report_style style = cli_style(STDOUT_FILENO);
  bool with_region = r.region != 0 || (r.flags & (MID_REPLAY_BARE | MID_REPLAY_ADDRESSES)) != 0;
  r.allocator = cli_allocators_read(r.under, with_region, &r.allocators);
  replay_read_trace(&r);
  make_entries(&r);
  run_all(&r);
  make_contest(&r);
  if (r.flags & MID_REPLAY_ADDRESSES) print_addresses(&r);
  mid_contest_text(&r.contest, &style, stdout);
  replay_write(&r, r.json, replay_print_json);
  replay_write(&r, r.svg, replay_print_svg);
  for (size_t i = 0; i < r.contest.rows; i++) any |= r.contest.row[i].failure[0] == 0;
  mid_plan_close(&r.planned);
  mid_trace_close(r.trace);
  return any ? 0 : CLI_FAILED;
}
