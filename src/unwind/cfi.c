// unwind/cfi.c -- see cfi.h.
// SPDX-License-Identifier: MIT
#include "unwind/cfi.h"

#include "unwind/bytes.h"

// How a pointer in the tables is written: its form in the low bits, what is added in the next.
enum {
  CFI_PTR_FORM = 0x0f,
  CFI_PTR_WORD = 0x00,
  CFI_PTR_LEB = 0x01,
  CFI_PTR_LEB_SIGNED = 0x09,
  CFI_PTR_OF_ITSELF = 0x10,
  CFI_PTR_OF_INDEX = 0x30,
  CFI_PTR_ADDED = 0x70,
  CFI_PTR_INDIRECT = 0x80,
  CFI_PTR_INDEX_ROW = 0x3b,  // 4 signed bytes from the index's start
  CFI_PTR_NONE = 0xff
};

enum { CFI_REMEMBERED_MOST = 3, CFI_INDEX_HEAD = 4 };

struct cfi_common {
  uint64_t code_align;
  int64_t data_align;
  uint64_t returns;  // the register that is the return address
  uint8_t pointers;
  bool sized, signal;
  struct mid_unwind_bytes program;
};

struct cfi_run {
  const struct mid_cfi_part *part;
  const struct cfi_common *common;
  uintptr_t at, target;
  struct mid_cfi_row row, first, remembered[CFI_REMEMBERED_MOST];
  unsigned remembers;
  uint8_t pointers;
};

// ---- pointers ----

static size_t cfi_pointer_bytes(uint8_t form) {
  static const uint8_t bytes[] = {8, 0, 2, 4, 8, 0, 0, 0, 8, 0, 2, 4, 8};
  form &= CFI_PTR_FORM;
  return form < sizeof bytes ? bytes[form] : 0;
}

static uintptr_t cfi_pointer(struct mid_unwind_bytes *b, uint8_t form) {
  uintptr_t here = (uintptr_t)b->at, n;
  unsigned kind = form & CFI_PTR_FORM;
  if (kind == CFI_PTR_LEB || kind == CFI_PTR_LEB_SIGNED)
    n = mid_unwind_leb(b, kind == CFI_PTR_LEB_SIGNED);
  else if (cfi_pointer_bytes(form) == 0)
    return b->bad = true, 0;
  else if (kind >= CFI_PTR_LEB_SIGNED)
    n = (uintptr_t)mid_unwind_fixed_signed(b, cfi_pointer_bytes(form));
  else
    n = mid_unwind_fixed(b, cfi_pointer_bytes(form));
  if ((form & CFI_PTR_ADDED) == CFI_PTR_OF_ITSELF) return n + here;
  if ((form & CFI_PTR_ADDED) != 0) b->bad = true;
  return n;
}

// ---- entries: CIE and FDE ----

// The contents of the entry at `at`: what follows its length.
static struct mid_unwind_bytes cfi_entry(const struct mid_cfi_part *part, uintptr_t at) {
  struct mid_unwind_bytes b = {part->start, part->end, false};
  if (at < (uintptr_t)part->start || at >= (uintptr_t)part->end) b.bad = true;
  b.at += b.bad ? 0 : at - (uintptr_t)part->start;
  uint64_t bytes = mid_unwind_fixed(&b, 4);
  if (bytes == UINT32_MAX) bytes = mid_unwind_fixed(&b, 8);
  if (bytes == 0 || !mid_unwind_has(&b, bytes)) b.bad = true;
  b.end = b.bad ? b.at : b.at + bytes;
  return b;
}

// "zRS" and so on: a letter for each thing that follows.
static bool cfi_read_augmentation(struct mid_unwind_bytes *b, const char *letters, size_t count,
                                  struct cfi_common *out) {
  if (count == 0) return true;
  if (letters[0] != 'z') return false;
  out->sized = true;
  uint64_t bytes = mid_unwind_number(b);
  if (!mid_unwind_has(b, bytes)) return false;
  struct mid_unwind_bytes in = {b->at, b->at + bytes, false};
  b->at += bytes;
  for (size_t i = 1; i < count && !in.bad; i++) {
    if (letters[i] == 'R') out->pointers = (uint8_t)mid_unwind_fixed(&in, 1);
    if (letters[i] == 'L') (void)mid_unwind_fixed(&in, 1);
    if (letters[i] == 'P')
      (void)mid_unwind_fixed(&in, cfi_pointer_bytes((uint8_t)mid_unwind_fixed(&in, 1)));
    if (letters[i] == 'S') out->signal = true;
  }
  return !in.bad;
}

static bool cfi_read_common(const struct mid_cfi_part *part, uintptr_t at, struct cfi_common *out) {
  struct mid_unwind_bytes b = cfi_entry(part, at);
  *out = (struct cfi_common){.pointers = CFI_PTR_WORD};
  if (mid_unwind_fixed(&b, 4) != 0) return false;  // it is no CIE
  uint64_t version = mid_unwind_fixed(&b, 1);
  const char *letters = (const char *)b.at;
  size_t count = strnlen(letters, (size_t)(b.end - b.at));
  if (b.bad || (version != 1 && version != 3) || !mid_unwind_has(&b, count + 1)) return false;
  b.at += count + 1;
  out->code_align = mid_unwind_number(&b);
  out->data_align = mid_unwind_signed(&b);
  out->returns = version == 1 ? mid_unwind_fixed(&b, 1) : mid_unwind_number(&b);
  if (!cfi_read_augmentation(&b, letters, count, out)) return false;
  out->program = b;
  return !b.bad && mid_cfi_register(out->returns) == MID_CFI_RETURN;
}

// ---- programs ----

static struct mid_cfi_rule *cfi_rule(struct cfi_run *r, uint64_t number) {
  unsigned reg = mid_cfi_register(number);
  return reg < MID_CFI_SP ? &r->row.reg[reg] : NULL;
}

static void cfi_set_rule(struct cfi_run *r, uint64_t number, enum mid_cfi_how how, int64_t offset) {
  struct mid_cfi_rule *rule = cfi_rule(r, number);
  bool fits = offset == (int32_t)offset;
  if (rule == NULL) return;
  *rule = (struct mid_cfi_rule){.offset = fits ? (int32_t)offset : 0,
                                .how = fits ? (uint8_t)how : MID_CFI_NOT_KNOWN};
}

// Too large for a rule where it overflows.
static int64_t cfi_factored(const struct cfi_run *r, int64_t n) {
  int64_t offset;
  return __builtin_mul_overflow(n, r->common->data_align, &offset) ? INT64_MAX : offset;
}

static void cfi_set_cfa(struct cfi_run *r, uint64_t number, int64_t offset) {
  unsigned reg = mid_cfi_register(number);
  bool fits = offset == (int32_t)offset && reg != MID_CFI_REGISTERS && reg != MID_CFI_RETURN;
  r->row.cfa = (struct mid_cfi_rule){.offset = fits ? (int32_t)offset : 0,
                                     .reg = fits ? (uint8_t)reg : 0,
                                     .how = fits ? MID_CFI_IS : MID_CFI_NOT_KNOWN};
}

static void cfi_change_cfa(struct cfi_run *r, int64_t offset) {
  if (r->row.cfa.how != MID_CFI_IS) return;
  bool fits = offset == (int32_t)offset;
  r->row.cfa.offset = fits ? (int32_t)offset : 0;
  if (!fits) r->row.cfa.how = MID_CFI_NOT_KNOWN;
}

static void cfi_move_cfa(struct cfi_run *r, uint64_t number) {
  cfi_set_cfa(r, number, r->row.cfa.offset);
}

static void cfi_set_expression(struct cfi_run *r, struct mid_unwind_bytes *b,
                               struct mid_cfi_rule *rule, enum mid_cfi_how how) {
  uint64_t bytes = mid_unwind_number(b);
  if (!mid_unwind_has(b, bytes)) return;
  ptrdiff_t offset = b->at - r->part->start;
  bool fits = offset <= INT32_MAX && bytes <= UINT16_MAX;
  b->at += bytes;
  if (rule == NULL) return;
  *rule = (struct mid_cfi_rule){.offset = fits ? (int32_t)offset : 0,
                                .bytes = fits ? (uint16_t)bytes : 0,
                                .how = fits ? (uint8_t)how : MID_CFI_NOT_KNOWN};
}

static void cfi_restore_rule(struct cfi_run *r, uint64_t number) {
  unsigned reg = mid_cfi_register(number);
  if (reg < MID_CFI_SP) r->row.reg[reg] = r->first.reg[reg];
}

static void cfi_remember(struct cfi_run *r, struct mid_unwind_bytes *b) {
  if (r->remembers == CFI_REMEMBERED_MOST)
    b->bad = true;
  else
    r->remembered[r->remembers++] = r->row;
}

static void cfi_recall(struct cfi_run *r, struct mid_unwind_bytes *b) {
  if (r->remembers == 0)
    b->bad = true;
  else
    r->row = r->remembered[--r->remembers];
}

// Go on to a later instruction; false when that is behind the target.
static bool cfi_advance(struct cfi_run *r, uint64_t steps) {
  uint64_t bytes;
  if (__builtin_mul_overflow(steps, r->common->code_align, &bytes) || bytes > r->target - r->at)
    return false;
  r->at += bytes;
  return true;
}

// Operations whose low bits are their operand, and those that are a byte of their own.
enum {
  CFI_ADVANCE = 1,
  CFI_OFFSET = 2,
  CFI_RESTORE = 3,
  CFI_NOP = 0x00,
  CFI_SET = 0x01,
  CFI_ADVANCE_1 = 0x02,
  CFI_ADVANCE_2 = 0x03,
  CFI_ADVANCE_4 = 0x04,
  CFI_OFFSET_FAR = 0x05,
  CFI_RESTORE_FAR = 0x06,
  CFI_UNDEFINE = 0x07,
  CFI_SAME = 0x08,
  CFI_REGISTER = 0x09,
  CFI_REMEMBER = 0x0a,
  CFI_RECALL = 0x0b,
  CFI_CFA = 0x0c,
  CFI_CFA_REGISTER = 0x0d,
  CFI_CFA_OFFSET = 0x0e,
  CFI_CFA_EXPRESSION = 0x0f,
  CFI_EXPRESSION = 0x10,
  CFI_OFFSET_SIGNED = 0x11,
  CFI_CFA_SIGNED = 0x12,
  CFI_CFA_OFFSET_SIGNED = 0x13,
  CFI_IS_OFFSET = 0x14,
  CFI_IS_OFFSET_SIGNED = 0x15,
  CFI_IS_EXPRESSION = 0x16,
  CFI_ARM_SIGNED = 0x2d,
  CFI_GNU_ARGUMENTS = 0x2e,
  CFI_GNU_OFFSET_NEGATIVE = 0x2f
};

// One operation: long, since it is all of them.  false: the rest is about later instructions.
static bool cfi_operate(struct cfi_run *r, struct mid_unwind_bytes *b) {
  unsigned op = (unsigned)mid_unwind_fixed(b, 1), low = op & 63;
  uint64_t reg;
  switch (op >> 6) {
    case CFI_ADVANCE:
      return cfi_advance(r, low);
    case CFI_OFFSET:
      cfi_set_rule(r, low, MID_CFI_AT, cfi_factored(r, (int64_t)mid_unwind_number(b)));
      return true;
    case CFI_RESTORE:
      cfi_restore_rule(r, low);
      return true;
    default:
      break;
  }
  switch (op) {
    case CFI_NOP:
      return true;
    case CFI_SET: {
      uintptr_t to = cfi_pointer(b, r->pointers);
      if (to > r->target) return false;
      r->at = to;
      return true;
    }
    case CFI_ADVANCE_1:
      return cfi_advance(r, mid_unwind_fixed(b, 1));
    case CFI_ADVANCE_2:
      return cfi_advance(r, mid_unwind_fixed(b, 2));
    case CFI_ADVANCE_4:
      return cfi_advance(r, mid_unwind_fixed(b, 4));
    case CFI_OFFSET_FAR:
      reg = mid_unwind_number(b);
      cfi_set_rule(r, reg, MID_CFI_AT, cfi_factored(r, (int64_t)mid_unwind_number(b)));
      return true;
    case CFI_OFFSET_SIGNED:
      reg = mid_unwind_number(b);
      cfi_set_rule(r, reg, MID_CFI_AT, cfi_factored(r, mid_unwind_signed(b)));
      return true;
    case CFI_GNU_OFFSET_NEGATIVE:
      reg = mid_unwind_number(b);
      cfi_set_rule(r, reg, MID_CFI_AT, cfi_factored(r, (int64_t)-mid_unwind_number(b)));
      return true;
    case CFI_IS_OFFSET:
      reg = mid_unwind_number(b);
      cfi_set_rule(r, reg, MID_CFI_IS, cfi_factored(r, (int64_t)mid_unwind_number(b)));
      return true;
    case CFI_IS_OFFSET_SIGNED:
      reg = mid_unwind_number(b);
      cfi_set_rule(r, reg, MID_CFI_IS, cfi_factored(r, mid_unwind_signed(b)));
      return true;
    case CFI_RESTORE_FAR:
      cfi_restore_rule(r, mid_unwind_number(b));
      return true;
    case CFI_UNDEFINE:
      cfi_set_rule(r, mid_unwind_number(b), MID_CFI_UNDEFINED, 0);
      return true;
    case CFI_SAME:
      cfi_set_rule(r, mid_unwind_number(b), MID_CFI_SAME, 0);
      return true;
    case CFI_REGISTER:
      cfi_set_rule(r, mid_unwind_number(b), MID_CFI_NOT_KNOWN, 0);
      (void)mid_unwind_number(b);
      return true;
    case CFI_REMEMBER:
      cfi_remember(r, b);
      return true;
    case CFI_RECALL:
      cfi_recall(r, b);
      return true;
    case CFI_CFA:
      reg = mid_unwind_number(b);
      cfi_set_cfa(r, reg, (int64_t)mid_unwind_number(b));
      return true;
    case CFI_CFA_SIGNED:
      reg = mid_unwind_number(b);
      cfi_set_cfa(r, reg, cfi_factored(r, mid_unwind_signed(b)));
      return true;
    case CFI_CFA_REGISTER:
      cfi_move_cfa(r, mid_unwind_number(b));
      return true;
    case CFI_CFA_OFFSET:
      cfi_change_cfa(r, (int64_t)mid_unwind_number(b));
      return true;
    case CFI_CFA_OFFSET_SIGNED:
      cfi_change_cfa(r, cfi_factored(r, mid_unwind_signed(b)));
      return true;
    case CFI_CFA_EXPRESSION:
      cfi_set_expression(r, b, &r->row.cfa, MID_CFI_IS_EXPRESSION);
      return true;
    case CFI_EXPRESSION:
      cfi_set_expression(r, b, cfi_rule(r, mid_unwind_number(b)), MID_CFI_AT_EXPRESSION);
      return true;
    case CFI_IS_EXPRESSION:
      cfi_set_expression(r, b, cfi_rule(r, mid_unwind_number(b)), MID_CFI_IS_EXPRESSION);
      return true;
    case CFI_GNU_ARGUMENTS:
      (void)mid_unwind_number(b);
      return true;
#if defined(__aarch64__)
    case CFI_ARM_SIGNED:
      r->row.is_signed = !r->row.is_signed;
      return true;
#endif
    default:
      b->bad = true;
      return false;
  }
}

static bool cfi_run_program(struct cfi_run *r, struct mid_unwind_bytes program) {
  while (program.at < program.end && !program.bad)
    if (!cfi_operate(r, &program)) break;
  return !program.bad;
}

// ---- the function of an address ----

// The last row of the index that begins at or before `code`; 0: none.
static uintptr_t cfi_index_find(const struct mid_cfi_part *part, const unsigned char *index,
                                uintptr_t code) {
  struct mid_unwind_bytes b = {index, part->end, false};
  if (!mid_unwind_has(&b, CFI_INDEX_HEAD) || index[0] != 1 || index[3] != CFI_PTR_INDEX_ROW)
    return 0;
  b.at += CFI_INDEX_HEAD;
  (void)cfi_pointer(&b, index[1]);  // where .eh_frame begins
  uint64_t count = cfi_pointer(&b, index[2]), low = 0;
  if (b.bad || count == 0 || count > (uint64_t)(b.end - b.at) / 8) return 0;
  int64_t want = (int64_t)(code - (uintptr_t)index);
  int32_t row[2];
  for (uint64_t high = count; high - low > 1;) {
    uint64_t middle = low + (high - low) / 2;
    memcpy(row, b.at + middle * sizeof row, sizeof row);
    if (row[0] <= want)
      low = middle;
    else
      high = middle;
  }
  memcpy(row, b.at + low * sizeof row, sizeof row);
  return row[0] <= want ? (uintptr_t)index + (uintptr_t)(intptr_t)row[1] : 0;
}

bool mid_cfi_find(const struct mid_cfi_part *part, const unsigned char *index, uintptr_t code,
                  struct mid_cfi_row *row) {
  struct cfi_common common;
  uintptr_t at = cfi_index_find(part, index, code);
  struct mid_unwind_bytes b = cfi_entry(part, at);
  uintptr_t back_from = (uintptr_t)b.at, back = mid_unwind_fixed(&b, 4);
  if (b.bad || back == 0 || !cfi_read_common(part, back_from - back, &common)) return false;
  uintptr_t start = cfi_pointer(&b, common.pointers);
  uintptr_t bytes = cfi_pointer(&b, common.pointers & CFI_PTR_FORM);
  if (b.bad || code - start >= bytes) return false;
  if (common.sized) {
    uint64_t skipped = mid_unwind_number(&b);
    if (!mid_unwind_has(&b, skipped)) return false;
    b.at += skipped;
  }
  struct cfi_run r = {
      .part = part, .common = &common, .at = start, .target = code, .pointers = common.pointers};
  r.row.cfa.how = MID_CFI_NOT_KNOWN;
  if (!cfi_run_program(&r, common.program)) return false;
  r.first = r.row;
  if (!cfi_run_program(&r, b)) return false;
  *row = r.row;
  row->signal = common.signal;
  return row->cfa.how != MID_CFI_NOT_KNOWN;
}
