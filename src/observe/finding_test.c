// observe/finding_test.c -- each rule held against figures that are made: the trouble is found, and
// what is next to it is not.
// SPDX-License-Identifier: MIT
#include "observe/diagnosis.h"

#include <unistd.h>

#include "test.h"

#include "observe/profile_written_test.h"

// A process with one site, whose figures a test fills in, and what it lived through.
static struct {
  struct mid_process process;
  struct mid_profile profile;
  struct mid_symbols *symbols;
  struct written_site site;
} t;

static void begin(void) {
  memset(&t, 0, sizeof t);
  written_begin();
  uint64_t frame = mid_sample_frame(0, 0x7f0000001001);
  t.site = written_stack(&frame, 1);
  t.site.sum->samples = 100;
  t.site.sum->asked_least = t.site.sum->asked_most = 64;
  t.process.lives = true;
  t.process.seen = 1;
  t.process.cpu_seconds = 0.1;
  t.process.peak_threads = 4;
}

static double w(double n) { return 256 * n; }

static const struct mid_findings *diagnose(void) {
  static const struct mid_suppressions none;
  t.symbols = mid_symbols_open();
  t.profile = written_end(1);
  t.process.profile = &t.profile;
  mid_diagnose(&t.process, 0, t.symbols, &none);
  return &t.process.diagnosis->findings;
}

// The finding of this kind; NULL: there is none.  At most one is made.
static const struct mid_finding *find(const char *kind) {
  const struct mid_finding *found = NULL;
  const struct mid_findings *all = diagnose();
  for (size_t i = 0; i < all->count; i++) {
    if (strcmp(all->at[i].kind, kind) != 0) continue;
    CHECK(found == NULL);
    found = &all->at[i];
    CHECK(found->what != NULL && found->why != NULL && found->advice != NULL);
  }
  return found;
}

static void end(void) {
  mid_diagnosis_forget(&t.process);
  mid_profile_close(&t.profile);
  mid_history_close(t.process.history);
  mid_symbols_close(t.symbols);
}

// Judge once more, with other figures.
#define FINDS(kind)                   \
  ({                                  \
    bool finds_ = find(kind) != NULL; \
    end();                            \
    finds_;                           \
  })

// ---- allocations --------------------------------------------------------------------------------

static void allocate(double blocks, double brief, double remote) {
  struct mid_sample_stack *s = t.site.sum;
  s->allocated = (uint64_t)w(blocks);
  s->allocated_bytes = (uint64_t)w(64 * blocks);
  s->brief = (uint64_t)w(brief);
  s->brief_bytes = (uint64_t)w(64 * brief);
  s->remote = (uint64_t)w(remote);
  s->remote_bytes = (uint64_t)w(64 * remote);
  s->lives[1] = s->allocated;
  s->peak_live_bytes = (uint64_t)w(6400);
}

TEST(blocks_that_are_freed_at_once_are_temporary_and_churn)
{
  begin();
  allocate(200000, 199000, 0);
  const struct mid_finding *f = find("temporary");
  CHECK(f != NULL && f->confidence == MID_LIKELY && f->blocks > 198999);
  CHECK(strstr(f->advice, "64 B on the stack") != NULL);
  end();
  begin(), allocate(200000, 199000, 0);
  CHECK(FINDS("churn"));
  begin(), allocate(5000, 5000, 0);  // 75 us
  CHECK(!FINDS("temporary"));
  begin(), allocate(200000, 100000, 0);
  CHECK(!FINDS("temporary"));
}

TEST(a_list_that_is_built_and_freed_does_not_churn)
{
  begin();
  allocate(200000, 0, 0);
  t.site.sum->peak_live_bytes = (uint64_t)w(64 * 200000);
  CHECK(!FINDS("churn"));
}

TEST(blocks_that_others_free_are_remote_and_do_not_churn)
{
  begin();
  allocate(50000, 0, 40000);
  const struct mid_finding *f = find("remote-free");
  CHECK(f != NULL && f->confidence == MID_LIKELY && f->blocks == 40000);
  end();
  begin(), allocate(50000, 0, 40000);
  CHECK(!FINDS("churn"));
  begin(), allocate(50000, 0, 10000);
  CHECK(!FINDS("remote-free"));
}

TEST(what_waits_for_an_owner_that_no_longer_allocates_is_told_with_its_thread)
{
  const struct mid_waiting waiting[] = {
      {.thread = 7, .name = "loader", .block_bytes = 64, .blocks = 32768},
      {.thread = 8, .name = "busy", .block_bytes = 64, .blocks = 65536},
      {.thread = 7, .name = "loader", .block_bytes = 128, .blocks = 65536},
      {.block_bytes = 64, .blocks = 16384}};
  const struct mid_last_facts facts = {.waiting = waiting, .waitings = 4};
  struct mid_owner owner[] = {{.thread = 7, .since = 2}, {.thread = 8, .since = 9.9}};
  begin();
  t.process.seen = 10;
  t.process.facts = &facts;
  t.process.owners = (struct mid_owners){owner, 2};
  t.process.image.classes = 2;
  t.process.image.klass[0].block_bytes = 64;
  t.process.image.klass[1].block_bytes = 128;
  allocate(50000, 0, 40000);
  const struct mid_finding *f = find("remote-free");
  CHECK(strstr(f->what,
               "; 3.0 MiB of freed blocks of these sizes wait for thread 7 (loader), which "
               "last came for memory 8.00 s ago, and for 1 other") != NULL);
  end();
}

TEST(arrays_that_grow_by_a_little_climb_a_ladder_and_those_that_double_do_not)
{
  for (int moves = 14; moves <= 60; moves += 46) {
    begin();
    t.site.sum->asked_least = 16;
    t.site.sum->asked_most = 1 << 18;
    t.site.sum->longest_moves = (uint64_t)moves;
    t.site.sum->moved = (uint64_t)w(moves);
    t.site.sum->moved_bytes = (uint64_t)w(2 << 20);
    CHECK_EQ(FINDS("realloc-ladder"), moves > 14);
  }
}

TEST(arrays_made_anew_rise_and_random_sizes_rise_and_fall)
{
  for (uint64_t falls = 0; falls <= 4000; falls += 4000) {
    begin();
    t.site.sum->asked_least = 16;
    t.site.sum->asked_most = 1 << 16;
    t.site.sum->allocated = (uint64_t)w(10000);
    t.site.sum->allocated_bytes = (uint64_t)w(10000ull << 15);
    t.site.sum->peak_live_bytes = (uint64_t)w(1 << 17);
    t.site.sum->rises = 4000;
    t.site.sum->falls = falls;
    CHECK_EQ(FINDS("realloc-ladder"), falls == 0);
  }
}

TEST(pages_that_are_never_touched_are_unused)
{
  for (uint64_t touched = 100; touched <= 900; touched += 800) {
    begin();
    t.site.sum->asked_most = 1 << 20;
    t.site.sum->allocated = (uint64_t)w(10);
    t.site.sum->peak_live_bytes = (uint64_t)w(4 << 20);
    t.site.sum->pages_known = 1000;
    t.site.sum->pages_touched = touched;
    t.process.peak_live = 4 << 20;
    CHECK_EQ(FINDS("unused"), touched == 100);
  }
}

// ---- outside the heap ---------------------------------------------------------------------------

TEST(memory_outside_the_heap_that_grows_is_named_by_its_mapping)
{
  const struct mid_mapped mapped = {
      .map = {.low = 0x7f0000000000, .high = 0x7f0004000000, .access = "rw-p"},
      .bytes = 64 << 20,
      .grew = 40 << 20,
      .mappings = 1,
      .before = 1,
      .since = 0.25};
  const struct mid_last_facts facts = {.mapped = &mapped};
  begin();
  t.process.facts = &facts;
  t.process.history = mid_history_open();
  for (int i = 1; i <= 100; i++) {
    const struct mid_history_look look = {.when = i / 100.0, .work = i, .outside = i * 655360.0};
    mid_history_add(t.process.history, &look, NULL);
  }
  const struct mid_finding *f = find("mapped");
  CHECK(f != NULL && strstr(f->what,
                            "; most of what came in the last 750 ms, 40.0 MiB, is "
                            "anonymous memory (rw-p) in 1 mapping, "
                            "7f0000000000-7f0004000000") != NULL);
  end();
}

// ---- what is live -------------------------------------------------------------------------------

// Looks at every tenth of `seconds`; `until` a part of which the site takes a block of 1000 bytes
// each hundredth, and then keeps what it has; or, with `keeps`, only its last few.
static void live_through(double seconds, double until, unsigned keeps) {
  t.process.history = mid_history_open();
  uint64_t samples = written.head.records[MID_SAMPLES_BLOCK];
  for (int i = 1; i <= 100; i++) {
    double now = seconds * i / 100;
    if (i <= 100 * until) {
      struct mid_sample *s =
          written_sample(t.site, 4096 + 2048 * (uint64_t)i, 1000, 1, now - seconds / 200);
      if (keeps > 0 && (unsigned)i > keeps) s[-(ptrdiff_t)keeps].block = 0;
    }
    struct mid_profile p = written_end(now);
    const struct mid_history_look look = {.when = now, .work = 1e5 * i, .live = 1e3 * i};
    mid_history_add(t.process.history, &look, &p);
    mid_profile_close(&p);
  }
  CHECK(written.head.records[MID_SAMPLES_BLOCK] > samples);
  t.process.peak_live = 100000;
}

TEST(a_place_that_keeps_what_it_gets_grows)
{
  begin();
  live_through(10, 1, 0);
  const struct mid_finding *f = find("growing");
  CHECK(f != NULL && f->confidence == MID_LIKELY && f->blocks == 100);
  end();
  begin();
  live_through(1, 1, 0);
  f = find("growing");
  CHECK(f != NULL && f->confidence == MID_POSSIBLE);
  end();
}

// One way here is emptied before the end, the other fills until then: at no look is all of it
// there.
TEST(growth_by_ways_that_are_fullest_at_different_times_is_told_with_the_time_it_took)
{
  enum { LOOKS = 100, FREED_AT = 60 };
  uint64_t frame[] = {mid_sample_frame(0, 0x7f0000001001), mid_sample_frame(0, 0x7f0000002001)};
  struct mid_sample *first[FREED_AT];
  begin();
  struct written_site other = written_stack(frame, 2);
  t.process.history = mid_history_open();
  for (int i = 1; i <= LOOKS; i++) {
    double now = i / 10.0;
    if (i <= FREED_AT)
      first[i - 1] = written_sample(t.site, 4096 * (uint64_t)i, 2000, 1, now - 0.05);
    written_sample(other, (1 << 20) + 4096 * (uint64_t)i, 2000, 1, now - 0.05);
    for (int k = 0; k < FREED_AT && i == FREED_AT + 1; k++) first[k]->block = 0;
    struct mid_profile p = written_end(now);
    const struct mid_history_look look = {.when = now, .work = 1e6 * i, .live = 4000.0 * i};
    mid_history_add(t.process.history, &look, &p);
    mid_profile_close(&p);
  }
  t.site.sum->allocated_bytes = t.site.sum->peak_live_bytes = (uint64_t)w(2000 * FREED_AT);
  t.process.peak_live = 4000 * LOOKS;
  const struct mid_finding *f = find("growing");
  CHECK(f != NULL && strstr(f->what, "the first fifth of 10.0 s") != NULL);
  CHECK(strstr(f->why, "at different times") != NULL);
  end();
}

TEST(who_holds_what_grows_is_told_of_its_place_alone)
{
  char function[64] = "";
  begin();
  live_through(10, 1, 0);
  const struct mid_finding *f = find("growing");
  CHECK(f->holder == NULL);
  snprintf(function, sizeof function, "%s", mid_profile_place(f->site)->function);
  end();
  for (unsigned line = 0; line < 2; line++) {
    const struct mid_holder holder = {.function = function, .file = (char[]){""}, .line = line};
    const struct mid_last_facts facts = {.holder = &holder, .holders = 1};
    begin();
    t.process.facts = &facts;
    live_through(10, 1, 0);
    CHECK(find("growing")->holder == (line == 0 ? &holder : NULL));
    end();
  }
}

TEST(a_minute_of_growth_while_the_rest_is_level_is_certain_and_tells_its_rate)
{
  begin();
  live_through(600, 1, 0);
  const struct mid_finding *f = find("growing");
  CHECK(f != NULL && f->confidence < MID_CERTAIN);  // 1000 bytes in 6 s do not fill a machine
  CHECK(strstr(f->what, "an hour, which fills the") != NULL);
  end();
}

// For 100 s two places take 10 kB each a second, and what no place is known of `rest` as much.
static void two_live_through(double rest) {
  uint64_t frame = mid_sample_frame(0, 0x7f0000002001);
  struct written_site site[] = {t.site, written_stack(&frame, 1)};
  t.process.history = mid_history_open();
  for (int i = 1; i <= 100; i++) {
    for (uint64_t k = 0; k < 2; k++)
      written_sample(site[k], ((uint64_t)i << 16) + (k << 40), 10000, 1, i - 0.5);
    struct mid_profile p = written_end(i);
    const struct mid_history_look look = {.when = i, .work = 1e6 * i, .live = 2e4 * (1 + rest) * i};
    mid_history_add(t.process.history, &look, &p);
    mid_profile_close(&p);
  }
  t.process.peak_live = 2000000;
}

TEST(places_that_grow_together_are_certain_and_only_where_the_rest_is_level)
{
  for (int rest = 0; rest < 2; rest++) {
    begin();
    two_live_through(rest);
    const struct mid_findings *all = diagnose();
    size_t growing = 0;
    for (size_t i = 0; i < all->count; i++) {
      if (strcmp(all->at[i].kind, "growing") != 0) continue;
      CHECK_EQ(all->at[i].confidence, rest == 0 ? MID_CERTAIN : MID_LIKELY);
      growing++;
    }
    CHECK_EQ(growing, 2);
    end();
  }
}

TEST(a_table_that_fills_and_a_cache_with_a_bound_do_not_grow)
{
  begin(), live_through(10, 0.4, 0);
  CHECK(!FINDS("growing"));
  begin(), live_through(10, 1, 40);
  CHECK(!FINDS("growing"));
}

// As live_through, 100 blocks: in the hundredth `i` of the work, which is done at when[i], block i
// comes and the blocks before `gone` of what came so far go.
static void live_by(const double when[100], double gone) {
  struct mid_sample *sample[100];
  t.process.history = mid_history_open();
  for (int i = 0, freed = 0; i < 100; i++) {
    double before = i > 0 ? when[i - 1] : 0;
    sample[i] = written_sample(t.site, 4096 + 2048 * (uint64_t)i, 1000, 1, (before + when[i]) / 2);
    while (freed < (int)(gone * i)) sample[freed++]->block = 0;
    struct mid_profile p = written_end(when[i]);
    const struct mid_history_look look = {
        .when = when[i], .work = 1e5 * (i + 1), .live = 1e3 * (i + 1 - freed)};
    mid_history_add(t.process.history, &look, &p);
    mid_profile_close(&p);
  }
  t.process.peak_live = 100000;
}

TEST(a_queue_that_gets_more_than_it_gives_grows_though_its_old_blocks_go)
{
  double when[100];
  for (int i = 0; i < 100; i++) when[i] = (i + 1) / 10.0;
  begin(), live_by(when, 0.5);
  const struct mid_finding *f = find("growing");
  CHECK(f != NULL && f->confidence == MID_POSSIBLE && strstr(f->why, "evenly") != NULL);
  end();
}

// Others run for half of the time, in two stretches of it.
TEST(a_process_that_is_kept_from_running_grows_by_its_work)
{
  double when[100];
  for (int i = 0; i < 100; i++)
    when[i] = (i + 1) / 20.0 + (i >= 10 ? 2.5 : 0) + (i >= 80 ? 2.5 : 0);
  begin(), live_by(when, 0);
  CHECK(FINDS("growing"));
}

// Of 300 kB that came, ten blocks of the start-up were sampled; by then a sample stands for 256
// KiB.
TEST(what_is_sampled_too_seldom_to_have_ages_grows_by_what_is_counted)
{
  for (int dense = 0; dense < 2; dense++) {
    begin();
    written.head.mean = dense ? 64 : 262144;
    t.process.history = mid_history_open();
    for (int i = 1; i <= 100; i++) {
      if (i <= 10) written_sample(t.site, 4096 * (uint64_t)i, 1000, 1, i / 10.0 - 0.05);
      struct mid_profile p = written_end(i / 10.0);
      const struct mid_history_look look = {.when = i / 10.0, .work = 1e6 * i, .live = 3e3 * i};
      mid_history_add(t.process.history, &look, &p);
      mid_profile_close(&p);
    }
    t.process.peak_live = 300000;
    const struct mid_finding *f = find("growing");
    CHECK_EQ(f != NULL, !dense);
    CHECK(f == NULL || (f->confidence == MID_POSSIBLE && f->site != NULL));
    end();
  }
}

TEST(what_fills_first_and_then_allocates_no_more_does_not_grow)
{
  double when[100];
  for (int i = 0; i < 100; i++) when[i] = (i + 1) / 25.0;
  begin(), live_by(when, 0);
  for (int i = 101; i <= 250; i++) {
    struct mid_profile p = written_end(i / 25.0);
    const struct mid_history_look look = {.when = i / 25.0, .work = 1e7, .live = 1e5};
    mid_history_add(t.process.history, &look, &p);
    mid_profile_close(&p);
  }
  CHECK(!FINDS("growing"));
}

enum fall { TO_STAY, TO_STAY_AND_EXIT, STEP_BY_STEP };

// What is found where live memory falls at half time; as the program exits it frees the survivors,
// and the last look may be into the midst of that.
static const struct mid_finding *find_fragmented(enum fall fall) {
  enum { LOOKS = 20, SURVIVORS = 99 };
  struct mid_sample *survivor[SURVIVORS];
  begin();
  for (uint64_t i = 0; i < SURVIVORS; i++)
    survivor[i] = written_sample(t.site, 4096 * (i + 1), 64, 1, 0.1);
  t.process.history = mid_history_open();
  for (int i = 0; i < LOOKS; i++) {
    bool exiting = fall == TO_STAY_AND_EXIT && i == LOOKS - 1;
    double live = exiting ? 4e5 : fall == STEP_BY_STEP ? 20e6 - 1.9e6 * (i - 9) : 1e6;
    if (i < LOOKS / 2) live = 20e6;
    for (size_t k = 1; exiting && k < SURVIVORS; k++) survivor[k]->block = 0;
    const struct mid_history_look look = {
        .when = i, .work = 1e7, .live = live, .held = 20e6, .free = 20e6 - live};
    struct mid_profile p = written_end(1);
    mid_history_add(t.process.history, &look, &p);
    mid_profile_close(&p);
  }
  return find("fragmented");
}

TEST(spans_that_survivors_hold_are_fragmented_and_a_loop_that_frees_is_not)
{
  for (enum fall fall = TO_STAY; fall <= TO_STAY_AND_EXIT; fall++) {
    const struct mid_finding *f = find_fragmented(fall);
    CHECK(f != NULL && f->blocks == 99 && f->bytes == 19e6 && f->confidence == MID_LIKELY);
    end();
  }
  CHECK(find_fragmented(STEP_BY_STEP) == NULL);
  end();
}

TEST(lost_blocks_are_told_by_their_place_or_their_type)
{
  const struct mid_lost lost[] = {
      {.stack = 1, .blocks = 400, .bytes = 38400, .sure = MID_CERTAIN, .why = "searched"},
      {.stack = 1, .blocks = 100, .bytes = 9600, .held = 7, .held_bytes = 700, .sure = MID_LIKELY},
      {.name = "of class Session", .blocks = 3, .bytes = 300, .sure = MID_CERTAIN, .why = "so"}};
  const struct mid_last_facts facts = {.lost = lost, .losts = 3};
  begin();
  t.process.facts = &facts;
  const struct mid_findings *all = diagnose();
  CHECK_EQ(all->count, 2);
  CHECK(all->at[0].blocks == 507 && all->at[0].bytes == 48700 && all->at[0].site != NULL);
  CHECK(all->at[0].confidence == MID_CERTAIN);
  CHECK_STR(all->at[0].why, "searched");
  CHECK(all->at[1].site == NULL && strstr(all->at[1].what, "of class Session") != NULL);
  end();
}

// The frame to blame is shared; the first stack allocates most, the third lost most.
TEST(lost_blocks_are_shown_with_a_stack_of_their_own)
{
  const struct mid_lost lost[] = {
      {.stack = 3, .blocks = 9, .bytes = 900, .sure = MID_CERTAIN, .why = "none"},
      {.stack = 2, .blocks = 1, .bytes = 80, .sampled = true, .sure = MID_CERTAIN, .why = "own"},
      {.stack = 1, .blocks = 5, .bytes = 500, .sampled = true, .sure = MID_POSSIBLE, .why = "in"}};
  const struct mid_last_facts facts = {.lost = lost, .losts = 3};
  begin();
  t.process.facts = &facts;
  t.site.sum->allocated_bytes = (uint64_t)w(64);
  for (uint64_t i = 0; i < 2; i++) {
    uint64_t frame[] = {mid_sample_frame(0, 0x7f0000001001),
                        mid_sample_frame(0, 0x7f0000003001 + 256 * i)};
    written_stack(frame, 2).sum->samples = 1;
  }
  const struct mid_findings *all = diagnose();
  CHECK_EQ(all->count, 2);
  CHECK(all->at[0].site->stack == 2 && all->at[0].blocks == 10);
  CHECK_STR(all->at[0].why, "own");
  CHECK(strstr(all->at[0].what, "of 2 stacks") != NULL);
  CHECK(all->at[1].site->stack == 1 && all->at[1].blocks == 5);
  end();
}

TEST(copies_are_known_by_sizes_in_the_same_order)
{
  for (int same = 0; same < 2; same++) {
    begin();
    uint64_t frame = mid_sample_frame(0, 0x7f0000002001);
    struct written_site copy = written_stack(&frame, 1);
    for (uint64_t i = 1; i <= 20; i++) {
      written_sample(t.site, i << 20, 9000 + 16 * i, 1, (double)i / 100);
      written_sample(copy, (i << 20) + (1 << 19), same ? 9000 + 16 * i : 9000 + 16 * (21 - i), 1,
                     (double)i / 100 + 0.001);
    }
    CHECK_EQ(FINDS("double-buffering"), same);
  }
}

TEST(copies_are_likely_where_their_contents_agree_and_none_where_they_differ)
{
  for (uint64_t differ = 0; differ < 2; differ++) {
    struct mid_content content[40];
    const struct mid_last_facts facts = {.content = content, .contents = 40};
    begin();
    t.process.facts = &facts;
    uint64_t frame = mid_sample_frame(0, 0x7f0000002001);
    struct written_site copy = written_stack(&frame, 1);
    for (uint64_t i = 1; i <= 20; i++) {
      written_sample(t.site, i << 20, 9000 + 16 * i, 1, (double)i / 100);
      written_sample(copy, (i << 20) + (1 << 19), 9000 + 16 * i, 1, (double)i / 100 + 0.001);
      content[2 * i - 2] = (struct mid_content){i << 20, i, 0};
      content[2 * i - 1] = (struct mid_content){(i << 20) + (1 << 19), i + differ, 0};
    }
    const struct mid_finding *f = find("double-buffering");
    CHECK(differ ? f == NULL : f != NULL && f->confidence == MID_LIKELY);
    end();
  }
}

TEST(text_that_is_a_byte_longer_than_what_it_was_made_of_is_a_copy)
{
  for (uint64_t longer = 1; longer <= 2; longer++) {
    begin();
    uint64_t frame = mid_sample_frame(0, 0x7f0000002001);
    struct written_site copy = written_stack(&frame, 1);
    struct mid_content content[40];
    const struct mid_last_facts facts = {.content = content, .contents = 40};
    t.process.facts = &facts;
    for (uint64_t i = 1; i <= 20; i++) {
      written_sample(t.site, i << 20, 9000 + 16 * i, 1, (double)i / 100);
      written_sample(copy, (i << 20) + (1 << 19), 9000 + 16 * i + longer, 1,
                     (double)i / 100 + 0.001);
      content[2 * i - 2] = (struct mid_content){i << 20, i, 100 + i};
      content[2 * i - 1] = (struct mid_content){(i << 20) + (1 << 19), 200 + i, i};
    }
    const struct mid_finding *f = find("double-buffering");
    CHECK(longer == 1 ? f != NULL && f->confidence == MID_LIKELY : f == NULL);
    end();
  }
}

TEST(copies_that_are_freed_by_the_end_are_possible_by_when_they_were_most)
{
  struct mid_sample *sample[40];
  begin();
  uint64_t frame = mid_sample_frame(0, 0x7f0000002001);
  struct written_site copy = written_stack(&frame, 1);
  for (uint64_t i = 0; i < 40; i++)
    sample[i] = written_sample(i % 2 == 0 ? t.site : copy, (i + 1) << 20, 9000 + 16 * (i / 2), 1,
                               (double)i / 100);
  t.site.sum->allocated_bytes = copy.sum->allocated_bytes = (uint64_t)w(20 * 9000);
  t.process.history = mid_history_open();
  for (int i = 1; i <= 2; i++) {
    struct mid_profile p = written_end(1);
    const struct mid_history_look look = {.when = i, .work = 1e6 * i};
    mid_history_add(t.process.history, &look, &p);
    mid_profile_close(&p);
    for (size_t k = 0; k < 40; k++) sample[k]->block = 0;
  }
  const struct mid_finding *f = find("double-buffering");
  CHECK(f != NULL && f->confidence == MID_POSSIBLE && f->blocks == 20);
  end();
}

TEST(small_blocks_of_two_threads_on_one_line_share_it)
{
  for (uint64_t apart = 16; apart <= 64; apart += 48) {
    begin();
    for (uint64_t i = 0; i < 4; i++)
      written_sample(t.site, 4096 + apart * i, 8, 1, 0.1)->thread = (uint32_t)(42 + i);
    CHECK_EQ(FINDS("false-sharing"), apart == 16);
  }
}

TEST(the_worst_comes_first_and_a_doubt_behind_what_is_certain)
{
  struct mid_findings list = {0};
  mid_finding_add(&list, "unused", MID_POSSIBLE, NULL, 5000, 1);
  mid_finding_add(&list, "leaked", MID_CERTAIN, NULL, 1000, 1);
  mid_finding_add(&list, "leaked", MID_CERTAIN, NULL, 2000, 1);
  mid_findings_sort(&list);
  CHECK(list.at[0].bytes == 2000 && list.at[1].bytes == 1000 && list.at[2].bytes == 5000);
  mid_findings_close(&list);
}
