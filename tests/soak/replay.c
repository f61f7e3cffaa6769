// tests/soak/replay.c -- runs inputs of the fuzzer's without libFuzzer: a file with a line of hex
// digits for each.
// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes);

enum { MOST = 1 << 14 };  // bytes of one input

static int digit(char c) {
  static const char digits[] = "0123456789abcdef";
  const char *at = c == 0 ? NULL : strchr(digits, c);
  return at == NULL ? -1 : (int)(at - digits);
}

// The bytes of a line, or -1 when it is none.
static long read_line(const char *line, uint8_t *in) {
  long bytes = 0;
  for (; *line != '\n' && *line != 0; line += 2, bytes++) {
    int high = digit(line[0]), low = high < 0 ? -1 : digit(line[1]);
    if (low < 0 || bytes == MOST) return -1;
    in[bytes] = (uint8_t)(high << 4 | low);
  }
  return bytes;
}

int main(int argc, char **argv) {
  static char line[2 * MOST + 2];
  static uint8_t in[MOST];
  FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
  if (file == NULL) return fprintf(stderr, "usage: replay FILE\n"), 2;
  int count = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    long bytes = read_line(line, in);
    count++;
    if (bytes < 0) return fprintf(stderr, "%s:%d: not a line of hex digits\n", argv[1], count), 2;
    fprintf(stderr, "\rinput %d", count);
    LLVMFuzzerTestOneInput(in, (size_t)bytes);
  }
  fclose(file);
  fprintf(stderr, "\r%d inputs, nothing found\n", count);
  return count == 0;
}
