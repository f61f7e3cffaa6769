// unwind/unwind.c -- see unwind.h.
// SPDX-License-Identifier: MIT
#include "unwind/unwind.h"

#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "os/os.h"
#include "unwind/rule.h"

enum {
  UNWIND_OWN_MOST = 16,            // frames between mid_unwind and who called the library
  UNWIND_REACH = 1 << 20,          // bytes: a larger step goes to pages that are proven apart
  UNWIND_COMPILED_MOST = 1 << 20,  // bytes that a frame by the frame pointer may have
};

// Raised by mid_unwind_forget; relaxed.
static _Atomic uint64_t unwind_epoch = 1;

enum unwind_end { UNWIND_GOES_ON, UNWIND_ENDS, UNWIND_IS_CUT };

struct unwind {
  struct mid_unwind_thread *thread;
  struct mid_unwind_memo *memo;  // NULL: this stack cannot be remembered
  struct mid_unwind_frame frame;
  struct mid_os_module module;  // that the last frame was in; of no bytes: none
  uintptr_t bottom;             // the stack pointer at first
  uintptr_t from[MID_CFI_SP];   // where a register was read; 0: as at first
};

// The checks of a stack's words by sanitizers know their own frames and no others.
#define UNWIND_READS_THE_STACK __attribute__((no_sanitize("address"), no_sanitize("thread")))

UNWIND_READS_THE_STACK static uintptr_t unwind_word(uintptr_t at) {
  return *(volatile uintptr_t *)at;
}

// ---- pages of the stack ----

// Whether all pages from `from` to `to` can be read.
static bool unwind_pages_are_readable(uintptr_t from, uintptr_t to) {
  for (; from < to; from += mid_os_page_bytes())
    if (!mid_os_is_readable(from)) return false;
  return true;
}

// Have `at` among the pages that are known to be readable.
__attribute__((noinline)) static bool unwind_pages_reach(struct mid_unwind_thread *t,
                                                         uintptr_t at) {
  uintptr_t page = mid_round_down(at, mid_os_page_bytes()), next = page + mid_os_page_bytes();
  if (next == 0) return false;
  if (page >= t->high && page - t->high < UNWIND_REACH && unwind_pages_are_readable(t->high, next))
    t->high = next;
  else if (next <= t->low && t->low - next < UNWIND_REACH &&
           unwind_pages_are_readable(page, t->low))
    t->low = page;
  else if (mid_os_is_readable(page))
    t->low = page, t->high = next;
  else
    return false;
  return true;
}

static bool unwind_read(struct mid_unwind_thread *t, uintptr_t at, uintptr_t *word) {
  if (at % sizeof *word != 0) return false;
  if (mid_unlikely(at - t->low >= t->high - t->low) && !unwind_pages_reach(t, at)) return false;
  *word = unwind_word(at);
  return true;
}

// ---- what decides a stack ----

static void unwind_depends_on_word(struct unwind *u, uintptr_t at, uintptr_t word) {
  struct mid_unwind_memo *m = u->memo;
  if (m == NULL) return;
  if (m->words == MID_UNWIND_WORDS || at - u->bottom > UINT32_MAX) {
    u->memo = NULL;
    return;
  }
  m->at[m->words] = (uint32_t)(at - u->bottom);
  m->word[m->words++] = word;
}

// What register `reg` holds in the frame at hand: read where it was saved, if it was, and then part
// of what decides the stack.
static bool unwind_register(struct unwind *u, unsigned reg, uintptr_t *value) {
  *value = u->frame.reg[reg];
  if (reg == MID_CFI_SP) return true;
  if (u->from[reg] != 0) {
    if (!unwind_read(u->thread, u->from[reg], value)) return false;
    unwind_depends_on_word(u, u->from[reg], *value);
  } else if (u->memo != NULL) {
    u->memo->registers |= 1u << reg;
    u->memo->reg[reg] = *value;
  }
  return true;
}

static bool unwind_memo_fits(const struct mid_unwind_memo *m, const struct mid_unwind_frame *from) {
  for (uint32_t bits = m->registers; bits != 0; bits &= bits - 1) {
    int reg = __builtin_ctz(bits);
    if (m->reg[reg] != from->reg[reg]) return false;
  }
  for (uint32_t i = 0; i < m->words; i++)
    if (unwind_word(m->sp + m->at[i]) != m->word[i]) return false;
  return true;
}

// ---- code that no module covers ----

// Whether the instruction before `pc` is a call.
static bool unwind_is_after_call(uintptr_t pc) {
#if defined(__x86_64__)
  const unsigned char *at = (const unsigned char *)pc;
  if (at[-5] == 0xe8) return true;  // to a place relative to pc
  // 0xff with 2 in the middle of the byte behind it: indirect, of 2, 3, 4, 6 or 7 bytes.
  static const int8_t back[] = {2, 3, 4, 6, 7};
  for (size_t i = 0; i < sizeof back; i++)
    if (at[-back[i]] == 0xff && (at[1 - back[i]] & 0x38) == 0x10) return true;
  return false;
#else
  uint32_t before = *(const uint32_t *)(pc - 4);
  return before >> 26 == 0x25 || (before & 0xfefff000) == 0xd63f0000;  // BL; BLR, also with a key
#endif
}

// Code can be read wherever it is compiled as the program runs.
static bool unwind_is_compiled(const struct mid_unwind_frame *f) {
  enum { BEFORE = 8 };
  if (f->pc < mid_os_page_bytes() || f->pc % (MID_CFI_LINKS ? 4 : 1) != 0) return false;
  uintptr_t at = f->exact ? f->pc : f->pc - BEFORE;
  if (!mid_os_is_readable(mid_round_down(at, 8)) || !mid_os_is_readable(mid_round_down(f->pc, 8)))
    return false;
  return f->exact || unwind_is_after_call(f->pc);
}

// ---- a frame ----

// A return address without the signature that some processors put into it.
static uintptr_t unwind_unsigned(uintptr_t pc) {
#if defined(__aarch64__)
  register uintptr_t x30 __asm__("x30") = pc;
  __asm__("hint #7" : "+r"(x30));  // XPACLRI
  return x30;
#else
  return pc;
#endif
}

// To the calling frame, which returns to `pc`.  Stacks grow downwards, so it lies above, but for
// one that was interrupted.
static enum unwind_end unwind_enter(struct unwind *u, uintptr_t pc, uintptr_t sp, bool exact) {
  struct mid_unwind_frame *f = &u->frame;
  bool upwards = sp > f->reg[MID_CFI_SP] || (f->exact && sp == f->reg[MID_CFI_SP]);
  if (sp % sizeof sp != 0 || (!exact && !upwards)) return UNWIND_IS_CUT;
  f->pc = unwind_unsigned(pc);
  if (f->pc == 0) return UNWIND_ENDS;
  f->reg[MID_CFI_SP] = sp;
  f->exact = exact;
  return UNWIND_GOES_ON;
}

static uintptr_t unwind_saved(const struct mid_unwind_rule *rule, uintptr_t cfa, int r) {
  return cfa + (uintptr_t)(intptr_t)rule->at[r] * sizeof cfa;
}

static enum unwind_end unwind_by_rule(struct unwind *u, const struct mid_unwind_rule *rule) {
  const struct mid_unwind_frame *f = &u->frame;
  uintptr_t cfa, pc = f->reg[MID_CFI_RETURN];
  if (rule->ends) return UNWIND_ENDS;
  if (!unwind_register(u, rule->reg, &cfa)) return UNWIND_IS_CUT;
  cfa += (uintptr_t)(intptr_t)rule->offset;
  if (rule->compiled && cfa - f->reg[MID_CFI_SP] > UNWIND_COMPILED_MOST) return UNWIND_IS_CUT;
  for (uint32_t saved = rule->saved & ~(1u << MID_CFI_RETURN); saved != 0; saved &= saved - 1) {
    int r = __builtin_ctz(saved);
    u->from[r] = unwind_saved(rule, cfa, r);
  }
  if ((rule->saved & (1u << MID_CFI_RETURN)) != 0) {
    uintptr_t at = unwind_saved(rule, cfa, MID_CFI_RETURN);
    if (!unwind_read(u->thread, at, &pc)) return UNWIND_IS_CUT;
    unwind_depends_on_word(u, at, pc);
  } else if (!MID_CFI_LINKS || !f->exact) {
    return UNWIND_IS_CUT;
  }
  return unwind_enter(u, pc, cfa, false);
}

// ---- a frame whose row does not fit a rule ----

static bool unwind_read_for_row(void *context, uintptr_t at, uintptr_t *word) {
  return unwind_read(context, at, word);
}

static bool unwind_row_value(struct unwind *u, const struct mid_cfi_part *part,
                             const struct mid_cfi_rule *rule, const uintptr_t *cfa,
                             uintptr_t *value) {
  const struct mid_unwind_frame *f = &u->frame;
  uintptr_t at;
  switch (rule->how) {
    case MID_CFI_AT:
      return unwind_read(u->thread, *cfa + (uintptr_t)(intptr_t)rule->offset, value);
    case MID_CFI_IS:
      *value = *cfa + (uintptr_t)(intptr_t)rule->offset;
      return true;
    case MID_CFI_AT_EXPRESSION:
      return mid_cfi_evaluate(part, rule, f->reg, f->pc, cfa, unwind_read_for_row, u->thread,
                              &at) &&
             unwind_read(u->thread, at, value);
    case MID_CFI_IS_EXPRESSION:
      return mid_cfi_evaluate(part, rule, f->reg, f->pc, cfa, unwind_read_for_row, u->thread,
                              value);
    default:
      return true;  // as it is; what is lost matters only where a later frame needs it
  }
}

static enum unwind_end unwind_by_row(struct unwind *u, const struct mid_cfi_part *part,
                                     const struct mid_cfi_row *row) {
  struct mid_unwind_frame *f = &u->frame;
  uintptr_t cfa, reg[MID_CFI_REGISTERS];
  if (row->reg[MID_CFI_RETURN].how == MID_CFI_UNDEFINED) return UNWIND_ENDS;
  u->memo = NULL;
  for (unsigned r = 0; r < MID_CFI_SP; r++)
    if (!unwind_register(u, r, &f->reg[r])) return UNWIND_IS_CUT;
  memset(u->from, 0, sizeof u->from);
  memcpy(reg, f->reg, sizeof reg);
  if (row->cfa.how == MID_CFI_IS)
    cfa = f->reg[row->cfa.reg] + (uintptr_t)(intptr_t)row->cfa.offset;
  else if (!unwind_row_value(u, part, &row->cfa, NULL, &cfa))
    return UNWIND_IS_CUT;
  for (int r = 0; r < MID_CFI_SP; r++)
    if (!unwind_row_value(u, part, &row->reg[r], &cfa, &reg[r])) return UNWIND_IS_CUT;
  // The return address of what interrupts is where its code begins: no call stands before it.
  struct mid_unwind_trace *trace = &u->thread->trace;
  if (row->signal && trace->frames > 0 && !f->exact) trace->frame[trace->frames - 1]++;
  memcpy(f->reg, reg, MID_CFI_SP * sizeof *reg);
  return unwind_enter(u, reg[MID_CFI_RETURN], cfa, row->signal);
}

// ---- a step ----

static enum unwind_end unwind_by_tables(struct unwind *u, uintptr_t code, uint64_t key) {
  const struct mid_os_module *module = &u->module;
  struct mid_cfi_row row;
  struct mid_unwind_rule rule;
  uintptr_t start, end;
  if (!mid_os_module_readable(module, module->frames, &start, &end)) return UNWIND_IS_CUT;
  struct mid_cfi_part part = {(const unsigned char *)start, (const unsigned char *)end};
  if (!mid_cfi_find(&part, (const unsigned char *)module->frames, code, &row)) return UNWIND_IS_CUT;
  if (!mid_rule_of(&row, &rule)) return unwind_by_row(u, &part, &row);
  mid_rule_keep(key, &rule);
  return unwind_by_rule(u, &rule);
}

// The module of `code`, most often that of the frame before; false: there is none.
static bool unwind_find_module(struct unwind *u, uintptr_t code) {
  struct mid_os_module *module = &u->module;
  if (mid_likely(code - module->start < module->end - module->start)) return true;
  if (mid_os_module_find(code, module)) return true;
  *module = (struct mid_os_module){0};
  return false;
}

// To the calling frame.
static enum unwind_end unwind_step(struct unwind *u) {
  struct mid_unwind_rule rule;
  uintptr_t code = u->frame.pc - !u->frame.exact;
  bool found = unwind_find_module(u, code);
  uint64_t owner = u->thread->epoch ^ u->module.identity;
  // Addresses have 48 bits; whose they were as the rule was made has the rest.
  uint64_t key = code ^ (owner * 0x9e3779b97f4a7c15u >> 48 << 48);
  if (mid_likely(mid_rule_find(key, &rule))) return unwind_by_rule(u, &rule);
  if (found) return unwind_by_tables(u, code, key);
  if (!unwind_is_compiled(&u->frame)) return UNWIND_IS_CUT;
  rule = mid_rule_compiled();
  mid_rule_keep(key, &rule);
  return unwind_by_rule(u, &rule);
}

// ---- whole traces ----

static void unwind_trace(struct unwind *u, uintptr_t caller) {
  struct mid_unwind_trace *trace = &u->thread->trace;
  bool found = false;
  enum unwind_end end = UNWIND_GOES_ON;
  trace->frames = 0;
  for (int own = 0; own < UNWIND_OWN_MOST && (end = unwind_step(u)) == UNWIND_GOES_ON;) {
    found = found || u->frame.pc == caller;
    own += !found;
    if (!found) continue;
    if (trace->frames == MID_UNWIND_MOST) break;
    trace->frame[trace->frames++] = u->frame.pc + u->frame.exact;
  }
  trace->cut = end != UNWIND_ENDS || !found;
  if (found) return;
  u->memo = NULL;
  trace->frame[0] = caller;
  trace->frames = 1;
}

// The memos that a stack may be in.
static struct mid_unwind_memo *unwind_memos(struct mid_unwind_thread *t, uintptr_t sp,
                                            uintptr_t caller) {
  uint64_t epoch = atomic_load_explicit(&unwind_epoch, memory_order_relaxed);
  if (mid_unlikely(t->epoch != epoch)) {
    // At first all is zero, and stays untouched.
    for (int i = 0; t->epoch != 0 && i < MID_UNWIND_PLACES * MID_UNWIND_WAYS; i++)
      t->memo[i / MID_UNWIND_WAYS][i % MID_UNWIND_WAYS].sp = 0;
    t->epoch = epoch;
  }
  uint64_t hash = (sp ^ caller << 20) * 0x9e3779b97f4a7c15u;
  return t->memo[(hash >> 32) % MID_UNWIND_PLACES];
}

uint64_t mid_unwind(struct mid_unwind_thread *t, const struct mid_unwind_frame *from,
                    uintptr_t caller) {
  uintptr_t sp = from->reg[MID_CFI_SP];
  struct mid_unwind_memo *memo = unwind_memos(t, sp, caller);
  for (int i = 0; i < MID_UNWIND_WAYS; i++)
    if (memo[i].sp == sp && memo[i].caller == caller && unwind_memo_fits(&memo[i], from))
      return memo[i].mark;
  memo += t->turn++ % MID_UNWIND_WAYS;
  struct unwind u = {.thread = t, .memo = memo, .frame = *from, .bottom = sp};
  memo->sp = 0;
  memo->words = memo->registers = 0;
  memo->caller = caller;
  unwind_trace(&u, caller);
  t->pending = u.memo;
  t->pending_sp = sp;
  return 0;
}

void mid_unwind_mark(struct mid_unwind_thread *t, uint64_t mark) {
  if (t->pending == NULL) return;
  t->pending->mark = mark;
  t->pending->sp = t->pending_sp;
}

void mid_unwind_forget(void) { atomic_fetch_add_explicit(&unwind_epoch, 1, memory_order_relaxed); }
