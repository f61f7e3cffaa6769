// observe/finding/remote_free.c -- blocks that another thread frees than allocated them.
// SPDX-License-Identifier: MIT
#include "observe/finding_pairs.h"

// Of the fast path's cost, what a free by another thread takes more: the line of the block and the
// list's are fetched from the other processor, and the owner gathers it later.
static const double remote_seconds = 50e-9;

// What was freed in this way, and waits for owners that no longer allocate.
struct remote_waiting {
  double bytes;
  const struct mid_waiting *most;
  double most_idle;  // seconds since that one's owner came for memory; negative: it has ended
  size_t owners;
};

// Blocks of a place are of the classes from the least that it asked for to that of the most.
static bool is_of_size(const struct mid_evidence *e, const struct mid_profile_site *s,
                       uint64_t block_bytes) {
  const struct mid_feed_image *image = &e->process->image;
  uint32_t c = 0;
  while (c < image->classes && image->klass[c].block_bytes < s->asked_most) c++;
  return block_bytes >= s->asked_least && c < image->classes &&
         block_bytes <= image->klass[c].block_bytes;
}

// Seconds since the owner came for memory; 0 also where that is not known.
static double idle_of(const struct mid_process *p, const struct mid_waiting *w) {
  if (w->thread == 0) return -1;
  double since = mid_owners_since(&p->owners, w->thread);
  return since < 0 ? 0 : (p->lives ? p->seen : p->ended) - since;
}

static struct remote_waiting waiting_of(const struct mid_evidence *e,
                                        const struct mid_profile_site *s) {
  struct remote_waiting sum = {0};
  uint64_t last = UINT64_MAX;
  for (size_t i = 0; e->facts != NULL && i < e->facts->waitings; i++) {
    const struct mid_waiting *w = &e->facts->waiting[i];
    double bytes = (double)(w->blocks * w->block_bytes), idle = idle_of(e->process, w);
    if (!is_of_size(e, s, w->block_bytes) || (idle >= 0 && idle < MID_REMOTE_IDLE_SECONDS))
      continue;
    sum.bytes += bytes;
    sum.owners += w->thread != last;
    last = w->thread;
    if (sum.most != NULL && (double)(sum.most->blocks * sum.most->block_bytes) >= bytes) continue;
    sum.most = w;
    sum.most_idle = idle;
  }
  return sum;
}

static void waiting_say(const struct remote_waiting *w, char *room, size_t bytes) {
  struct mid_words size, idle;
  room[0] = 0;
  if (w->bytes < MID_REMOTE_WAITING) return;
  int n = snprintf(room, bytes, "; %s of freed blocks of these sizes wait for ",
                   mid_words_size((uint64_t)w->bytes, &size));
  if (w->most_idle < 0)
    n += snprintf(room + n, bytes - (size_t)n, "threads that ended");
  else
    n += snprintf(
        room + n, bytes - (size_t)n, "thread %llu (%.15s), which last came for memory %s ago",
        (unsigned long long)w->most->thread, w->most->name, mid_words_seconds(w->most_idle, &idle));
  if (w->owners > 1)
    snprintf(room + n, bytes - (size_t)n, ", and for %zu other%s", w->owners - 1,
             w->owners == 2 ? "" : "s");
}

static void remote_free_tell(const struct mid_evidence *e, const struct mid_place *place,
                             double freed, struct mid_findings *out) {
  const struct mid_profile_site *s = &place->sum;
  double cost = s->remote * remote_seconds, seconds = s->last - s->first;
  struct mid_finding *f = mid_finding_add(
      out, "remote-free", s->remote >= MID_REMOTE_SURE_BLOCKS ? MID_LIKELY : MID_POSSIBLE, s,
      s->remote_bytes, s->remote);
  struct remote_waiting waiting = waiting_of(e, s);
  f->badness = mid_pairs_badness(cost) + waiting.bytes;
  struct mid_words count, rate, all, took;
  char waits[200];
  waiting_say(&waiting, waits, sizeof waits);
  mid_finding_what(f,
                   "%.0f %% of its blocks, %s, were freed by another thread than allocated them, "
                   "%s a second%s",
                   mid_words_share(s->remote, freed), mid_words_count(s->remote, &count),
                   mid_words_count(s->remote / (seconds > 1e-3 ? seconds : 1e-3), &rate), waits);
  mid_finding_why(f, "by %llu samples; the process freed %s blocks in this way in all",
                  (unsigned long long)s->samples,
                  mid_words_count((double)e->figures.remote_frees, &all));
  mid_finding_advise(
      f,
      "hand the blocks back to the thread that allocates them, in batches, for "
      "use again, or let the thread that frees allocate: saves up to %s%s",
      mid_words_seconds(cost, &took),
      waits[0] == 0 ? "" : "; what waits is used again once its thread allocates, or ends");
}

static void remote_free_find(const struct mid_evidence *e, struct mid_findings *out) {
  for (size_t i = 0; i < e->places; i++) {
    const struct mid_profile_site *s = &e->place[i].sum;
    double freed = s->allocated - s->live;
    if (s->remote >= MID_REMOTE_BLOCKS && s->remote >= MID_REMOTE_SHARE * freed)
      remote_free_tell(e, &e->place[i], freed > s->remote ? freed : s->remote, out);
  }
}

const struct mid_finding_rule mid_rule_remote_free = {
    .kind = "remote-free",
    .source = "threads of sampled blocks at their birth and at their free; the last look's spans",
    .find = remote_free_find,
};
