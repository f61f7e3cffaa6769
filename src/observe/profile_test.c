// observe/profile_test.c -- sample files: sums and their errors, names, damage.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // dladdr
#include "observe/profile.h"

#include <dlfcn.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "observe/perf_map.h"
#include "observe/profile_names.h"
#include "test.h"

#include "observe/profile_written_test.h"

static bool is_near(double a, double b) { return fabs(a - b) <= 1e-9 * fabs(b) + 1e-9; }

TEST(live_bytes_are_weighted_by_the_chance_and_have_a_standard_error)
{
  written_begin();
  uint64_t frame = mid_sample_frame(written_module("/bin/x"), 0x100);
  struct written_site dense = written_stack(&frame, 1);
  struct written_site thin = written_stack(&frame, 1);
  written_sample(dense, 0x2000, 100, 1, 0.5);
  written_sample(thin, 0x1000, 64, 4096, 1.5);
  written_sample(thin, 0x3000, 64, 4096, 2);
  thin.sum->allocated = 256 * 1000 + 128;
  thin.sum->lives[3] = 512;
  struct mid_profile p = written_end(4);
  CHECK_EQ(p.pid, 42);
  CHECK_EQ(p.sites, 2);
  CHECK_EQ(p.samples, 3);
  CHECK(is_near(p.now, 4) && is_near(p.sample[0].born, 1.5));
  CHECK(is_near(p.site[0].live_bytes, 100) && is_near(p.site[0].live_error, 0));
  double chance = 1 - exp(-64.0 / 4096);
  CHECK(is_near(p.site[1].live, 2 / chance) && is_near(p.site[1].live_bytes, 128 / chance));
  CHECK(is_near(p.site[1].live_error, 64 / chance * sqrt(2 * (1 - chance))));
  CHECK(is_near(p.site[1].allocated, 1000.5) && is_near(p.site[1].lives[3], 2));
  CHECK(mid_profile_block(&p, 0x3000)->stack == thin.stack &&
        mid_profile_block(&p, 0x3001) == NULL);
  CHECK(mid_profile_site_of(&p, thin.stack) == &p.site[1] &&
        mid_profile_site_of(&p, thin.stack + 1) == NULL);
  mid_profile_close(&p);
}

TEST(records_go_on_in_later_pieces)
{
  written_begin();
  uint64_t frame = mid_sample_frame(0, 0x7f00);
  for (int i = 0; i < 300; i++) {
    struct written_site s = written_stack(&frame, 1);
    for (int k = 0; k < 10; k++) written_sample(s, 16 + (uint64_t)(i * 10 + k) * 16, 16, 1, 0);
  }
  struct mid_profile p = written_end(1);
  CHECK_EQ(p.sites, 300);
  CHECK_EQ(p.samples, 3000);
  for (size_t i = 0; i < p.sites; i++) CHECK_EQ(p.site[i].live_samples, 10);
  mid_profile_close(&p);
}

// ---- names --------------------------------------------------------------------------------------

static struct mid_profile_frame named(const char *function, const char *file, const char *module) {
  return (struct mid_profile_frame){.function = function, .file = file, .module = module};
}

TEST(a_languages_library_is_told_from_the_programs_own_code)
{
  struct mid_profile_frame runtime[] = {
      named("strdup", "", "/lib/x86_64-linux-gnu/libc.so.6"),
      named("operator new", "", "/usr/lib/libstdc++.so.6"),
      named("std::vector<int>::push_back", "", "/home/me/prog"),
      named("push_back", "/usr/include/c++/12/bits/stl_vector.h", "/home/me/prog"),
      named("_dl_allocate_tls", "", "/lib64/ld-linux-x86-64.so.2"),
      named("_start", "", "/home/me/prog"),
  };
  for (size_t i = 0; i < sizeof runtime / sizeof *runtime; i++)
    CHECK(mid_frame_is_runtime(&runtime[i]));
  struct mid_profile_frame own[] = {
      named("main", "/home/me/prog.c", "/home/me/prog"),
      named("prog+0x1234", "", "/home/me/prog"),
      named("sqlite3_open", "", "/usr/lib/libsqlite3.so.0"),
      named("decode", "/home/me/include/c.h", "/home/me/prog"),
  };
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) CHECK(!mid_frame_is_runtime(&own[i]));
}

TEST(a_wrapper_of_malloc_is_known_by_its_name)
{
  const char *wrappers[] = {
      "xmalloc",  "g_malloc",      "safe_calloc",   "zmalloc_usable",  "my_strdup",
      "xrealloc", "sqlite3Malloc", "malloc_or_die", "PyObject_Malloc", "Perl_safesysmalloc"};
  const char *others[] = {"main",         "leak_malloc", "malloc_nodes", "alloc_node",
                          "realloc_loop", "node_new",    "strdup_words", "Cache::malloc"};
  for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
    struct mid_profile_frame f = named(wrappers[i], "", "");
    CHECK(mid_frame_is_wrapper(&f));
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    struct mid_profile_frame f = named(others[i], "", "");
    CHECK(!mid_frame_is_wrapper(&f));
  }
}

static __attribute__((noinline)) void *xmalloc(void) { return __builtin_return_address(0); }
static __attribute__((noinline)) void *make_a_session(void) {
  void *volatile address = xmalloc();
  return address;
}

TEST(the_frame_to_blame_has_its_line_and_not_that_of_the_next)
{
  Dl_info info;
  char self[512] = {0};
  void *address = make_a_session();
  CHECK(dladdr(address, &info) != 0 && readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  written_begin();
  uint64_t frame[2] = {
      mid_sample_frame(written_module("/nowhere/libmidden.so.0"), 0x10),
      mid_sample_frame(written_module(self), (uint64_t)((char *)address - (char *)info.dli_fbase))};
  written_sample(written_stack(frame, 2), 0x1000, 8, 1, 0);
  struct mid_profile p = written_end(1);
  struct mid_symbols *s = mid_symbols_open();
  mid_profile_name_all(&p, s);
  const struct mid_profile_frame *place = mid_profile_place(&p.site[0]);
  CHECK_STR(place->function, "make_a_session");
  CHECK_STR(place->module, self);
  CHECK_EQ(p.site[0].frames, 1);
  uint64_t key = mid_profile_key(&p.site[0]);
  mid_profile_close(&p);
  p = written_end(1);
  mid_profile_name_all(&p, s);
  CHECK_EQ(mid_profile_key(&p.site[0]), key);
  mid_profile_close(&p);
  mid_symbols_close(s);
}

TEST(a_site_without_names_still_has_a_place)
{
  written_begin();
  uint64_t frame = mid_sample_frame(0, 0x7f001235);
  written_sample(written_stack(&frame, 1), 0x1000, 8, 1, 0);
  written_sample(written_stack(NULL, 0), 0x2000, 8, 1, 0);
  struct mid_profile p = written_end(1);
  struct mid_symbols *s = mid_symbols_open();
  mid_profile_name_all(&p, s);
  CHECK_STR(mid_profile_place(&p.site[0])->function, "0x7f001234");
  CHECK_STR(mid_profile_place(&p.site[1])->function, "?");
  mid_profile_close(&p);
  mid_symbols_close(s);
}

TEST(the_later_line_of_a_perf_map_names_the_newer_code)
{
  const char text[] = "1000 100 old\n1080 10 new one\nzz 5 bad\n2000 x bad\n3000 8 last";
  struct mid_perf_map *m = mid_perf_map_parse(text, sizeof text - 1);
  CHECK_STR(mid_perf_map_find(m, 0x1000), "old");
  CHECK_STR(mid_perf_map_find(m, 0x108f), "new one");
  CHECK_STR(mid_perf_map_find(m, 0x3007), "last");
  CHECK(mid_perf_map_find(m, 0x3008) == NULL && mid_perf_map_find(m, 0x2000) == NULL);
  mid_perf_map_close(m);
}

// ---- damage -------------------------------------------------------------------------------------

static void write_some(void) {
  written_begin();
  uint64_t frame[3] = {mid_sample_frame(written_module("/bin/x"), 0x100), mid_sample_frame(0, 7),
                       mid_sample_frame(9, 7)};
  struct written_site s = written_stack(frame, 3);
  for (uint64_t i = 1; i < 20; i++) written_sample(s, i * 64, 48, 1 + i % 2 * 100, 0.1);
}

static void parse_and_name(size_t bytes, struct mid_symbols *s) {
  struct mid_profile p;
  if (mid_profile_parse(written.bytes, bytes, &p) != NULL) return;
  for (size_t i = 0; i < p.samples; i++) CHECK(p.sample[i].site < p.sites);
  mid_profile_name_all(&p, s);
  mid_profile_close(&p);
}

TEST(a_file_that_is_cut_or_damaged_anywhere_is_read_without_harm)
{
  struct mid_symbols *s = mid_symbols_open();
  write_some();
  struct mid_profile whole = written_end(1);
  mid_profile_close(&whole);
  size_t bytes = MID_SAMPLES_HEAD + written.head.pieces * MID_SAMPLES_PIECE;
  for (size_t cut = 0; cut <= bytes; cut += 97) parse_and_name(cut, s);
  static const unsigned char values[] = {0, 1, 3, 0x7f, 0x80, 0xff};
  for (size_t piece = 0; piece <= written.head.pieces; piece++)
    for (size_t i = 0; i < 512; i++) {
      size_t at = (piece == 0 ? 0 : MID_SAMPLES_HEAD + (piece - 1) * MID_SAMPLES_PIECE) + i;
      char was = written.bytes[at];
      for (size_t k = 0; k < sizeof values; k++) {
        written.bytes[at] = (char)values[k];
        parse_and_name(bytes, s);
      }
      written.bytes[at] = was;
    }
  mid_symbols_close(s);
}

TEST(what_is_no_sample_file_is_told_apart)
{
  struct mid_profile p;
  written_begin();
  written.head.version = 77;
  CHECK(strstr(mid_profile_parse(written.bytes, MID_SAMPLES_HEAD, &p), "another version"));
  written.head.xmagic = 7;
  CHECK(strstr(mid_profile_parse(written.bytes, MID_SAMPLES_HEAD, &p), "does not begin"));
  CHECK(strstr(mid_profile_parse(written.bytes, 100, &p), "shorter"));
  CHECK(strstr(mid_profile_of(-7, &p), "no sample file"));
}

TEST(a_sample_file_is_read_from_its_descriptor)
{
  struct mid_profile p;
  write_some();
  int fd = memfd_create("samples", 0);
  size_t bytes = MID_SAMPLES_HEAD + written.head.pieces * MID_SAMPLES_PIECE;
  CHECK_EQ(write(fd, written.bytes, bytes), bytes);
  CHECK(mid_profile_read(fd, &p) == NULL);
  CHECK_EQ(p.samples, 19);
  mid_profile_close(&p);
  close(fd);
}
