// bench/gc/written.c -- what it costs to let the kernel tell which pages were written.
// SPDX-License-Identifier: MIT
//
//   written [MIB]     three tables; the most memory that is followed, 1024 MiB when not given
//
// The first: the time of a question, and what a page costs that is written between two of them: the
// fault of its first store, and its part of the question.  The best of ROUNDS.
// The second: a table of MIB in small pages or in huge ones, stored to at random between questions:
// the mean of all rounds, what is still huge in the end, and a load at random before and after.
// The third: blocks that are filled from end to end, as they are or lifted first.
//
//   cc -std=gnu11 -O2 -D_GNU_SOURCE= -Isrc -Iinclude bench/gc/written.c src/os/os_linux.c
//     src/os/os_linux_proc.c src/os/os_linux_written.c src/base/check.c src/base/text.c -pthread
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "os/os.h"
#include "os/written.h"

enum { MIB = 1 << 20, PAGE = 4096, ROUNDS = 9, LOADS = 500000 };

static struct mid_written tracker;
static uint64_t random_state = 1;

static uint64_t random_next(void) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}

// Of the processor, since the machine may have other work.
static double now_us(void) { return (double)mid_os_cpu_nanoseconds() / 1000; }

static unsigned char *followed(size_t bytes, int advice) {
  unsigned char *p = mid_os_map_aligned(bytes, 2 * MIB);
  if (p == NULL || madvise(p, bytes, advice) != 0) exit(1);
  if (!mid_written_track(&tracker, p, bytes)) exit(1);
  for (size_t i = 0; i < bytes; i += 8) memcpy(p + i, &(uint64_t){random_next()}, 8);
  return p;
}

static void count(void *pages, uintptr_t from, uintptr_t to) {
  *(size_t *)pages += (to - from) / PAGE;
}

// The time of a question, and how many pages it told of.
static double asked(unsigned char *p, size_t bytes, size_t *pages) {
  *pages = 0;
  double start = now_us();
  if (!mid_written_scan(&tracker, p, bytes, count, pages)) exit(1);
  return now_us() - start;
}

// Store to every `apart`-th page; the time of all of it.
static double stored(unsigned char *p, size_t bytes, size_t apart) {
  double start = now_us();
  for (size_t i = 0; i < bytes; i += apart * PAGE) (*(volatile unsigned char *)(p + i))++;
  return now_us() - start;
}

static double least(double a, double b) { return a < b ? a : b; }

static void costs_row(size_t mib, size_t apart) {
  size_t bytes = mib * MIB, pages;
  unsigned char *p = followed(bytes, MADV_NOHUGEPAGE);
  double clean = 1e12, dirty = 1e12, store = 1e12, again = 1e12;
  asked(p, bytes, &pages);
  for (int i = 0; i < ROUNDS; i++) {
    clean = least(clean, asked(p, bytes, &pages));
    store = least(store, stored(p, bytes, apart));
    again = least(again, stored(p, bytes, apart));
    dirty = least(dirty, asked(p, bytes, &pages));
  }
  printf("%6zu MiB  %6.2f %%  %8zu  %9.3f ms  %9.3f ms  %12.2f ms  %8.3f us  %8.3f us\n", mib,
         100.0 / (double)apart, pages, clean / 1000, dirty / 1000,
         clean * 1024 / (double)mib / 1000, (store - again) / (double)pages,
         (dirty - clean) / (double)pages);
  mid_os_unmap(p, bytes);
}

// The time of a load at random, in nanoseconds, each waiting for the one before.
static double load_ns(const unsigned char *p, size_t bytes) {
  double best = 1e12;
  uint64_t at = 0, word;
  for (int round = 0; round < ROUNDS; round++) {
    double start = now_us();
    for (int i = 0; i < LOADS; i++) {
      memcpy(&word, p + (at & (bytes - 8)), 8);
      at = (at ^ word) * 0x9e3779b97f4a7c15u + (uint64_t)i;
      at ^= at >> 29;
    }
    best = least(best, now_us() - start);
  }
  return at == 0 ? 0 : best * 1000 / LOADS;
}

static void table_row(size_t mib, int advice, size_t stores, int rounds) {
  size_t bytes = mib * MIB, pages;
  struct mid_os_resident before, after, none;
  mid_os_resident_read(&none);
  unsigned char *p = followed(bytes, advice);
  mid_os_resident_read(&before);
  asked(p, bytes, &pages);
  double load = load_ns(p, bytes), store = 0, ask = 0, first = 0, clean = asked(p, bytes, &pages);
  for (int i = 0; i < rounds; i++) {
    double start = now_us();
    for (size_t k = 0; k < stores; k++) (*(volatile unsigned char *)(p + random_next() % bytes))++;
    double took = now_us() - start;
    first = i == 0 ? took : first;
    store += took;
    ask += asked(p, bytes, &pages);
  }
  mid_os_resident_read(&after);
  printf(
      "%-6s %7zu  %6d  %6.0f MiB  %6.0f MiB  %8.2f ms  %8.2f ms  %8.2f ms  %8.2f ms  %7.1f  "
      "%7.1f\n",
      advice == MADV_HUGEPAGE ? "huge" : "small", stores, rounds,
      (double)(before.huge - none.huge) / MIB, (double)(after.huge - none.huge) / MIB, clean / 1000,
      first / 1000, store / rounds / 1000, ask / rounds / 1000, load, load_ns(p, bytes));
  mid_os_unmap(p, bytes);
}

// Blocks of `block` bytes, all of them protected, are filled as they are, and lifted first.
static void fill_row(size_t mib, size_t block) {
  size_t bytes = mib * MIB, pages;
  unsigned char *p = followed(bytes, MADV_NOHUGEPAGE);
  double took[3] = {1e12, 1e12, 1e12};  // open, protected, protected and lifted
  for (int i = 0; i < 3 * ROUNDS; i++) {
    if (i % 3 != 0) asked(p, bytes, &pages);
    double start = now_us();
    for (size_t at = 0; at < bytes; at += block) {
      if (i % 3 == 2) mid_written_lift(&tracker, p + at, block);
      memset(p + at, i, block);
    }
    took[i % 3] = least(took[i % 3], now_us() - start);
  }
  for (int i = 0; i < 3; i++) took[i] /= (double)(bytes / block);
  printf("%7zu KiB  %8.2f us  %8.2f us  %8.2f us\n", block / 1024, took[0], took[1], took[2]);
  mid_os_unmap(p, bytes);
}

int main(int count_of_words, char **words) {
  const char *why;
  size_t most = count_of_words > 1 ? strtoul(words[1], NULL, 10) : 1024;
  if (!mid_written_open(&tracker, &why)) {
    fprintf(stderr, "written: %s\n", why);
    return 1;
  }
  static const size_t aparts[] = {1000, 100, 10, 2, 1};
  printf("%10s  %8s  %8s  %12s  %12s  %15s  %11s  %11s\n", "followed", "written", "pages",
         "asked, clean", "asked", "clean, per GiB", "a fault", "a page asked");
  for (size_t mib = most / 16; mib <= most; mib *= 4)
    for (size_t i = 0; i < sizeof aparts / sizeof *aparts; i++) costs_row(mib, aparts[i]);
  printf("\n%-6s %7s  %6s  %10s  %10s  %11s  %11s  %11s  %11s  %7s  %7s\n", "pages", "stores",
         "rounds", "huge", "after", "asked clean", "first round", "stores", "asked", "load ns",
         "after");
  static const size_t stores[] = {1, 20, 200, 2000};
  for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
    table_row(most, MADV_NOHUGEPAGE, stores[i], 100);
    table_row(most, MADV_HUGEPAGE, stores[i], 100);
  }
  printf("\n%11s  %11s  %11s  %11s\n", "filled", "open", "protected", "lifted");
  for (size_t block = PAGE; block <= 2 * MIB; block *= 8) fill_row(most / 16, block);
  mid_written_close(&tracker);
}
