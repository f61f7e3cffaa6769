// observe/symbol_table.c -- see symbol_table.h.
// SPDX-License-Identifier: MIT
#include "observe/symbol_table.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>

#include "observe/must.h"

static int rank_of(const GElf_Sym *symbol) {
  int binding = GELF_ST_BIND(symbol->st_info);
  return binding == STB_GLOBAL ? 2 : binding == STB_WEAK ? 1 : 0;
}

static bool is_at_a_place(const GElf_Sym *symbol, const char *name) {
  int type = GELF_ST_TYPE(symbol->st_info);
  return name != NULL && name[0] != 0 && symbol->st_shndx != SHN_UNDEF && type != STT_SECTION &&
         type != STT_FILE && type != STT_TLS;
}

static int rows_in_order(const void *left, const void *right) {
  const struct mid_symbol_row *a = left, *b = right;
  if (a->at != b->at) return a->at < b->at ? -1 : 1;
  if (a->bytes != b->bytes) return a->bytes > b->bytes ? -1 : 1;
  return a->rank - b->rank;
}

struct mid_symbol_table mid_symbol_table_open(Dwfl_Module *module) {
  struct mid_symbol_table t = {0};
  int count = dwfl_module_getsymtab(module);
  if (count <= 0) return t;
  t.row = mid_must(calloc((size_t)count, sizeof *t.row));
  for (int i = 1; i < count; i++) {  // the first one of a file is none
    GElf_Sym symbol;
    GElf_Addr at;
    const char *name = dwfl_module_getsym_info(module, i, &symbol, &at, NULL, NULL, NULL);
    if (!is_at_a_place(&symbol, name)) continue;
    t.row[t.rows++] = (struct mid_symbol_row){
        .at = at, .bytes = symbol.st_size, .name = name, .rank = rank_of(&symbol)};
  }
  qsort(t.row, t.rows, sizeof *t.row, rows_in_order);
  uint64_t reach = 0;
  for (size_t i = 0; i < t.rows; i++) {
    uint64_t end = t.row[i].at + t.row[i].bytes;
    if (end > reach) reach = end;
    t.row[i].reach = reach;
  }
  return t;
}

void mid_symbol_table_close(struct mid_symbol_table *t) {
  free(t->row);
  *t = (struct mid_symbol_table){0};
}

const struct mid_symbol_row *mid_symbol_table_find(const struct mid_symbol_table *t,
                                                   uint64_t address) {
  size_t from = 0, to = t->rows;  // the first row behind the address is in [from, to]
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (t->row[middle].at <= address)
      from = middle + 1;
    else
      to = middle;
  }
  for (size_t i = from; i > 0 && t->row[i - 1].reach > address; i--)
    if (address - t->row[i - 1].at < t->row[i - 1].bytes) return &t->row[i - 1];
  const struct mid_symbol_row *last = from > 0 ? &t->row[from - 1] : NULL;
  return last != NULL && last->bytes == 0 && last->reach == last->at ? last : NULL;
}
