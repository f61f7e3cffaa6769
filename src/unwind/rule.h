// unwind/rule.h -- rows of call frame information in 24 bytes, and a cache of them.
// SPDX-License-Identifier: MIT
//
// Nearly all rows say: the CFA is a register and an offset, and registers were saved at offsets
// from it.  These fit a rule; what needs an expression does not, and is read anew each time.
//
// The cache is one for all threads, two entries to a place, without a lock: an entry is its three
// words and a key xored with them, so that one which two threads wrote at once has a key that
// nobody looks for. Source: R. Hyatt, T. Mann, "A lock-less transposition-table implementation for
// parallel search", ICGA Journal 25(1), 2002.
#ifndef MID_UNWIND_RULE_H
#define MID_UNWIND_RULE_H

#include <stdatomic.h>

#include "unwind/cfi.h"

struct mid_unwind_rule {
  int32_t offset;  // of the CFA from `reg`
  uint8_t reg;
  bool ends;      // nobody called this frame
  bool compiled;  // by the frame pointer, since no module covers the code
  uint8_t saved;  // bit r: register r is
  int16_t at[8];  // and there: 8-byte words from the CFA
};
enum { MID_RULE_WORDS = sizeof(struct mid_unwind_rule) / sizeof(uint64_t) };
_Static_assert(sizeof(struct mid_unwind_rule) == 24 && MID_CFI_REGISTERS <= 8, "three words");

// false: the row does not fit one.
bool mid_rule_of(const struct mid_cfi_row *row, struct mid_unwind_rule *out);
// As compilers that keep a frame pointer lay frames out.
struct mid_unwind_rule mid_rule_compiled(void);

bool mid_rule_find(uint64_t key, struct mid_unwind_rule *out);
void mid_rule_keep(uint64_t key, const struct mid_unwind_rule *rule);

#endif
