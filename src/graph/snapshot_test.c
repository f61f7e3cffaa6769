// graph/snapshot_test.c -- a graph comes back from its file as it was, and from no damaged one.
// SPDX-License-Identifier: MIT
#include "graph/snapshot.h"

#include "test.h"
//
#include "graph/drawn_test.h"
#include "graph/packed.h"

static const struct drawn_block BLOCKS[] = {{"table", 64, {2, -3, 5}},
                                            {"entry", 32, {3}},
                                            {"entry", 1 << 20, {0}},
                                            {"lost", 48, {1, 2, 3}},
                                            {"entry", 16, {1}}};
static const struct drawn_owner OWNERS[] = {{MID_OWNER_GLOBAL, "cache in server", {1, -2}},
                                            {MID_OWNER_STACK, "main of thread 7", {0}}};

static struct mid_graph make(void) {
  struct mid_graph g = DRAWN(BLOCKS, OWNERS);
  g.born[1] = 12345;
  g.pid = 4711;
  g.taken_ms = 1790000000000;
  mid_graph_name(&g, "server");
  return g;
}

static size_t write_to(char *room, size_t bytes, const struct mid_graph *g) {
  FILE *out = tmpfile();
  CHECK(out != NULL && mid_snapshot_write(g, out));
  rewind(out);
  size_t have = fread(room, 1, bytes, out);
  fclose(out);
  return have;
}

static const char *read_from(const void *room, size_t bytes, struct mid_graph *g) {
  FILE *in = tmpfile();
  CHECK(in != NULL && fwrite(room, 1, bytes, in) == bytes);
  rewind(in);
  const char *wrong = mid_snapshot_read(in, g);
  fclose(in);
  return wrong;
}

TEST(a_graph_comes_back_as_it_was)
{
  static char file[65536];
  struct mid_graph g = make(), back;
  size_t bytes = write_to(file, sizeof file, &g);
  CHECK(read_from(file, bytes, &back) == NULL);
  CHECK_WHOLE(mid_graph_broken(&back));
  CHECK_STR(back.program, "server");
  CHECK_EQ(back.pid, 4711);
  CHECK_EQ(back.taken_ms, g.taken_ms);
  CHECK_EQ(back.edges.count, g.edges.count);
  CHECK_EQ(back.owner_count, g.owner_count);
  CHECK_STR(back.owner[0].name, "cache in server");
  CHECK_EQ(back.owner[1].kind, MID_OWNER_STACK);
  for (uint32_t b = 0; b < g.edges.blocks; b++) {
    CHECK_EQ(back.address[b], g.address[b]);
    CHECK_EQ(back.size[b], g.size[b]);
    CHECK_EQ(back.born[b], g.born[b]);
    CHECK_STR(back.sites[back.site[b]].name, BLOCKS[b].site);
    CHECK_EQ(back.tree.retained[b], g.tree.retained[b]);
  }
  for (size_t i = 0; i < g.edges.count; i++) CHECK_EQ(back.edges.target[i], g.edges.target[i]);
  mid_graph_close(&back);
  mid_graph_close(&g);
}

TEST(a_file_that_is_cut_is_no_snapshot)
{
  static char file[65536];
  struct mid_graph g = make(), back;
  size_t bytes = write_to(file, sizeof file, &g);
  for (size_t n = 0; n < bytes; n++) {
    CHECK(read_from(file, n, &back) != NULL);
    CHECK(back.address == NULL);
  }
  file[bytes] = 0;
  CHECK(read_from(file, bytes + 1, &back) != NULL);
  mid_graph_close(&g);
}

TEST(a_bit_that_fell_over_is_found)
{
  static char file[65536];
  struct mid_graph g = make(), back;
  size_t bytes = write_to(file, sizeof file, &g);
  for (size_t bit = 0; bit < 8 * bytes; bit++) {
    file[bit / 8] ^= (char)(1 << bit % 8);
    // zstd's header has bits that mean nothing; then the graph is the same.
    if (read_from(file, bytes, &back) == NULL) {
      CHECK_WHOLE(mid_graph_broken(&back));
      mid_graph_close(&back);
    }
    file[bit / 8] ^= (char)(1 << bit % 8);
  }
  mid_graph_close(&g);
  CHECK_EQ(mid_array_bytes(), 0);
}

// Numbers that a checksum cannot catch: they were packed as they are.
static const char *read_numbers(const uint64_t *number, size_t numbers, struct mid_graph *g) {
  FILE *file = tmpfile();
  struct mid_packed p;
  CHECK(file != NULL);
  fwrite("MIDGRAPH\1\0\0\0", 1, 12, file);
  mid_packed_open_write(&p, file);
  for (size_t i = 0; i < numbers; i++) mid_packed_put(&p, number[i]);
  CHECK(mid_packed_end_write(&p));
  rewind(file);
  const char *wrong = mid_snapshot_read(file, g);
  fclose(file);
  return wrong;
}

TEST(numbers_that_cannot_be_are_not_believed)
{
  // Program "", pid, time, two blocks, a site "s" of no file; then addresses, sizes, sites, births,
  // rows; no owners.
  static const uint64_t good[] = {0, 1,  2,  2, 1, 1, 's', 0, 0, 1, 4096,
                                  0, 16, 16, 0, 0, 0, 0,   1, 4, 0, 0};
  enum { COUNT = sizeof good / sizeof *good };
  struct mid_graph g;
  CHECK(read_numbers(good, COUNT, &g) == NULL);
  CHECK_EQ(g.edges.count, 2);  // and that of what nothing holds
  mid_graph_close(&g);
  static const struct {
    size_t place;
    uint64_t number;
  } bad[] = {
      {3, UINT64_MAX},   // more blocks than there can be
      {3, 1u << 30},     // than fit
      {4, UINT32_MAX},   // sites
      {4, 0},            // none, and blocks are of one
      {10, UINT64_MAX},  // a block that wraps around
      {12, UINT64_MAX},  // its size too
      {14, 1},           // a site that is not there
      {18, UINT32_MAX},  // a row that does not end
      {19, 3},           // a target below the first block
      {19, 1u << 20},    // behind the last
      {21, UINT32_MAX},  // owners
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint64_t number[COUNT];
    memcpy(number, good, sizeof good);
    number[bad[i].place] = bad[i].number;
    CHECK(read_numbers(number, COUNT, &g) != NULL);
  }
  CHECK_EQ(mid_array_bytes(), 0);
}
