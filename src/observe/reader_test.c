// observe/reader_test.c -- feeds that are whole, of another version, cut short, and damaged.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // memfd_create
#include "observe/reader.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "observe/figures.h"
#include "test.h"

enum { CLASSES = 3, SLOTS = 2 };

static const struct mid_feed_field fields[] = {
#define X(field, unit, ...) {#field, unit, 0, offsetof(struct mid_feed_process, field)},
    MID_FEED_PROCESS(X)
#undef X
#define X(field, unit, ...) {#field, unit, 1, offsetof(struct mid_feed_class, field)},
        MID_FEED_CLASS(X)
#undef X
#define X(field, unit, ...) {#field, unit, 2, offsetof(struct mid_feed_heap, field)},
            MID_FEED_HEAP(X)
#undef X
#define X(field, unit, ...) {#field, unit, 3, offsetof(struct mid_feed_count, field)},
                MID_FEED_COUNT(X)
#undef X
};
enum { FIELDS = sizeof fields / sizeof *fields };

struct feed {
  struct mid_feed_header header;
  struct mid_feed_section section[4];
  struct mid_feed_field field[FIELDS];
  struct mid_feed_process process;
  struct mid_feed_class klass[CLASSES];
  struct mid_feed_slot slot[SLOTS];
};

static void write_feed(struct feed *f) {
  memset(f, 0, sizeof *f);
  memcpy(f->header.magic, MID_FEED_MAGIC, sizeof f->header.magic);
  f->header.version = MID_FEED_VERSION;
  f->header.header_bytes = sizeof f->header;
  f->header.sections = 4;
  f->header.fields = FIELDS;
  f->header.pid = 4242;
  f->header.run = 77;
  strcpy(f->header.command, "a\033[2Jprogram");
  f->section[0] =
      (struct mid_feed_section){"process", offsetof(struct feed, process), sizeof f->process, 0, 1};
  f->section[1] = (struct mid_feed_section){"class", offsetof(struct feed, klass), sizeof *f->klass,
                                            0, CLASSES};
  f->section[2] =
      (struct mid_feed_section){"heap", offsetof(struct feed, slot), sizeof *f->slot, 0, SLOTS};
  f->section[3] = (struct mid_feed_section){"count", offsetof(struct mid_feed_slot, count),
                                            sizeof(struct mid_feed_count), 3, CLASSES};
  memcpy(f->field, fields, sizeof fields);
  f->process.used = 1000;
  f->process.large_bytes = 5000;
  for (unsigned c = 0; c < CLASSES; c++) f->klass[c].block_bytes = 16 * (c + 1);
  for (unsigned s = 0; s < SLOTS; s++) {
    f->slot[s].heap.remote_freed = 3;
    f->slot[s].heap.requests = 4 + s;
    for (unsigned c = 0; c < CLASSES; c++)
      f->slot[s].count[c] = (struct mid_feed_count){.allocated = 10, .freed = c, .carved = 20};
  }
}

static const char *parse(const struct feed *f, size_t size, struct mid_feed_image *image) {
  return mid_feed_parse((const char *)f, size, image);
}

TEST(a_whole_feed_is_read_and_its_slots_are_summed)
{
  struct feed f;
  struct mid_feed_image image;
  write_feed(&f);
  CHECK(parse(&f, sizeof f, &image) == NULL);
  CHECK_EQ(image.pid, 4242);
  CHECK_EQ(image.run, 77);
  CHECK_EQ(image.process.used, 1000);
  CHECK_EQ(image.classes, CLASSES);
  CHECK_EQ(image.slots, SLOTS);
  CHECK_EQ(image.heaps.remote_freed, 6);
  CHECK_EQ(image.heaps.requests, 9);
  CHECK_EQ(image.count[2].allocated, 20);
  CHECK_EQ(image.count[2].freed, 4);
  CHECK_EQ(mid_image_live(&image), 5000 + 20 * 16 + 18 * 32 + 16 * 48);
}

TEST(a_command_line_cannot_command_the_terminal)
{
  struct feed f;
  struct mid_feed_image image;
  write_feed(&f);
  CHECK(parse(&f, sizeof f, &image) == NULL);
  CHECK_STR(image.command, "a [2Jprogram");
}

TEST(fields_are_found_by_name_wherever_they_are)
{
  struct feed f;
  struct mid_feed_image image;
  write_feed(&f);
  struct mid_feed_field first = f.field[0];
  f.field[0] = f.field[FIELDS - 1];
  f.field[FIELDS - 1] = first;
  f.header.version = 99;
  strcpy(f.field[1].name, "something_new");  // was "used"
  CHECK(parse(&f, sizeof f, &image) == NULL);
  CHECK_EQ(image.version, 99);
  CHECK_EQ(image.process.used, 0);
  CHECK_EQ(image.process.large_bytes, 5000);
  CHECK_EQ(image.count[0].allocated, 20);
}

// A feed with fewer records of collections than this reader knows of, and none of windows.
static void write_collections(struct mid_feed_header *h, char *room, size_t bytes) {
  static const struct mid_feed_field names[] = {{"used", "bytes", 0, 0},
                                                {"heaps", "heaps", 1, 0},
                                                {"minor", "times", 2, 8},
                                                {"major", "times", 2, 0},
                                                {"began", "ns", 3, 0}};
  const uint64_t at = sizeof *h + 4 * sizeof(struct mid_feed_section) + sizeof names;
  const struct mid_feed_section sections[] = {{"process", at, 8, 0, 1},
                                              {"gc", at + 8, 8, 0, 1},
                                              {"gc_work", at + 16, 16, 0, 1},
                                              {"gc_last", at + 32, 8, 0, 3}};
  const uint64_t numbers[] = {1000, 2, 4, 5, 70, 71, 72};
  CHECK(at + sizeof numbers <= bytes);
  memcpy(room, h, sizeof *h);
  memcpy(room + sizeof *h, sections, sizeof sections);
  memcpy(room + sizeof *h + sizeof sections, names, sizeof names);
  memcpy(room + at, numbers, sizeof numbers);
}

TEST(collections_are_read_as_far_as_a_feed_has_them)
{
  struct feed f;
  struct mid_feed_image image;
  char room[4096] = {0};
  write_feed(&f);
  f.header.fields = 5;
  write_collections(&f.header, room, sizeof room);
  CHECK(mid_feed_parse(room, sizeof room, &image) == NULL);
  CHECK_EQ(image.gc.heaps, 2);
  CHECK_EQ(image.collections.work.major, 4);
  CHECK_EQ(image.collections.work.minor, 5);
  CHECK_EQ(image.last_collections, 3);
  CHECK_EQ(image.collections.last[2].began, 72);
  CHECK_EQ(image.collections.last[3].began, 0);
  CHECK_EQ(image.collections.window[0].window, 0);
}

TEST(a_file_that_grows_is_read_as_far_as_it_goes)
{
  struct feed f;
  struct mid_feed_image image;
  write_feed(&f);
  CHECK(parse(&f, sizeof f - 1, &image) == NULL);
  CHECK_EQ(image.slots, SLOTS - 1);
}

TEST(what_is_no_feed_is_told_in_a_sentence)
{
  struct feed f;
  struct mid_feed_image image;
  write_feed(&f);
  CHECK(parse(&f, 0, &image) != NULL);
  CHECK(parse(&f, sizeof f.header - 1, &image) != NULL);
  CHECK(parse(&f, offsetof(struct feed, process), &image) != NULL);
  f.header.magic[0] ^= 1;
  CHECK(parse(&f, sizeof f, &image) != NULL);
}

// A feed of exactly `size` bytes that end where the next page cannot be read.
static char *at_the_edge(const struct feed *f, size_t size, char *edge) {
  return memcpy(edge - size, f, size);
}

static char *make_edge(size_t *bytes) {
  *bytes = (sizeof(struct feed) + 2 * 4096) / 4096 * 4096;
  char *room =
      mmap(NULL, *bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(room != MAP_FAILED);
  CHECK_EQ(mprotect(room + *bytes, 4096, PROT_NONE), 0);
  return room + *bytes;
}

// What was read may be nonsense, but it fits together.
static void check_image(const struct mid_feed_image *image) {
  CHECK(image->classes <= MID_FEED_CLASSES);
  CHECK(memchr(image->command, 0, sizeof image->command) != NULL);
  for (uint32_t c = 0; c < image->classes; c++) {
    CHECK(image->count[c].freed <= image->count[c].allocated);
    CHECK(image->count[c].dropped <= image->count[c].carved);
  }
  struct mid_process process = {.has_feed = true, .image = *image};
  struct mid_figures figures;
  mid_figures_make(&process, &figures);
}

TEST(no_feed_that_is_cut_short_is_read_past_its_end)
{
  struct feed f;
  struct mid_feed_image image;
  size_t bytes;
  write_feed(&f);
  char *edge = make_edge(&bytes);
  for (size_t size = 0; size <= sizeof f; size++)
    if (mid_feed_parse(at_the_edge(&f, size, edge), size, &image) == NULL) check_image(&image);
  munmap(edge - bytes, bytes + 4096);
}

TEST(no_feed_with_flipped_bits_is_read_past_its_end)
{
  struct feed f;
  struct mid_feed_image image;
  size_t bytes, whole = 0;
  write_feed(&f);
  char *edge = make_edge(&bytes);
  for (size_t bit = 0; bit < 8 * offsetof(struct feed, process); bit++) {
    char *damaged = at_the_edge(&f, sizeof f, edge);
    damaged[bit / 8] = (char)(damaged[bit / 8] ^ (1 << bit % 8));
    if (mid_feed_parse(damaged, sizeof f, &image) != NULL) continue;
    check_image(&image);
    whole++;
  }
  CHECK(whole > 0);
  munmap(edge - bytes, bytes + 4096);
}

// Were the second believed, what was checked against the first would reach past the end.
TEST(of_two_sections_with_one_name_the_first_counts)
{
  struct feed f;
  struct mid_feed_image image;
  size_t bytes;
  write_feed(&f);
  char *edge = make_edge(&bytes);
  f.section[0].records = 0;  // the process record goes, to make room for another "heap"
  struct mid_feed_section heap = f.section[2], count = f.section[3];
  f.section[1] = heap;
  f.section[2] = count;
  f.section[3] = (struct mid_feed_section){"heap", sizeof f - 64, 64, 0, 1};
  CHECK(mid_feed_parse(at_the_edge(&f, sizeof f, edge), sizeof f, &image) != NULL);
  f.section[0] =
      (struct mid_feed_section){"process", offsetof(struct feed, process), sizeof f.process, 0, 1};
  CHECK(mid_feed_parse(at_the_edge(&f, sizeof f, edge), sizeof f, &image) == NULL);
  CHECK_EQ(image.slots, SLOTS);
  munmap(edge - bytes, bytes + 4096);
}

static uint64_t draw(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  return *seed ^= *seed << 17;
}

TEST(no_feed_with_random_words_is_read_past_its_end)
{
  struct feed f;
  struct mid_feed_image image;
  size_t bytes;
  uint64_t seed = 88172645463325252u;
  write_feed(&f);
  char *edge = make_edge(&bytes);
  for (int round = 0; round < 100000; round++) {
    char *damaged = at_the_edge(&f, sizeof f, edge);
    for (uint64_t n = draw(&seed) % 4 + 1; n > 0; n--) {
      uint64_t value = draw(&seed) >> draw(&seed) % 64;
      memcpy(damaged + 8 + draw(&seed) % (offsetof(struct feed, process) - 16), &value, 8);
    }
    if (mid_feed_parse(damaged, sizeof f, &image) == NULL) check_image(&image);
  }
  munmap(edge - bytes, bytes + 4096);
}

// ---- from a file --------------------------------------------------------------------------------

static int file_of(const struct feed *f) {
  int fd = memfd_create("feed", MFD_CLOEXEC);
  CHECK(fd >= 0);
  CHECK_EQ(write(fd, f, sizeof *f), sizeof *f);
  return fd;
}

TEST(a_feed_is_read_from_its_file)
{
  struct feed f;
  struct mid_feed_image image;
  struct mid_feed_room room = {0};
  write_feed(&f);
  f.header.sequence = 8;
  int fd = file_of(&f);
  CHECK(mid_feed_read(fd, &room, &image) == NULL);
  CHECK(!image.torn);
  CHECK_EQ(image.count[0].allocated, 20);
  close(fd);
  mid_feed_room_close(&room);
}

TEST(a_process_that_died_while_it_wrote_is_read_and_marked)
{
  struct feed f;
  struct mid_feed_image image;
  struct mid_feed_room room = {0};
  write_feed(&f);
  f.header.sequence = 7;
  int fd = file_of(&f);
  CHECK(mid_feed_read(fd, &room, &image) == NULL);
  CHECK(image.torn);
  CHECK_EQ(image.process.used, 1000);
  close(fd);
  mid_feed_room_close(&room);
}

TEST(an_empty_file_and_a_closed_one_are_no_feeds)
{
  struct mid_feed_image image;
  struct mid_feed_room room = {0};
  int fd = memfd_create("feed", MFD_CLOEXEC);
  CHECK(mid_feed_read(fd, &room, &image) != NULL);
  close(fd);
  CHECK(mid_feed_read(fd, &room, &image) != NULL);
  mid_feed_room_close(&room);
}
