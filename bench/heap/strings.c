// bench/heap/strings.c -- strings grown by realloc.
//
// Stands for text that is put together piece by piece: log lines, replies, documents, arrays that
// double.  Many strings grow at the same time, so that the next block is rarely free; most stay
// under a few KiB and some reach a MiB, where growing in place or by mremap saves the copy.  Half
// of them, the longest among them, grow by half, as careful programs do; the others piece by piece,
// as most do.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { STRINGS = 512, APPENDS = 12000000 };

struct string {
  char *text;
  size_t bytes, room, end;  // used, allocated, and the length at which it is done
};

static void string_append(struct string *string, size_t bytes, bool by_half) {
  size_t need = string->bytes + bytes;
  if (need > string->room) {
    string->room = by_half && need < string->room * 3 / 2 ? string->room * 3 / 2 : need;
    string->text = realloc(string->text, string->room);
    if (string->text == NULL) bench_fail("out of memory");
  }
  memset(string->text + string->bytes, 'x', bytes);
  string->bytes = need;
}

int main(int argc, char **argv) {
  static struct string strings[STRINGS];
  uint64_t seed = 1, done = 0;
  bench_begin(argc, argv);
  for (size_t left = bench_steps(APPENDS); left > 0; left--) {
    size_t which = bench_below(&seed, STRINGS);
    struct string *string = &strings[which];
    if (string->bytes >= string->end) {
      done += string->bytes;
      free(string->text);
      *string = (struct string){.end = bench_size(&seed, 32, which % 64 == 0 ? 1 << 20 : 4096)};
    }
    string_append(string, 1 + string->end / 16 % 4096 + bench_below(&seed, 32), which % 2 == 0);
  }
  for (size_t i = 0; i < STRINGS; i++) free(strings[i].text);
  printf("%llu\n", (unsigned long long)done);
  bench_over(0);
  return 0;
}
