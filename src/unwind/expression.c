// unwind/expression.c -- the expressions that stand for rules where a register and an offset are
// not enough: procedure linkage tables, signal frames, realigned stacks.
// SPDX-License-Identifier: MIT
//
// Only what compilers and libc use there: no jumps, so that each ends.
#include "unwind/bytes.h"
#include "unwind/cfi.h"

enum { EXPRESSION_MOST = 16 };

struct expression_stack {
  uintptr_t value[EXPRESSION_MOST];
  unsigned count;
  bool bad;
};

static void expression_push(struct expression_stack *m, uintptr_t value) {
  if (m->count == EXPRESSION_MOST)
    m->bad = true;
  else
    m->value[m->count++] = value;
}

static uintptr_t expression_pop(struct expression_stack *m) {
  if (m->count > 0) return m->value[--m->count];
  m->bad = true;
  return 0;
}

enum {
  EXPRESSION_WORD = 0x03,
  EXPRESSION_READ = 0x06,
  EXPRESSION_CONST_1 = 0x08,  // then signed; the same of 2, 4 and 8 bytes
  EXPRESSION_CONST_8_SIGNED = 0x0f,
  EXPRESSION_CONST = 0x10,
  EXPRESSION_CONST_SIGNED = 0x11,
  EXPRESSION_DUP = 0x12,
  EXPRESSION_DROP = 0x13,
  EXPRESSION_AND = 0x1a,
  EXPRESSION_MINUS = 0x1c,
  EXPRESSION_MUL = 0x1e,
  EXPRESSION_OR = 0x21,
  EXPRESSION_PLUS = 0x22,
  EXPRESSION_PLUS_CONST = 0x23,
  EXPRESSION_SHL = 0x24,
  EXPRESSION_SHR = 0x25,
  EXPRESSION_XOR = 0x27,
  EXPRESSION_EQ = 0x29,
  EXPRESSION_GE = 0x2a,
  EXPRESSION_GT = 0x2b,
  EXPRESSION_LE = 0x2c,
  EXPRESSION_LT = 0x2d,
  EXPRESSION_NE = 0x2e,
  EXPRESSION_LITERAL = 0x30,   // 32 of them
  EXPRESSION_REGISTER = 0x70,  // 32 of them, with an offset
  EXPRESSION_NOP = 0x96
};

// a OP b; false: it is none of these.
static bool expression_result(unsigned op, uintptr_t a, uintptr_t b, uintptr_t *out) {
  intptr_t x = (intptr_t)a, y = (intptr_t)b;
  switch (op) {
    case EXPRESSION_AND:
      *out = a & b;
      return true;
    case EXPRESSION_MINUS:
      *out = a - b;
      return true;
    case EXPRESSION_MUL:
      *out = a * b;
      return true;
    case EXPRESSION_OR:
      *out = a | b;
      return true;
    case EXPRESSION_PLUS:
      *out = a + b;
      return true;
    case EXPRESSION_SHL:
      *out = b < 64 ? a << b : 0;
      return true;
    case EXPRESSION_SHR:
      *out = b < 64 ? a >> b : 0;
      return true;
    case EXPRESSION_XOR:
      *out = a ^ b;
      return true;
    case EXPRESSION_EQ:
      *out = a == b;
      return true;
    case EXPRESSION_GE:
      *out = x >= y;
      return true;
    case EXPRESSION_GT:
      *out = x > y;
      return true;
    case EXPRESSION_LE:
      *out = x <= y;
      return true;
    case EXPRESSION_LT:
      *out = x < y;
      return true;
    case EXPRESSION_NE:
      *out = a != b;
      return true;
    default:
      return false;
  }
}

static void expression_binary(struct expression_stack *m, unsigned op) {
  uintptr_t b = expression_pop(m), a = expression_pop(m), value = 0;
  if (!expression_result(op, a, b, &value)) m->bad = true;
  expression_push(m, value);
}

static void expression_constant(struct expression_stack *m, struct mid_unwind_bytes *b,
                                unsigned op) {
  size_t bytes = (size_t)1 << (op - EXPRESSION_CONST_1) / 2;
  bool is_signed = (op - EXPRESSION_CONST_1) % 2 != 0;
  expression_push(
      m, is_signed ? (uintptr_t)mid_unwind_fixed_signed(b, bytes) : mid_unwind_fixed(b, bytes));
}

static void expression_register(struct expression_stack *m, struct mid_unwind_bytes *b,
                                unsigned number, const uintptr_t reg[MID_CFI_REGISTERS],
                                uintptr_t pc) {
  unsigned which = mid_cfi_register(number);
  uintptr_t offset = (uintptr_t)mid_unwind_signed(b);
  if (which == MID_CFI_REGISTERS) m->bad = true;
  // The return address of the calling frame is not known yet: here it is where this frame stands.
  else
    expression_push(m, (which == MID_CFI_RETURN ? pc : reg[which]) + offset);
}

bool mid_cfi_evaluate(const struct mid_cfi_part *part, const struct mid_cfi_rule *rule,
                      const uintptr_t reg[MID_CFI_REGISTERS], uintptr_t pc, const uintptr_t *first,
                      bool (*read)(void *context, uintptr_t at, uintptr_t *word), void *context,
                      uintptr_t *out) {
  const unsigned char *at = part->start + rule->offset;
  struct mid_unwind_bytes b = {at, at + rule->bytes, false};
  struct expression_stack m = {.count = 0};
  if (first != NULL) expression_push(&m, *first);
  while (b.at < b.end && !b.bad && !m.bad) {
    unsigned op = *b.at++;
    uintptr_t word = 0;
    if (op >= EXPRESSION_LITERAL && op < EXPRESSION_LITERAL + 32)
      expression_push(&m, op - EXPRESSION_LITERAL);
    else if (op >= EXPRESSION_REGISTER && op < EXPRESSION_REGISTER + 32)
      expression_register(&m, &b, op - EXPRESSION_REGISTER, reg, pc);
    else if (op >= EXPRESSION_CONST_1 && op <= EXPRESSION_CONST_8_SIGNED)
      expression_constant(&m, &b, op);
    else if (op == EXPRESSION_WORD)
      expression_push(&m, mid_unwind_fixed(&b, 8));
    else if (op == EXPRESSION_CONST)
      expression_push(&m, mid_unwind_number(&b));
    else if (op == EXPRESSION_CONST_SIGNED)
      expression_push(&m, (uintptr_t)mid_unwind_signed(&b));
    else if (op == EXPRESSION_PLUS_CONST)
      expression_push(&m, expression_pop(&m) + mid_unwind_number(&b));
    else if (op == EXPRESSION_DROP)
      (void)expression_pop(&m);
    else if (op == EXPRESSION_DUP)
      word = expression_pop(&m), expression_push(&m, word), expression_push(&m, word);
    else if (op == EXPRESSION_READ)
      m.bad = !read(context, expression_pop(&m), &word) || m.bad, expression_push(&m, word);
    else if (op != EXPRESSION_NOP)
      expression_binary(&m, op);
  }
  if (b.bad || m.bad || m.count == 0) return false;
  *out = m.value[m.count - 1];
  return true;
}
