// unwind/cfi.h -- call frame information: what a compiler says about the frame at each instruction.
// SPDX-License-Identifier: MIT
//
// .eh_frame_hdr is a sorted index of .eh_frame, which has a program for each function (FDE) and
// what programs have in common (CIE).  Running the program as far as an address gives a row: how to
// find the frame's address (CFA), and from that what each register was in the calling frame.
//
// Nothing in the tables is believed: what is read lies in the part that was given, and all that
// makes no sense is "not known".
//
// Source: DWARF Debugging Information Format 5, 2017, section 6.4; Linux Standard Base Core 5.0,
// sections 10.6 and 10.7; DWARF for the Arm 64-bit Architecture, 2023.
#ifndef MID_UNWIND_CFI_H
#define MID_UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The registers that a calling frame's place can depend on.  SP stands last: in the calling frame
// it is the CFA.
#if defined(__x86_64__)
enum mid_cfi_register {
  MID_CFI_RBX,
  MID_CFI_FP,  // rbp
  MID_CFI_R12,
  MID_CFI_R13,
  MID_CFI_R14,
  MID_CFI_R15,
  MID_CFI_RETURN,  // rip: the return address
  MID_CFI_SP,
  MID_CFI_REGISTERS
};
#define MID_CFI_LINKS false  // whether a call leaves its return address in a register
#else
enum mid_cfi_register { MID_CFI_FP, MID_CFI_RETURN, MID_CFI_SP, MID_CFI_REGISTERS };
#define MID_CFI_LINKS true
#endif

// The one that DWARF calls `number`; MID_CFI_REGISTERS: it is not followed.
static inline unsigned mid_cfi_register(uint64_t number) {
#if defined(__x86_64__)
  static const uint8_t from_12[] = {MID_CFI_R12, MID_CFI_R13, MID_CFI_R14, MID_CFI_R15,
                                    MID_CFI_RETURN};
  if (number - 12 < sizeof from_12) return from_12[number - 12];
  return number == 3   ? MID_CFI_RBX
         : number == 6 ? MID_CFI_FP
         : number == 7 ? MID_CFI_SP
                       : MID_CFI_REGISTERS;
#else
  return number == 29   ? MID_CFI_FP
         : number == 30 ? MID_CFI_RETURN
         : number == 31 ? MID_CFI_SP
                        : MID_CFI_REGISTERS;
#endif
}

enum mid_cfi_how {
  MID_CFI_SAME,           // as in this frame
  MID_CFI_UNDEFINED,      // lost; of the return address: nobody called
  MID_CFI_AT,             // saved at CFA + offset
  MID_CFI_IS,             // CFA + offset; of the CFA: that register + offset
  MID_CFI_AT_EXPRESSION,  // saved where the expression says
  MID_CFI_IS_EXPRESSION,  // what it says
  MID_CFI_NOT_KNOWN,      // it depends on what is not followed
};

struct mid_cfi_rule {
  int32_t offset;    // of an expression: its place in the part
  uint16_t bytes;    // of an expression
  uint8_t how, reg;  // reg: of the CFA
};

struct mid_cfi_row {
  struct mid_cfi_rule cfa, reg[MID_CFI_SP];
  bool signal;     // the calling frame was interrupted, and made no call
  bool is_signed;  // aarch64: the return address, by a key
};

// Bytes that may be read.
struct mid_cfi_part {
  const unsigned char *start, *end;
};

// The row for `code`; `index` is where .eh_frame_hdr lies.  false when there is none.
// cost  a binary search, and the program up to `code`: a few hundred instructions
bool mid_cfi_find(const struct mid_cfi_part *part, const unsigned char *index, uintptr_t code,
                  struct mid_cfi_row *row);

// The value of a rule's expression: `first` is what its stack begins with, NULL: nothing.  `read`
// answers for the word at an address, or returns false.
bool mid_cfi_evaluate(const struct mid_cfi_part *part, const struct mid_cfi_rule *rule,
                      const uintptr_t reg[MID_CFI_REGISTERS], uintptr_t pc, const uintptr_t *first,
                      bool (*read)(void *context, uintptr_t at, uintptr_t *word), void *context,
                      uintptr_t *out);

#endif
