// unwind/rule.c -- see rule.h.
// SPDX-License-Identifier: MIT
#include "unwind/rule.h"

#include <string.h>

// 1024 of them, 32 KiB, which a program that is never unwound does not touch: redis-server, sqlite3
// and CPython meet 300 to 900 return addresses.
enum { RULE_CACHE_BITS = 10 };

static struct {
  _Atomic uint64_t word[1 + MID_RULE_WORDS];  // x: by any thread, relaxed
} rule_cache[1 << RULE_CACHE_BITS];

bool mid_rule_of(const struct mid_cfi_row *row, struct mid_unwind_rule *out) {
  const struct mid_cfi_rule *back = &row->reg[MID_CFI_RETURN];
  if (row->cfa.how != MID_CFI_IS || row->signal) return false;
  *out = (struct mid_unwind_rule){.offset = row->cfa.offset, .reg = row->cfa.reg};
  out->ends = back->how == MID_CFI_UNDEFINED;
  for (int r = 0; r < MID_CFI_SP; r++) {
    const struct mid_cfi_rule *rule = &row->reg[r];
    bool near =
        rule->offset % 8 == 0 && rule->offset / 8 > INT16_MIN && rule->offset / 8 <= INT16_MAX;
    out->at[r] = MID_RULE_SAME;
    if (rule->how == MID_CFI_AT && near)
      out->at[r] = (int16_t)(rule->offset / 8);
    else if (rule->how != MID_CFI_SAME && rule->how != MID_CFI_UNDEFINED)
      return false;
  }
  return true;
}

struct mid_unwind_rule mid_rule_compiled(void) {
  struct mid_unwind_rule rule = {.offset = 16, .reg = MID_CFI_FP, .compiled = true};
  for (int r = 0; r < MID_CFI_SP; r++) rule.at[r] = MID_RULE_SAME;
  rule.at[MID_CFI_FP] = -2;
  rule.at[MID_CFI_RETURN] = -1;
  return rule;
}

static _Atomic uint64_t *rule_place(uint64_t key) {
  return rule_cache[key * 0x9e3779b97f4a7c15u >> (64 - RULE_CACHE_BITS)].word;
}

bool mid_rule_find(uint64_t key, struct mid_unwind_rule *out) {
  const _Atomic uint64_t *at = rule_place(key);
  uint64_t word[MID_RULE_WORDS], check = atomic_load_explicit(&at[0], memory_order_relaxed);
  for (int i = 0; i < MID_RULE_WORDS; i++)
    check ^= word[i] = atomic_load_explicit(&at[1 + i], memory_order_relaxed);
  memcpy(out, word, sizeof *out);
  return check == key;
}

void mid_rule_keep(uint64_t key, const struct mid_unwind_rule *rule) {
  _Atomic uint64_t *at = rule_place(key);
  uint64_t word[MID_RULE_WORDS];
  memcpy(word, rule, sizeof word);
  for (int i = 0; i < MID_RULE_WORDS; i++) {
    key ^= word[i];
    atomic_store_explicit(&at[1 + i], word[i], memory_order_relaxed);
  }
  atomic_store_explicit(&at[0], key, memory_order_relaxed);
}
