// unwind/rule.c -- see rule.h.
// SPDX-License-Identifier: MIT
#include "unwind/rule.h"

#include <string.h>

// 1024 rules, 32 KiB: redis-server, sqlite3 and CPython meet 300 to 900 return addresses.  A
// program that is unwound little has them in the first page.
enum { RULE_PLACE_BITS = 9, RULE_WAYS = 2, RULE_FIRST_BITS = 6, RULE_FIRST_MOST = 48 };

struct rule_entry {
  _Atomic uint64_t word[1 + MID_RULE_WORDS];  // x: by any thread, relaxed
};
_Alignas(4096) static struct rule_entry rule_cache[1 << RULE_PLACE_BITS][RULE_WAYS];

bool mid_rule_of(const struct mid_cfi_row *row, struct mid_unwind_rule *out) {
  const struct mid_cfi_rule *back = &row->reg[MID_CFI_RETURN];
  if (row->cfa.how != MID_CFI_IS || row->signal) return false;
  *out = (struct mid_unwind_rule){.offset = row->cfa.offset, .reg = row->cfa.reg};
  out->ends = back->how == MID_CFI_UNDEFINED;
  for (int r = 0; r < MID_CFI_SP; r++) {
    const struct mid_cfi_rule *rule = &row->reg[r];
    bool near =
        rule->offset % 8 == 0 && rule->offset / 8 > INT16_MIN && rule->offset / 8 <= INT16_MAX;
    if (rule->how == MID_CFI_AT && near)
      out->saved |= (uint8_t)(1 << r), out->at[r] = (int16_t)(rule->offset / 8);
    else if (rule->how != MID_CFI_SAME && rule->how != MID_CFI_UNDEFINED)
      return false;
  }
  return true;
}

struct mid_unwind_rule mid_rule_compiled(void) {
  struct mid_unwind_rule rule = {.offset = 16, .reg = MID_CFI_FP, .compiled = true};
  rule.saved = 1 << MID_CFI_FP | 1 << MID_CFI_RETURN;
  rule.at[MID_CFI_FP] = -2;
  rule.at[MID_CFI_RETURN] = -1;
  return rule;
}

// x: so many were; relaxed, as a wrong place only costs time.  Not beside the table, whose
// alignment would give it a page of its own.
__attribute__((section(".data"))) static _Atomic uint32_t rule_kept;

static struct rule_entry *rule_place(uint64_t key) {
  uint32_t kept = atomic_load_explicit(&rule_kept, memory_order_relaxed);
  int bits = kept <= RULE_FIRST_MOST ? RULE_FIRST_BITS : RULE_PLACE_BITS;
  return rule_cache[key * 0x9e3779b97f4a7c15u >> (64 - bits)];
}

bool mid_rule_find(uint64_t key, struct mid_unwind_rule *out) {
  const struct rule_entry *entry = rule_place(key);
  for (int way = 0; way < RULE_WAYS; way++, entry++) {
    uint64_t word[MID_RULE_WORDS];
    uint64_t check = atomic_load_explicit(&entry->word[0], memory_order_relaxed);
    for (int i = 0; i < MID_RULE_WORDS; i++)
      check ^= word[i] = atomic_load_explicit(&entry->word[1 + i], memory_order_relaxed);
    if (check != key) continue;
    memcpy(out, word, sizeof *out);
    return true;
  }
  return false;
}

// The older one makes way.
void mid_rule_keep(uint64_t key, const struct mid_unwind_rule *rule) {
  uint32_t kept = atomic_load_explicit(&rule_kept, memory_order_relaxed);
  if (kept <= RULE_FIRST_MOST) atomic_store_explicit(&rule_kept, kept + 1, memory_order_relaxed);
  struct rule_entry *entry = rule_place(key);
  uint64_t word[1 + MID_RULE_WORDS] = {key};
  memcpy(&word[1], rule, sizeof *rule);
  for (int i = 1; i <= MID_RULE_WORDS; i++) word[0] ^= word[i];
  for (int i = 0; i <= MID_RULE_WORDS; i++) {
    uint64_t old = atomic_load_explicit(&entry[0].word[i], memory_order_relaxed);
    atomic_store_explicit(&entry[1].word[i], old, memory_order_relaxed);
    atomic_store_explicit(&entry[0].word[i], word[i], memory_order_relaxed);
  }
}
