// replay/measure.c -- see measure.h.
// SPDX-License-Identifier: MIT
#include "replay/measure.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"

#define COUNTED_MOST ((uint64_t)64 << 20)

static uint64_t own_bytes;

void *mid_own_memory(size_t bytes) {
  bytes = mid_round_up(mid_max(bytes, 1), 4096);
  void *p =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (p == MAP_FAILED) return NULL;
  // A machine that makes huge pages by itself would make some of these later.
  (void)madvise(p, bytes, MADV_NOHUGEPAGE);
  own_bytes += bytes;
  return p;
}

uint64_t mid_own_bytes(void) { return own_bytes; }

// ---- resident ----

static void read_file(const char *name, char *room, size_t bytes) {
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, room, bytes - 1);
  room[n < 0 ? 0 : n] = 0;
  if (fd >= 0) close(fd);
}

static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

// "size resident shared ...", in pages; shared is what is of files, as the plan is.
static void read_statm(uint64_t *resident, uint64_t *shared) {
  char words[256], *at;
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  read_file("/proc/self/statm", words, sizeof words);
  strtoul(words, &at, 10);
  *resident = strtoul(at, &at, 10) * page;
  *shared = strtoul(at, &at, 10) * page;
}

// The number of KiB behind `name` in one of the kernel's tables.
static uint64_t read_kib(const char *file, const char *name) {
  char words[4096];
  read_file(file, words, sizeof words);
  const char *at = strstr(words, name);
  return at == NULL ? 0 : strtoul(at + strlen(name), NULL, 10) * 1024;
}

// The kernel's counters are some hundred KiB off, as each processor keeps a part to itself.  Where
// that could be seen, the pages are counted, which takes the kernel a while where there are many.
uint64_t mid_measure_rss(void) {
  uint64_t resident, shared;
  read_statm(&resident, &shared);
  if (resident > COUNTED_MOST) return less(resident, shared + own_bytes);
  return less(read_kib("/proc/self/smaps_rollup", "Anonymous:"), own_bytes);
}

uint64_t mid_measure_peak_rss(void) {
  uint64_t resident, shared, peak = read_kib("/proc/self/status", "VmHWM:");
  read_statm(&resident, &shared);
  return peak > COUNTED_MOST ? less(peak, shared + own_bytes) : mid_measure_rss();
}

// ---- pages ----

// A leaf has a bit for each page of 16 MiB; leaves are found by hashing.
enum { PAGE_LOG = 12, LEAF_LOG = 24, LEAF_WORDS = (1 << (LEAF_LOG - PAGE_LOG)) / 64 };
enum { LEAVES_AT_ONCE = 1024, PLACES = 1 << 18 };

struct leaf {
  uint64_t word[LEAF_WORDS];
};

static struct {
  struct {
    uint64_t number;  // address >> LEAF_LOG, 0: none
    struct leaf *leaf;
  } * place;
  struct leaf *free;
  size_t left, used;
  uint64_t count;
} pages;

bool mid_pages_open(void) {
  pages.place = mid_own_memory(PLACES * sizeof *pages.place);
  return pages.place != NULL;
}

static struct leaf *leaf_new(void) {
  if (pages.left == 0) {
    pages.free = mid_own_memory(LEAVES_AT_ONCE * sizeof *pages.free);
    if (pages.free == NULL) return NULL;
    pages.left = LEAVES_AT_ONCE;
  }
  pages.left--;
  return pages.free++;
}

// NULL when there are too many, half of which is 2 TiB.
static struct leaf *leaf_at(uint64_t number) {
  size_t i = (number * 0x9e3779b97f4a7c15u >> 40) % PLACES;
  while (pages.place[i].number != 0 && pages.place[i].number != number) i = (i + 1) % PLACES;
  if (pages.place[i].number == 0) {
    struct leaf *leaf = pages.used < PLACES / 2 ? leaf_new() : NULL;
    if (leaf == NULL) return NULL;
    pages.used++;
    pages.place[i].number = number;
    pages.place[i].leaf = leaf;
  }
  return pages.place[i].leaf;
}

// Pages `from` to `to` - 1 of one word.
static void word_add(uint64_t *word, unsigned from, unsigned to) {
  uint64_t bits = (to - from == 64 ? ~0ull : ((1ull << (to - from)) - 1) << from);
  pages.count += (uint64_t)__builtin_popcountll(bits & ~*word);
  *word |= bits;
}

void mid_pages_add(const void *block, size_t bytes) {
  uint64_t page = (uintptr_t)block >> PAGE_LOG;
  uint64_t end = (((uintptr_t)block + mid_max(bytes, 1) - 1) >> PAGE_LOG) + 1;
  while (page < end) {
    uint64_t stop = mid_min(end, (page | 63) + 1);
    struct leaf *leaf = leaf_at(page >> (LEAF_LOG - PAGE_LOG));
    if (leaf == NULL) return;
    word_add(&leaf->word[page / 64 % LEAF_WORDS], page % 64, (unsigned)(stop - 1) % 64 + 1);
    page = stop;
  }
}

uint64_t mid_pages_bytes(void) { return pages.count << PAGE_LOG; }
