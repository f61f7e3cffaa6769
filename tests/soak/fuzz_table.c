// tests/soak/fuzz_table.c -- a libFuzzer target: unwind tables of any bytes are read to an end, and
// not beyond theirs.
// SPDX-License-Identifier: MIT
//
// The first four bytes say which address is sought, counted from the index; the rest is that and
// what it leads to.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes);

static void require(int cond, const char *what) {
  if (cond) return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

// A stack whose every word but some is its address.
static bool read_word(void *context, uintptr_t at, uintptr_t *word) {
  (void)context;
  *word = at;
  return at % 64 != 0;
}

static void use_rule(const struct mid_cfi_part *part, const struct mid_cfi_rule *rule) {
  uintptr_t reg[MID_CFI_REGISTERS], cfa = 0x7000, value;
  for (int r = 0; r < MID_CFI_REGISTERS; r++) reg[r] = 0x1000u * (unsigned)r;
  if (rule->how != MID_CFI_AT_EXPRESSION && rule->how != MID_CFI_IS_EXPRESSION) return;
  require(rule->offset >= 0 && rule->offset + rule->bytes <= part->end - part->start,
          "an expression lies outside");
  (void)mid_cfi_evaluate(part, rule, reg, 0x1234, &cfa, read_word, NULL, &value);
  (void)mid_cfi_evaluate(part, rule, reg, 0x1234, NULL, read_word, NULL, &value);
}

static void use_row(const struct mid_cfi_part *part, const struct mid_cfi_row *row) {
  struct mid_unwind_rule rule;
  require(row->cfa.reg < MID_CFI_REGISTERS, "no such register");
  use_rule(part, &row->cfa);
  for (int r = 0; r < MID_CFI_SP; r++) use_rule(part, &row->reg[r]);
  if (!mid_rule_of(row, &rule)) return;
  require(rule.reg < MID_CFI_REGISTERS && (rule.saved >> MID_CFI_SP) == 0, "a rule makes no sense");
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes) {
  int32_t offset;
  struct mid_cfi_row row;
  if (bytes <= sizeof offset) return 0;
  memcpy(&offset, in, sizeof offset);
  // A copy of its own, so that a sanitizer sees both ends.
  size_t count = bytes - sizeof offset;
  uint8_t *table = malloc(count);
  require(table != NULL, "no memory");
  memcpy(table, in + sizeof offset, count);
  struct mid_cfi_part part = {table, table + count};
  uintptr_t code = (uintptr_t)table + (uintptr_t)(intptr_t)offset;
  if (mid_cfi_find(&part, table, code, &row)) use_row(&part, &row);
  free(table);
  return 0;
}
