// trace/table.h -- a hash table from numbers to small records.
// SPDX-License-Identifier: MIT
//
// Open addressing with linear probing, at most half full; an entry that is dropped is filled from
// those behind it, so there are no tombstones (D. Knuth, TAOCP 3, 6.4, algorithm R).  Keys that are
// near each other stay near: a heap's blocks are used that way.
#ifndef MID_TRACE_TABLE_H
#define MID_TRACE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct mid_table {
  size_t each;    // bytes of a record
  size_t count;   // of entries
  size_t places;  // a power of two, or 0
  uint64_t *key;  // key + 1, 0: none
  char *record;
};

// Room for one more behind `count` records of an array that doubles; without memory for that the
// command cannot go on.
void *mid_grown(void *array, size_t count, size_t each);

struct mid_table mid_table_open(size_t each);
void mid_table_close(struct mid_table *table);

// The record of `key`, which is not UINT64_MAX; NULL when there is none.  Records move when another
// is added or dropped.
void *mid_table_find(const struct mid_table *table, uint64_t key);
// The same, made and zero when there is none.  Ends the program when there is no memory.
void *mid_table_add(struct mid_table *table, uint64_t key);
// `record` is what find or add returned last.
void mid_table_drop(struct mid_table *table, void *record);

#endif
