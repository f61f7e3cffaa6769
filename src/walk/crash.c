// walk/crash.c -- see crash.h.
// SPDX-License-Identifier: MIT
#include "walk/crash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "heap/class.h"
#include "observe/profile_names.h"
#include "observe/stacks.h"
#include "observe/words.h"
#include "walk/blocks.h"
#include "walk/calls.h"
#include "walk/freed.h"
#include "walk/samples.h"
#include "walk/stacks.h"

enum {
  CALLS_KEPT = 256,
  CYCLE_MOST = 32,       // functions in a cycle
  CYCLE_LEAVES = 16,     // calls that may stand inside it: where it happened to hit the end
  NULL_BYTES = 65536,    // under this an address is a NULL pointer and an offset
  FAR_BYTES = 1 << 30,   // a loop may run this far before memory ends
  NEAR_BYTES = 1 << 20,  // past the end of a block, or beyond a stack: a frame of one large array
  LOCAL_BYTES = 1024     // of the innermost frames, whose variables may point to where it began
};

bool mid_crash_is_one(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
         signal == SIGABRT;
}

struct crash_scene {
  const struct mid_target *target;
  const struct mid_target_thread *thread;
  const siginfo_t *info;
  uint64_t address;
  size_t calls;
  struct mid_symbols *symbols;
  struct mid_crash_story *out;
};

// ---- where it happened --------------------------------------------------------------------------

// The number of the file that is mapped there, among the names'.
static uint64_t module_of(struct mid_profile *names, const struct mid_target_mapping *m) {
  for (size_t i = 0; i < names->modules; i++)
    if (strncmp(names->module[i].path, m->path, sizeof names->module[i].path) == 0) return i + 1;
  struct mid_sample_module *more =
      reallocarray(names->module, names->modules + 1, sizeof *names->module);
  if (more == NULL) abort();
  names->module = more;
  more += names->modules++;
  *more = (struct mid_sample_module){.start = m->start, .end = m->end, .offset = m->offset};
  snprintf(more->path, sizeof more->path, "%s", m->path);
  return names->modules;
}

// A check of libmidden's, and abort above it, are not where the trouble is.
static void drop_own(struct mid_profile_site *site) {
  size_t own = 0;
  for (size_t i = 0; i < site->frames && i < CYCLE_LEAVES; i++)
    if (mid_frame_is_allocator(&site->frame[i])) own = i + 1;
  site->frames -= own;
  memmove(site->frame, site->frame + own, site->frames * sizeof *site->frame);
  site->place = 0;
  while (site->place + 1 < site->frames && mid_frame_is_runtime(&site->frame[site->place]))
    site->place++;
}

// As the sampler has stacks: return addresses, as offsets into files.
static void read_calls(struct crash_scene *s) {
  struct mid_crash_story *out = s->out;
  uint64_t place[CALLS_KEPT];
  s->calls = mid_calls_read(s->target, s->thread, place, CALLS_KEPT);
  size_t kept = mid_min(s->calls, CALLS_KEPT);
  out->raw = calloc(kept + 1, sizeof *out->raw);
  if (out->raw == NULL) abort();
  for (size_t i = 0; i < kept; i++) {
    const struct mid_target_mapping *m = mid_target_mapping_at(s->target, place[i]);
    bool file = m != NULL && m->path[0] == '/';
    out->raw[i] = mid_sample_frame(file ? module_of(&out->names, m) : 0,
                                   (file ? place[i] - m->start + m->offset : place[i]) + 1);
  }
  out->names.pid = (uint64_t)s->target->pid;
  out->names.names = mid_profile_names_open();
  out->site.raw = out->raw;
  out->site.raws = (uint32_t)kept;
  out->site.cut = s->calls > kept;
  mid_profile_name(&out->names, &out->site, s->symbols);
  drop_own(&out->site);
  out->crash.site = &out->site;
}

// ---- a stack that overflowed --------------------------------------------------------------------

static bool same(const struct mid_profile_site *site, size_t a, size_t b) {
  return strcmp(site->frame[a].function, site->frame[b].function) == 0;
}

// The shortest sequence of functions that the calls repeat, from call *from on; 0: there is none.
static size_t find_cycle(const struct mid_profile_site *site, size_t *from) {
  for (*from = 0; *from < CYCLE_LEAVES && *from < site->frames; ++*from)
    for (size_t length = 1; length <= CYCLE_MOST; length++) {
      size_t end = *from + mid_max(4 * length, 16), i = *from;
      if (end + length > site->frames) break;
      while (i < end && same(site, i, i + length)) i++;
      if (i == end) return length;
    }
  return 0;
}

static void add_words(char *room, size_t bytes, const char *words) {
  size_t used = strlen(room);
  snprintf(room + used, bytes - used, "%s", words);
}

// In the order of the calls: the outer ones first.
static void say_cycle(struct mid_crash_story *out) {
  size_t from, length = find_cycle(&out->site, &from);
  struct mid_deep_stack *deep = &out->deep;
  if (length == 0) return;
  out->site.place = from;
  for (size_t i = from; i < from + length; i++)
    if (!mid_frame_is_runtime(&out->site.frame[i])) {
      out->site.place = i;
      break;
    }
  for (size_t i = length + 1; i-- > 0;) {
    add_words(deep->cycle, sizeof deep->cycle, out->site.frame[from + i].function);
    if (i > 0) add_words(deep->cycle, sizeof deep->cycle, " calls ");
  }
}

// The first thread's stack is named; of the others the thread's own memory is at the upper end.
static const struct mid_target_mapping *stack_mapping(const struct crash_scene *s) {
  if (s->thread->tid != s->target->pid) return mid_target_mapping_at(s->target, s->thread->tp);
  for (size_t i = 0; i < s->target->mappings; i++)
    if (strcmp(s->target->mapping[i].path, "[stack]") == 0) return &s->target->mapping[i];
  return NULL;
}

// The address is beyond the stack, and the thread was there on purpose: its stack pointer is near.
static bool find_overflow(const struct crash_scene *s, struct mid_stack *stack) {
  struct mid_target_thread on = *s->thread;
  const struct mid_target_mapping *m = stack_mapping(s);
  if (m == NULL || s->address >= m->start || s->thread->sp >= m->end ||
      s->thread->sp - s->address + NEAR_BYTES > 2 * NEAR_BYTES)
    return false;
  on.sp = mid_max(on.sp, m->start);
  return mid_stack_of(s->target, &on, stack);
}

static bool say_overflow(struct crash_scene *s) {
  struct mid_stack stack;
  struct mid_crash_story *out = s->out;
  if ((out->crash.signal != SIGSEGV && out->crash.signal != SIGBUS) || !find_overflow(s, &stack))
    return false;
  struct mid_deep_stack *deep = &out->deep;
  *deep = (struct mid_deep_stack){.tid = s->thread->tid,
                                  .used = stack.high - s->address,
                                  .limit = stack.limit,
                                  .calls = s->calls,
                                  .first = stack.first,
                                  .overflowed = true,
                                  .site = &out->site};
  memcpy(deep->name, out->crash.name, sizeof deep->name);
  say_cycle(out);
  struct mid_words size, calls;
  snprintf(out->crash.sentence, sizeof out->crash.sentence,
           "the stack of thread %d (%s) overflowed: it has %s, in %s calls%s%s", (int)deep->tid,
           deep->name, mid_words_size(deep->limit, &size),
           mid_words_count((double)deep->calls, &calls),
           deep->cycle[0] != 0 ? ", a recursion without end: " : "", deep->cycle);
  return true;
}

// ---- what an address is -------------------------------------------------------------------------

// "", or " that FUNCTION (FILE:LINE) allocated".
static void say_site(const struct crash_scene *s, struct mid_profile *profile,
                     struct mid_profile_site *site, char *room, size_t bytes) {
  mid_profile_name(profile, site, s->symbols);
  const struct mid_profile_frame *f = mid_profile_place(site);
  const char *slash = strrchr(f->file, '/');
  if (f->line != 0)
    snprintf(room, bytes, " that %s (%s:%u) allocated", f->function,
             slash != NULL ? slash + 1 : f->file, f->line);
  else
    snprintf(room, bytes, " that %s allocated", f->function);
}

static void say_who(const struct crash_scene *s, uint64_t block, char *room, size_t bytes) {
  struct mid_profile profile;
  room[0] = 0;
  if (mid_target_profile(s->target, &profile) != NULL) return;
  const struct mid_profile_sample *sample = mid_profile_block(&profile, block);
  if (sample != NULL) say_site(s, &profile, &profile.site[sample->site], room, bytes);
  mid_profile_close(&profile);
}

static void say_block(const struct crash_scene *s, const struct mid_blocks *blocks, uint32_t block,
                      const char *where, char *room, size_t bytes) {
  char site[300];
  struct mid_words size;
  uint64_t address = mid_blocks_address(blocks, block);
  bool live = mid_blocks_is_live(blocks, block);
  say_who(s, address, site, sizeof site);
  snprintf(room, bytes, "%s a %s block of %s at 0x%" PRIx64 "%s", where, live ? "live" : "freed",
           mid_words_size(mid_blocks_bytes(blocks, block), &size), address, live ? site : "");
}

static bool say_heap(const struct crash_scene *s, const struct mid_blocks *blocks, char *room,
                     size_t bytes) {
  char where[64];
  uint64_t offset;
  uint32_t block = mid_blocks_find(blocks, s->address, &offset);
  const struct mid_blocks_span *below = NULL;
  if (block != MID_BLOCK_NONE) {
    snprintf(where, sizeof where, "%" PRIu64 " bytes into", offset);
    return say_block(s, blocks, block, where, room, bytes), true;
  }
  for (size_t i = 0; i < blocks->spans && blocks->span[i].base <= s->address; i++)
    below = &blocks->span[i];
  if (below != NULL && below->count > 0 && s->address - below->end < NEAR_BYTES) {
    snprintf(where, sizeof where, "%" PRIu64 " bytes past the end of", s->address - below->end);
    return say_block(s, blocks, below->first + below->count - 1, where, room, bytes), true;
  }
  if (!mid_blocks_is_own(blocks, s->address)) return false;
  snprintf(room, bytes, "memory of the heap in which no block is: what was there was freed");
  return true;
}

// Of a large block that is freed nothing is left but its site, where that is the only one of blocks
// that were freed and would fit in there.
static void say_run(const struct crash_scene *s, const struct mid_freed *freed, char *room,
                    size_t bytes) {
  struct mid_profile profile;
  struct mid_words size;
  struct mid_profile_site *only = NULL;
  size_t fits = 0;
  snprintf(room, bytes, "memory that was freed");
  if (mid_target_profile(s->target, &profile) != NULL) return;
  for (size_t i = 0; i < profile.sites; i++) {
    struct mid_profile_site *site = &profile.site[i];
    if (site->samples == site->live_samples || site->asked_most <= MID_SMALL_MOST ||
        site->asked_most > freed->end - freed->start)
      continue;
    only = site;
    fits++;
  }
  if (fits == 1) {
    int n = snprintf(room, bytes, "memory that was freed, likely a block of %s",
                     mid_words_size(only->asked_most, &size));
    say_site(s, &profile, only, room + n, bytes - (size_t)n);
  }
  mid_profile_close(&profile);
}

static void say_freed(const struct crash_scene *s, const struct mid_blocks *blocks,
                      const struct mid_freed *freed, char *room, size_t bytes) {
  char what[512];
  if (freed->block != MID_BLOCK_NONE)
    say_block(s, blocks, freed->block, "into", what, sizeof what);
  else
    memcpy(what, "into ", 6), say_run(s, freed, what + 5, sizeof what - 5);
  snprintf(room, bytes, "; a %s points %s: it may be from there",
           freed->in_register ? "register" : "local variable", what);
}

// A pointer into a block from which a loop may have come to the address.
struct crash_base {
  uint32_t block;
  uint64_t distance;
  bool in_register, behind;  // behind: the address is before it
};

// The nearest, and best one that the address is past: few loops go down.
static void base_take(const struct crash_scene *s, const struct mid_blocks *blocks, uint64_t word,
                      bool in_register, struct crash_base *best) {
  uint64_t offset;
  uint32_t block = mid_blocks_find(blocks, word, &offset);
  if (block == MID_BLOCK_NONE) return;
  bool behind = word > s->address;
  uint64_t distance = behind ? word - s->address : s->address - word;
  bool better = best->block == MID_BLOCK_NONE || behind < best->behind ||
                (behind == best->behind && distance < best->distance);
  if (distance < FAR_BYTES && better)
    *best = (struct crash_base){block, distance, in_register, behind};
}

static struct crash_base find_base(const struct crash_scene *s, const struct mid_blocks *blocks) {
  struct crash_base best = {.block = MID_BLOCK_NONE};
  uint64_t local[LOCAL_BYTES / sizeof(uint64_t)], sp = s->thread->sp & -sizeof(uint64_t);
  for (size_t i = 0; i < MID_TARGET_REGISTERS; i++)
    base_take(s, blocks, s->thread->reg[i], true, &best);
  if (best.block != MID_BLOCK_NONE && !best.behind) return best;
  if (mid_target_read(s->target, sp, local, sizeof local))
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
      base_take(s, blocks, local[i], false, &best);
  return best;
}

// Of a loop that went through all that is mapped, and keeps no pointer to where it began.
static void say_edge(const struct crash_scene *s, const struct mid_blocks *blocks, char *room,
                     size_t bytes) {
  uint64_t page = s->target->page_bytes, at = s->address & -page;
  if (mid_target_mapping_at(s->target, s->address) != NULL) return;
  if (mid_target_mapping_at(s->target, at - 1) != NULL && mid_blocks_is_own(blocks, at - 1))
    snprintf(room, bytes, "; the heap ends there: it may be counted from a block, past its end");
  else if (mid_target_mapping_at(s->target, at + page) != NULL &&
           mid_blocks_is_own(blocks, at + page))
    snprintf(room, bytes,
             "; the heap begins above: it may be counted from a block, before its beginning");
}

// What the registers and variables hold may tell where a wild pointer was read from, or counted
// from.
static void say_origin(const struct crash_scene *s, const struct mid_blocks *blocks, char *room,
                       size_t bytes) {
  char block[512];
  struct mid_freed freed;
  bool known = s->info->si_code != SI_KERNEL;
  if (mid_freed_find(s->target, s->thread, blocks, known ? s->address : MID_FREED_NO_ADDRESS,
                     &freed))
    return say_freed(s, blocks, &freed, room, bytes);
  if (!known || s->address < NULL_BYTES) return;
  struct crash_base base = find_base(s, blocks);
  if (base.block == MID_BLOCK_NONE) return say_edge(s, blocks, room, bytes);
  say_block(s, blocks, base.block, "into", block, sizeof block);
  snprintf(room, bytes, "; a %s points %s: it may be counted from there, %s",
           base.in_register ? "register" : "local variable", block,
           base.behind ? "before its beginning" : "past its end");
}

static void say_memory(const struct crash_scene *s, char *room, size_t bytes) {
  const struct mid_target_mapping *m = mid_target_mapping_at(s->target, s->address);
  if (m == NULL)
    snprintf(room, bytes, "memory that is not there");
  else if (!m->read && !m->write)
    snprintf(room, bytes, "memory that may not be used, as a guard page is");
  else if (!m->write)
    snprintf(room, bytes, "read-only memory%s%s, where constants and literals are",
             m->path[0] != 0 ? " of " : "", m->path);
  else
    snprintf(room, bytes, "memory%s%s", m->path[0] != 0 ? " of " : "", m->path);
}

static void say_address(struct crash_scene *s) {
  struct mid_blocks blocks;
  char what[768], hint[640] = "";
  bool null = s->address < NULL_BYTES && s->info->si_code != SI_KERNEL;
  if (null)
    snprintf(what, sizeof what, "%s", s->address == 0 ? "a NULL pointer" : "NULL and an offset");
  else
    say_memory(s, what, sizeof what);
  if (mid_blocks_read(s->target, &blocks) == NULL) {
    if (null || !say_heap(s, &blocks, what, sizeof what)) say_origin(s, &blocks, hint, sizeof hint);
    mid_blocks_close(&blocks);
  }
  if (s->info->si_code == SI_KERNEL)
    snprintf(s->out->crash.sentence, sizeof s->out->crash.sentence,
             "it used what is no address at all, as a pointer is that was overwritten%s", hint);
  else
    snprintf(s->out->crash.sentence, sizeof s->out->crash.sentence, "%s 0x%" PRIx64 ": %s%s",
             s->thread->pc == s->address ? "it ran into" : "it used", s->address, what, hint);
}

// ---- the whole ----------------------------------------------------------------------------------

static void say(struct crash_scene *s, const char *said) {
  struct mid_crash *c = &s->out->crash;
  if (said[0] != 0)
    snprintf(c->sentence, sizeof c->sentence, "%s", said);
  else if (c->signal == SIGABRT)
    snprintf(c->sentence, sizeof c->sentence, "it called abort, or a check of its own failed");
  else if (c->signal == SIGFPE)
    snprintf(c->sentence, sizeof c->sentence, "it divided by zero, or a quotient was too large");
  else if (c->signal == SIGILL)
    snprintf(c->sentence, sizeof c->sentence,
             "it ran into what is no instruction of this machine, as compilers put where code "
             "cannot go on");
  else if (s->info->si_code <= 0)
    snprintf(c->sentence, sizeof c->sentence, "process %d sent the signal", s->info->si_pid);
  else if (!say_overflow(s))
    say_address(s);
}

void mid_crash_read(const struct mid_target *target, const struct mid_tracer_end *end,
                    const char *said, struct mid_symbols *symbols, struct mid_crash_story *out) {
  struct crash_scene s = {.target = target,
                          .info = &end->info,
                          .address = (uintptr_t)end->info.si_addr,
                          .symbols = symbols,
                          .out = out};
  *out = (struct mid_crash_story){
      .crash = {.signal = end->info.si_signo, .thread = end->thread, .handled = end->handled}};
  for (size_t i = 0; i < target->threads; i++)
    if (target->thread[i].tid == end->thread) s.thread = &target->thread[i];
  if (s.thread == NULL) return;
  mid_stacks_name(target->pid, end->thread, out->crash.name, sizeof out->crash.name);
  read_calls(&s);
  say(&s, end->info.si_signo == SIGABRT ? said : "");
}

void mid_crash_close(struct mid_crash_story *story) {
  if (story->names.names != NULL) mid_profile_names_close(story->names.names);
  free(story->names.module);
  free(story->site.frame);
  free(story->raw);
  *story = (struct mid_crash_story){0};
}
