// observe/symbol_table.h -- the symbols of a file by where they lie, to be searched often.
// SPDX-License-Identifier: MIT
//
// libdw goes through a whole table at each question, 3.5 ms of 57,000 symbols in a JVM, and a look
// at a process that waits for it asks some hundreds of them.
#ifndef MID_OBSERVE_SYMBOL_TABLE_H
#define MID_OBSERVE_SYMBOL_TABLE_H

#include <elfutils/libdwfl.h>
#include <stddef.h>
#include <stdint.h>

struct mid_symbol_row {
  uint64_t at, bytes;  // 0 bytes: a label, which does not say where it ends
  uint64_t reach;      // the furthest end of this row and of all before it
  const char *name;    // the module's
  int rank;            // of those that lie alike: global before weak before local
};

struct mid_symbol_table {
  struct mid_symbol_row *row;  // by at; of the same place the one to be found is the last
  size_t rows;
};

struct mid_symbol_table mid_symbol_table_open(Dwfl_Module *module);
void mid_symbol_table_close(struct mid_symbol_table *t);

// The symbol that holds `address`, the one that begins nearest to it; else the label before it,
// where no symbol lies between and it may be of another section; NULL: there is neither.
const struct mid_symbol_row *mid_symbol_table_find(const struct mid_symbol_table *t,
                                                   uint64_t address);

#endif
