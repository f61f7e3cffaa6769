// cli/looks.c -- see looks.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "looks.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/options.h"
#include "cli.h"
#include "graph/holders.h"
#include "observe/finding_limits.h"

// ---- the looking thread -------------------------------------------------------------------------

static void draw(struct cli_looks *l) {
  char words[512];
  if (!l->watch.process[0]->lives) return;  // it ended just now
  mid_report_line(&l->watch, cli_status_columns(l->line), words, sizeof words);
  cli_status_show(l->line, words);
}

// What a look takes counts for the cgroup as well, where the program may have left little: a look
// must not be what has it killed.  Names are unpacked from debugging information.
// part  of what is live, that the look takes
static bool has_room(struct cli_looks *l, const struct mid_process *p, double part) {
  enum { NAMES_BYTES = 32 << 20 };
  pthread_mutex_lock(&l->lock);
  uint64_t limit = l->cgroup.limit, used = limit == 0 ? 0 : mid_cgroup_used(&l->cgroup);
  uint64_t live = mid_image_live(&p->image);
  pthread_mutex_unlock(&l->lock);
  return limit == 0 || (used < limit && (double)(limit - used) > NAMES_BYTES + part * (double)live);
}

// Whether live memory is more than it was early in the run, so that one may ask who holds it.
static bool has_risen(struct cli_looks *l, const struct mid_process *p) {
  pthread_mutex_lock(&l->lock);
  const struct mid_history *h = p->history;
  bool risen = h != NULL && h->looks > 0 &&
               h->look[h->looks - 1].when >= MID_GROWING_LIKELY_SECONDS &&
               (double)mid_image_live(&p->image) >= h->look[h->looks / 5].live + MID_GROWING_BYTES;
  pthread_mutex_unlock(&l->lock);
  return risen;
}

// Whether the kernel killed it for memory, which it then wants at once, also from us.
static bool is_wanted_back(struct cli_looks *l, const struct mid_tracer_end *end) {
  pthread_mutex_lock(&l->lock);
  bool fresh = l->cgroup.path[0] == 0;  // it ended before its cgroup was looked for
  if (fresh) mid_cgroup_follow(l->child->pid, &l->cgroup);
  bool wanted = end != NULL && end->killed && (fresh || mid_cgroup_new_kills(&l->cgroup) > 0);
  pthread_mutex_unlock(&l->lock);
  return wanted;
}

static void take(struct cli_looks *l, struct mid_process *p, const struct mid_tracer_end *end) {
  static const double walk = 0.25, graph = 2;
  pthread_mutex_lock(&l->looking);
  bool wanted = is_wanted_back(l, end), who = !wanted && has_risen(l, p) && has_room(l, p, graph);
  if (wanted)
    mid_last_look_skip(p, "the kernel killed it for its memory and wants that back at once");
  else if (has_room(l, p, walk))
    mid_last_look_take(p, end, l->symbols, who ? mid_holders_take : NULL);
  else
    mid_last_look_skip(p, "its cgroup has too little room left for that");
  pthread_mutex_unlock(&l->looking);
}

// A hundredth of the time may go into warnings.
static double warn(struct cli_looks *l, double now) {
  struct timespec before, after;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  cli_gate_warn(l->gate, &l->watch);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  return now + 2 +
         100 * ((double)(after.tv_sec - before.tv_sec) +
                (double)(after.tv_nsec - before.tv_nsec) / 1e9);
}

// The program is traced by the main thread, which therefore has to look at it.
static void ask_main(struct cli_looks *l) {
  l->asked = true;
  if (!l->over) pthread_kill(l->main, SIGCHLD);
  sem_wait(&l->answered);
}

// The watch was just told of it, with the lock held.
static void last_look(void *self, struct mid_process *p) {
  struct cli_looks *l = self;
  pthread_mutex_unlock(&l->lock);
  if (p == l->watch.process[0])
    ask_main(l);
  else
    take(l, p, NULL);
  pthread_mutex_lock(&l->lock);
}

static void look(struct cli_looks *l) {
  mid_watch_look(&l->watch);
  mid_cgroup_follow(l->child->pid, &l->cgroup);
  l->watch.limit = l->cgroup.limit;
}

static void *look_on(void *self) {
  struct cli_looks *l = self;
  double drawn = 0, next = 0, warned = 2;
  while (!l->over) {
    double now = mid_watch_seconds(&l->watch);
    pthread_mutex_lock(&l->lock);
    if (now >= next) look(l), next = now + mid_watch_delay(&l->watch);
    if (l->line->wanted && now > warned) warned = warn(l, now);
    if (l->line->wanted && now - drawn > 0.3) draw(l), drawn = now;
    pthread_mutex_unlock(&l->lock);
    now = mid_watch_seconds(&l->watch);
    mid_bell_wait(&l->bell, next > now ? next - now : 0);
    pthread_mutex_lock(&l->lock);
    mid_watch_last_looks(&l->watch, last_look, l);
    pthread_mutex_unlock(&l->lock);
  }
  return NULL;
}

// ---- the main thread ----------------------------------------------------------------------------

static void at_end(void *self, const struct mid_tracer_end *end) {
  struct cli_looks *l = self;
  pthread_mutex_lock(&l->lock);
  l->watch.process[0]->profile_next = 0;
  mid_watch_look(&l->watch);
  pthread_mutex_unlock(&l->lock);
  take(l, l->watch.process[0], end);
}

static void attend(void *self) {
  struct cli_looks *l = self;
  mid_tracer_attend(&l->tracer);
  if (!l->asked) return;
  // What is left of it are destructors of libraries: it need not be traced any longer.
  mid_tracer_close(&l->tracer);
  take(l, l->watch.process[0], NULL);
  l->asked = false;
  sem_post(&l->answered);
}

static void trace(void *self, pid_t pid) {
  struct cli_looks *l = self;
  const struct mid_program *p = &l->child->program;
  if (!l->diagnose && (!l->wanted || p->secure || p->foreign || (p->elf && p->is_static))) return;
  l->refused = mid_tracer_open(&l->tracer, pid, l->diagnose, at_end, l);
}

void cli_looks_prepare(struct cli_looks *l, uint64_t run, const char *options,
                       struct cli_child *child) {
  struct mid_options o = mid_options_default;
  char room[256];
  struct mid_text why = mid_text_open(room, sizeof room);
  l->wanted = mid_options_read(&o, options, &why) && o.last_look != 0;
  mid_bell_open(&l->bell, run);
  l->child = child;
  child->before = trace;
  child->self = l;
}

void cli_looks_go(struct cli_looks *l, uint64_t run, struct cli_status *line) {
  struct cli_child *child = l->child;
  l->line = line;
  l->main = pthread_self();
  l->symbols = mid_symbols_open();
  pthread_mutex_init(&l->looking, NULL);
  sem_init(&l->answered, 0, 0);
  pthread_mutex_init(&l->lock, NULL);
  child->attend = attend;
  mid_watch_open(&l->watch, run, child->pid, child->argv);
  if (pthread_create(&l->thread, NULL, look_on, l) != 0) abort();
  while (!cli_child_wait(child, 3600)) continue;
  l->over = true;
  sem_post(&l->answered);
  mid_bell_ring(&l->bell);
  pthread_join(l->thread, NULL);
  mid_tracer_close(&l->tracer);
}

// ---- who was not seen ---------------------------------------------------------------------------

// Of children nobody knows what ended them but their parents.
static const char unseen_child[] =
    "it ended without calling exit: a signal killed it, it made the system call itself, or it had "
    "become a program that is not on Midden; only the first process of a run is traced, and so "
    "seen "
    "then";

static const char *why_unseen(const struct cli_looks *l, const struct mid_process *p) {
  bool first = p == l->watch.process[0];
  if (p->last_look != NULL && p->last_look->missed[0] != 0) return p->last_look->missed;
  if (!l->wanted && !(first && l->diagnose)) return "the option last_look is 0";
  if (first && l->refused != NULL) return l->refused;
  if (p->lives) return "it still runs";
  if (!p->has_feed) return "it did not run on Midden";
  if (!first && !p->image.process.ended) return unseen_child;
  return "it had ended before it could be looked at, or had nothing of its own since it was forked";
}

size_t cli_looks_explain(struct cli_looks *l) {
  size_t children = 0;
  for (size_t i = 0; i < l->watch.count; i++) {
    struct mid_process *p = l->watch.process[i];
    p->unseen = p->seen_last ? NULL : why_unseen(l, p);
    children += p->unseen == unseen_child;
  }
  return children;
}

void cli_looks_close(struct cli_looks *l) {
  for (size_t i = 0; i < l->watch.count; i++) mid_last_look_close(l->watch.process[i]);
  mid_symbols_close(l->symbols);
  mid_watch_close(&l->watch);
  mid_bell_close(&l->bell);
}
