// gc/table.c -- tables of ephemerons: a value is held as long as its key is, which it may refer to.
// SPDX-License-Identifier: MIT
//
// The table is an object of the heap; its entries lie outside, found by the identity hash of their
// keys, which stays when these move:
//
//   table  |next|entries|touched|young|
//                  |                 bucket --> entry --> entry       by hash
//                  v
//               | entry 0 | entry 1 | free | entry 3 | ... used ... room|
//
// A cycle looks at each entry of a table that it has found once.  Where the key is live, the value
// is traced.  Else the entry waits among others under the address of its key, whose type word gets
// MID_GC_KEY; who comes to mark or copy an object with that bit tells, and what waited for it is
// ready to be traced.  So the work is linear in the entries, whatever order they come in.  At the
// end, what still waits has a dead key.
//
// No marker runs while entries begin to wait (mid_gc_tables_step is called between), so no key is
// marked unseen in that moment.
//
// Entries that may refer to young objects are in a list of their own, which is all that a minor
// cycle looks at:
//
//   the list is not empty  =>  the table is young, or remembered, or lies in a page that was
//                              written, since the first word of the list is in the table
//
// Source: B. Hayes, "Ephemerons: A New Finalization Mechanism", OOPSLA 1997.
#include <string.h>

#include "gc/gc.h"
#include "midden/malloc.h"

struct table {
  midden_ref next;  // see mid_gc_found_add
  struct mid_gc_entries *entries;
  midden_ref touched;  // always NULL: a store to it tells that the table is changed
  uint32_t young;      // the first entry that may refer to young objects: index + 1; 0: none
};

enum { TABLE_ROOM = 8 };                 // entries of the first piece
static const uint32_t table_last = ~0u;  // of the list of young ones
static const size_t table_most = 1u << 31;

// ---- entries, found by hash ----

static uint32_t table_hash(uint64_t hash) { return (uint32_t)(hash ^ hash >> 32); }

static uint32_t *table_bucket(const struct mid_gc_entries *b, uint32_t hash) {
  return &b->bucket[hash & (b->room - 1)];
}

static struct mid_gc_entry *table_find(const struct mid_gc_entries *b, uint32_t hash,
                                       const void *key) {
  if (b == NULL) return NULL;
  for (uint32_t i = *table_bucket(b, hash); i != 0; i = b->entry[i - 1].chain)
    if (b->entry[i - 1].key.word == key) return &b->entry[i - 1];
  return NULL;
}

static void table_chain(struct mid_gc_entries *b, struct mid_gc_entry *e) {
  uint32_t *bucket = table_bucket(b, e->hash);
  e->chain = *bucket;
  *bucket = (uint32_t)(e - b->entry) + 1;
}

static void table_drop(struct mid_gc_entries *b, struct mid_gc_entry *e) {
  uint32_t index = (uint32_t)(e - b->entry) + 1, *at = table_bucket(b, e->hash);
  while (*at != index) at = &b->entry[*at - 1].chain;
  *at = e->chain;
  e->key.word = e->value.word = NULL;
  e->chain = b->free;
  b->free = index;
  b->count--;
}

static void table_list_young(struct table *t, struct mid_gc_entry *e) {
  if (e->young != 0) return;
  e->young = t->young != 0 ? t->young : table_last;
  t->young = (uint32_t)(e - t->entries->entry) + 1;
}

// The first of the young ones leaves the list; NULL: there is none.
static struct mid_gc_entry *table_pop_young(struct table *t) {
  if (t->young == 0) return NULL;
  struct mid_gc_entry *e = &t->entries->entry[t->young - 1];
  t->young = e->young == table_last ? 0 : e->young;
  e->young = 0;
  return e;
}

// ---- room ----

static size_t table_entry_bytes(size_t room) {
  return room * (sizeof(struct mid_gc_entry) + sizeof(uint32_t));
}

static void table_account(midden_gc *gc, int64_t bytes) {
  atomic_fetch_add_explicit(&gc->external, bytes, memory_order_relaxed);
}

static bool table_is_crowded(const struct mid_gc_entries *b) {
  return b->free == 0 && b->used == b->room;
}

// Entries in a piece of memory of another size, side by side again.
static bool table_resize(midden_gc *gc, struct table *t, size_t room) {
  struct mid_gc_entries *b = t->entries, was = *b;
  struct mid_gc_entry *entry = room <= table_most ? midden_malloc(table_entry_bytes(room)) : NULL;
  if (entry == NULL) return false;
  b->entry = entry;
  b->bucket = memset(entry + room, 0, room * sizeof(uint32_t));
  b->room = (uint32_t)room;
  b->used = b->free = t->young = 0;
  for (uint32_t i = 0; i < was.used; i++) {
    if (was.entry[i].key.word == NULL) continue;
    struct mid_gc_entry *e = &b->entry[b->used++];
    *e = was.entry[i];
    table_chain(b, e);
    e->young = 0;
    if (was.entry[i].young != 0) table_list_young(t, e);
  }
  midden_free(was.entry);
  table_account(gc, (int64_t)table_entry_bytes(room) - (int64_t)table_entry_bytes(was.room));
  return true;
}

static bool table_open(midden_gc *gc, struct table *t) {
  struct mid_gc_entries *b = midden_calloc(1, sizeof *b);
  if (b == NULL) return false;
  t->entries = b;
  b->table.word = t;
  if (!table_resize(gc, t, TABLE_ROOM)) {
    t->entries = NULL;
    midden_free(b);
    return false;
  }
  mid_lock_take(&gc->weak.lock);
  b->next = gc->weak.young;
  gc->weak.young = b;
  mid_lock_give(&gc->weak.lock);
  return true;
}

// Room for one entry more.  Where most have died the table becomes smaller, if there is memory.
static bool table_make_room(midden_gc *gc, struct table *t) {
  if (t->entries == NULL) return table_open(gc, t);
  const struct mid_gc_entries *b = t->entries;
  if (b->room > TABLE_ROOM && b->count < b->room / 8) table_resize(gc, t, b->room / 4);
  return !table_is_crowded(b) || table_resize(gc, t, (size_t)b->room * 2);
}

static struct mid_gc_entry *table_room_take(struct mid_gc_entries *b, uint32_t hash, void *key) {
  uint32_t index = b->free;
  struct mid_gc_entry *e = index != 0 ? &b->entry[index - 1] : &b->entry[b->used++];
  if (index != 0)
    b->free = e->chain;
  else
    *e = (struct mid_gc_entry){0};
  e->key.word = key;
  e->hash = hash;
  table_chain(b, e);
  b->count++;
  return e;
}

// ---- for programs.  Entered: the thread is not stopped within ----

void *midden_gc_table(midden_mutator *m) {
  const midden_type *type = mid_gc_weak_type(m->gc, &m->gc->weak.xtable_type, "midden.table",
                                             sizeof(struct table), MID_GC_TABLE);
  return type == NULL ? NULL : midden_gc_new(m, type);
}

static midden_status table_put(midden_mutator *m, struct table *t, void *key, void *value) {
  uint32_t hash = table_hash(midden_gc_hash(m, key));
  struct mid_gc_entry *e = table_find(t->entries, hash, key);
  if (e == NULL) {
    if (!table_make_room(m->gc, t)) return MIDDEN_NOMEM;
    e = table_room_take(t->entries, hash, key);
  }
  __atomic_store_n(&e->value.word, value, __ATOMIC_RELAXED);
  table_list_young(t, e);
  return MIDDEN_OK;
}

// Tell of the table before it is changed, and enter.  A signal between the two lets a collection
// forget it; the store may collect in stress mode, so what is named here is in a frame.
static void table_enter(midden_mutator *m, const midden_ref *table) {
  for (;;) {
    midden_gc_store(m, table->word, &((struct table *)table->word)->touched, NULL);
    mid_gc_enter(mid_mutator_of(m));
    if ((*mid_gc_word(table->word) & MID_GC_OLD) == 0) break;
    mid_gc_leave(mid_mutator_of(m));
  }
  // Its page counts as written, whenever that was last asked.
  __atomic_store_n(&((struct table *)table->word)->touched.word, NULL, __ATOMIC_RELAXED);
}

midden_status midden_gc_table_put(midden_mutator *m, void *table, void *key, void *value) {
  if (key == NULL) return MIDDEN_INVALID;
  MIDDEN_FRAME(m, ref, 3);
  ref[0].word = table, ref[1].word = key, ref[2].word = value;
  __builtin_unwind_init();
  table_enter(m, &ref[0]);
  midden_status status = table_put(m, ref[0].word, ref[1].word, ref[2].word);
  mid_gc_leave(mid_mutator_of(m));
  MIDDEN_FRAME_END(m, ref);
  return status;
}

// An object that was never asked for its hash is no key.
static struct mid_gc_entry *table_look(midden_mutator *m, struct table *t, void *key) {
  uint64_t word = key != NULL ? __atomic_load_n(mid_gc_word(key), __ATOMIC_RELAXED) : 0;
  if ((word & MID_GC_HASHED) == 0) return NULL;
  return table_find(t->entries, table_hash(midden_gc_hash(m, key)), key);
}

void *midden_gc_table_get(midden_mutator *m, void *table, void *key) {
  __builtin_unwind_init();
  mid_gc_enter(mid_mutator_of(m));
  struct mid_gc_entry *e = table_look(m, table, key);
  void *value = e != NULL ? midden_gc_load(m, &e->value) : NULL;
  mid_gc_leave(mid_mutator_of(m));
  return value;
}

void midden_gc_table_remove(midden_mutator *m, void *table, void *key) {
  __builtin_unwind_init();
  mid_gc_enter(mid_mutator_of(m));
  struct mid_gc_entry *e = table_look(m, table, key);
  if (e != NULL) table_drop(((struct table *)table)->entries, e);
  mid_gc_leave(mid_mutator_of(m));
}

size_t midden_gc_table_count(midden_mutator *m, void *table) {
  (void)m;
  const struct mid_gc_entries *b = ((struct table *)table)->entries;
  return b != NULL ? b->count : 0;
}

// ---- entries that wait for their key ----

static struct mid_gc_entry **table_pending_bucket(const struct mid_gc_pending *p, const void *key) {
  return &p->bucket[mid_gc_hash_of_address((uintptr_t)key) & (p->buckets - 1)];
}

static void table_pending_link(struct mid_gc_pending *p, struct mid_gc_entry *e) {
  struct mid_gc_entry **bucket = table_pending_bucket(p, e->key.word);
  e->next = *bucket;
  *bucket = e;
}

static size_t table_pending_bytes(size_t buckets) {
  return mid_round_up(buckets * sizeof(void *), mid_os_page_bytes());
}

// Back to the few buckets that are always there.
static void table_pending_close(struct mid_gc_pending *p) {
  if (p->bucket != NULL && p->bucket != p->few)
    mid_os_unmap(p->bucket, table_pending_bytes(p->buckets));
  memset(p->few, 0, sizeof p->few);
  p->bucket = p->few;
  p->buckets = sizeof p->few / sizeof p->few[0];
}

// Without memory chains become longer; nothing is lost but time.
static void table_pending_grow(struct mid_gc_pending *p) {
  struct mid_gc_pending was = *p;
  struct mid_gc_entry **more = mid_os_map(NULL, table_pending_bytes(was.buckets * 4));
  if (more == NULL) return;
  p->bucket = more;
  p->buckets = was.buckets * 4;
  for (size_t i = 0; i < was.buckets; i++) {
    for (struct mid_gc_entry *e = was.bucket[i], *next; e != NULL; e = next) {
      next = e->next;
      table_pending_link(p, e);
    }
  }
  if (was.bucket != p->few) mid_os_unmap(was.bucket, table_pending_bytes(was.buckets));
}

static void table_wait(struct mid_gc_pending *p, struct mid_gc_entry *e) {
  if (p->bucket == NULL) table_pending_close(p);
  if (p->count == p->buckets) table_pending_grow(p);
  __atomic_fetch_or((uint8_t *)mid_gc_word(e->key.word) + 1, MID_GC_KEY >> 8, __ATOMIC_RELAXED);
  table_pending_link(p, e);
  p->most = mid_max(p->most, ++p->count);
}

void mid_gc_key_found(midden_gc *gc, void *key) {
  struct mid_gc_pending *p = &gc->weak.pending;
  if (!mid_gc_is_forwarded(*mid_gc_word(key)))
    __atomic_fetch_and((uint8_t *)mid_gc_word(key) + 1, (uint8_t) ~(MID_GC_KEY >> 8),
                       __ATOMIC_RELAXED);
  mid_lock_take(&p->lock);
  struct mid_gc_entry **at = table_pending_bucket(p, key);
  for (struct mid_gc_entry *e; (e = *at) != NULL; gc->weak.steps++) {
    if (e->key.word != key) {
      at = &e->next;
      continue;
    }
    *at = e->next;
    e->next = p->ready;
    p->ready = e;
    p->count--;
  }
  mid_lock_give(&p->lock);
}

// ---- a cycle ----

// The entries of `t` that this cycle has to look at, one by one.
struct table_walk {
  struct table *t;
  uint32_t next;  // index + 1, or table_last
  bool minor;
};

static struct table_walk table_walk_start(const midden_gc *gc, struct table *t) {
  uint32_t first = gc->minor ? t->young : t->entries != NULL && t->entries->used != 0;
  return (struct table_walk){.t = t, .next = first != 0 ? first : table_last, .minor = gc->minor};
}

static struct mid_gc_entry *table_walk_next(struct table_walk *w) {
  const struct mid_gc_entries *b = w->t->entries;
  while (w->next != table_last) {
    struct mid_gc_entry *e = &b->entry[w->next - 1];
    w->next = w->minor ? e->young : w->next < b->used ? w->next + 1 : table_last;
    if (e->key.word != NULL) return e;
  }
  return NULL;
}

bool mid_gc_table_found(midden_gc *gc, void *table) {
  struct table *t = table;
  mid_gc_found_add(&gc->weak.tables, &t->next);
  return gc->minor && t->young != 0;
}

static void table_look_at(midden_gc *gc, struct table *t) {
  struct table_walk walk = table_walk_start(gc, t);
  for (struct mid_gc_entry *e; (e = table_walk_next(&walk)) != NULL; gc->weak.steps++) {
    if (mid_gc_is_live(gc, &e->key))
      mid_gc_trace_slot(gc, &e->value);
    else
      table_wait(&gc->weak.pending, e);
  }
  mid_gc_found_add(&gc->weak.looked_at, &t->next);
}

bool mid_gc_tables_step(midden_gc *gc) {
  struct mid_gc_pending *p = &gc->weak.pending;
  struct table *t;
  struct mid_gc_entry *e;
  bool any = false;
  for (; (t = mid_gc_found_take(&gc->weak.tables)) != NULL; any = true) table_look_at(gc, t);
  for (; (e = p->ready) != NULL; any = true) {
    p->ready = e->next;  // before its value, which may be a key itself
    mid_gc_trace_slot(gc, &e->value);
    gc->weak.steps++;
  }
  return any;
}

// ---- its end ----

// Keep an entry, if its key lives, among the young ones if it is such.
static void table_settle(midden_gc *gc, struct table *t, struct mid_gc_entry *e) {
  gc->weak.steps++;
  if (!mid_gc_is_live(gc, &e->key))
    table_drop(t->entries, e);
  else if (mid_gc_is_young(e->key.word) || mid_gc_is_young(e->value.word))
    table_list_young(t, e);
}

static void table_clear(midden_gc *gc, struct table *t) {
  struct table all = *t;  // with the list as it was, while a new one is made
  struct mid_gc_entry *e;
  if (t->entries == NULL) return;
  t->young = 0;
  while ((e = table_pop_young(&all)) != NULL)
    if (gc->minor && e->key.word != NULL) table_settle(gc, t, e);
  for (uint32_t i = 0; !gc->minor && i < t->entries->used; i++)
    if (t->entries->entry[i].key.word != NULL) table_settle(gc, t, &t->entries->entry[i]);
}

// Sort tables by where they are now.  A dead one may still be looked at, as part of a block that is
// not swept yet, and has no entries from here on.
static void table_sort(midden_gc *gc, struct mid_gc_entries *list) {
  for (struct mid_gc_entries *b = list, *next; b != NULL; b = next) {
    struct mid_gc_entries **to = &gc->weak.dead;
    next = b->next;
    if (!mid_gc_is_live(gc, &b->table)) {
      ((struct table *)b->table.word)->entries = NULL;
      ((struct table *)b->table.word)->young = 0;
    } else {
      to = mid_gc_is_young(b->table.word) ? &gc->weak.young : &gc->weak.old;
    }
    b->next = *to;
    *to = b;
  }
}

static void table_pending_reset(struct mid_gc_pending *p) {
  if (p->bucket == NULL) return;
  if (p->buckets / 4 > p->most || p->bucket == p->few)
    table_pending_close(p);
  else if (p->count != 0)
    memset(p->bucket, 0, p->buckets * sizeof(void *));
  p->count = p->most = 0;
}

void mid_gc_tables_clear(midden_gc *gc) {
  struct mid_gc_entries *young = gc->weak.young, *old = gc->minor ? NULL : gc->weak.old;
  struct table *t;
  while ((t = mid_gc_found_take(&gc->weak.looked_at)) != NULL) table_clear(gc, t);
  table_pending_reset(&gc->weak.pending);
  gc->weak.young = NULL;
  if (!gc->minor) gc->weak.old = NULL;
  table_sort(gc, young);
  table_sort(gc, old);
}

void mid_gc_tables_free(midden_gc *gc, struct mid_gc_entries *list) {
  for (struct mid_gc_entries *next; list != NULL; list = next) {
    next = list->next;
    table_account(gc, -(int64_t)table_entry_bytes(list->room));
    midden_free(list->entry);
    midden_free(list);
  }
}

// ---- checking ----

void mid_gc_table_each(void *table, midden_visit *visit, void *context) {
  const struct mid_gc_entries *b = ((struct table *)table)->entries;
  for (uint32_t i = 0; b != NULL && i < b->used; i++) {
    visit(context, &b->entry[i].key);
    visit(context, &b->entry[i].value);
  }
}

static const char *table_entry_broken(const struct mid_gc_entries *b,
                                      const struct mid_gc_entry *e) {
  const void *key = e->key.word;
  if (key == NULL) return "a table has a free entry in a bucket";
  if ((*mid_gc_word(key) & MID_GC_HASHED) == 0)
    return "a key of a table was not asked for its hash";
  if (e->hash != table_hash(midden_gc_hash(NULL, e->key.word)))
    return "a key of a table has another hash than its entry";
  if (e->young == 0 && (mid_gc_is_young(key) || mid_gc_is_young(e->value.word)))
    return "an entry of a table refers to a young object and is not among the young ones";
  return e >= b->entry + b->used ? "a table uses an entry that it never took" : NULL;
}

static const char *table_broken(const struct mid_gc_entries *b) {
  const struct table *t = b->table.word;
  size_t count = 0;
  if (t->entries != b) return "a table and its entries do not belong together";
  for (uint32_t i = 0; i < b->room; i++) {
    for (uint32_t at = b->bucket[i]; at != 0; at = b->entry[at - 1].chain) {
      const char *broken = table_entry_broken(b, &b->entry[at - 1]);
      if (broken != NULL) return broken;
      if (++count > b->count) return "a table has more entries in buckets than it counts";
    }
  }
  return count != b->count ? "a table has fewer entries in buckets than it counts" : NULL;
}

const char *mid_gc_tables_broken(midden_gc *gc) {
  const char *broken = NULL;
  const struct mid_gc_entries *lists[] = {gc->weak.young, gc->weak.old};
  for (int i = 0; i < 2; i++)
    for (const struct mid_gc_entries *b = lists[i]; b != NULL && broken == NULL; b = b->next)
      broken = table_broken(b);
  return broken;
}
