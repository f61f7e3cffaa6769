// heap/ledger.c -- what programs compiled with MIDDEN_DEBUG have open, and who borrows it.
// SPDX-License-Identifier: MIT
//
// A table by address, under one lock.  A box and a handle may have the same address, as when a box
// owns an arena: they are two entries.
#include "heap/ledger.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/text.h"
#include "midden/debug.h"
#include "midden/malloc.h"
#include "os/os.h"

struct ledger_entry {
  struct ledger_entry *next;
  const void *p;
  const char *kind;      // NULL: a box
  const char *where;     // opened or made
  const char *borrowed;  // where, last
  uint32_t shared;       // borrows now
  bool exclusive;
};

enum { LEDGER_LISTS = 1024 };
static struct ledger_entry *ledger_lists[LEDGER_LISTS];  // by address; under the lock
static struct mid_lock ledger_lock;
static _Atomic bool ledger_xused;  // written under the lock, once; read by mid_ledger_close without

static struct ledger_entry **ledger_list_of(const void *p) {
  return &ledger_lists[((uintptr_t)p * 0x9e3779b97f4a7c15u >> 32) % LEDGER_LISTS];
}

// Where the entry hangs; *result is NULL when there is none.
static struct ledger_entry **ledger_find(const void *p, bool box) {
  struct ledger_entry **at = ledger_list_of(p);
  while (*at != NULL && ((*at)->p != p || ((*at)->kind == NULL) != box)) at = &(*at)->next;
  return at;
}

static void ledger_say_open(const struct ledger_entry *e) {
  char room[512];
  struct mid_text t = mid_text_open(room, sizeof room);
  mid_text_add(&t, "midden: a ");
  mid_text_add(&t, e->kind == NULL ? "box made at " : e->kind);
  mid_text_add(&t, e->kind == NULL ? "" : " opened at ");
  mid_text_add(&t, e->where);
  mid_text_add(&t, e->kind == NULL ? " still owns something at exit: drop it"
                                   : " is still open at exit: call ");
  if (e->kind != NULL) mid_text_add(&t, e->kind), mid_text_add(&t, "_close");
  mid_text_add(&t, " (process ");
  mid_text_number(&t, (uint64_t)getpid());
  mid_text_add(&t, ")\n");
  mid_text_say(&t);
}

static void ledger_say_all_open(void) {
  mid_lock_take(&ledger_lock);
  for (int i = 0; i < LEDGER_LISTS; i++)
    for (const struct ledger_entry *e = ledger_lists[i]; e != NULL; e = e->next) ledger_say_open(e);
  mid_lock_give(&ledger_lock);
}

// Without memory for it, nothing will be said of it.
static void ledger_add(const void *p, const char *kind, const char *where) {
  struct ledger_entry *e = midden_malloc(sizeof *e);
  if (e == NULL) return;
  mid_lock_take(&ledger_lock);
  bool first = !atomic_load_explicit(&ledger_xused, memory_order_relaxed);
  atomic_store_explicit(&ledger_xused, true, memory_order_relaxed);
  struct ledger_entry **list = ledger_list_of(p);
  *e = (struct ledger_entry){.next = *list, .p = p, .kind = kind, .where = where};
  *list = e;
  mid_lock_give(&ledger_lock);
  if (first) (void)atexit(ledger_say_all_open);
}

static void ledger_drop(struct ledger_entry **at) {
  struct ledger_entry *e = *at;
  *at = e->next;
  midden_free(e);
}

// ---- handles ----

midden_status midden_debug_opened(midden_status status, const void *handle_at, const char *kind,
                                  const char *where) {
  if (status == MIDDEN_OK) ledger_add(*(const void *const *)handle_at, kind, where);
  return status;
}

void mid_ledger_close(const void *handle) {
  if (mid_likely(!atomic_load_explicit(&ledger_xused, memory_order_relaxed))) return;
  mid_lock_take(&ledger_lock);
  struct ledger_entry **at = ledger_find(handle, false);
  if (*at != NULL) ledger_drop(at);
  mid_lock_give(&ledger_lock);
}

// ---- boxes ----

// As mid_crime, with the line of a borrow or of the box in the advice.
static _Noreturn void ledger_box_crime(const char *crime, const void *p, const char *before,
                                       const char *where, const char *after) {
  char room[256];
  struct mid_text t = mid_text_open(room, sizeof room);
  mid_text_add(&t, before);
  mid_text_add(&t, where);
  mid_text_add(&t, after);
  mid_lock_give(&ledger_lock);
  mid_crime(crime, p, room);
}

static struct ledger_entry **ledger_box_at(const void *p) {
  mid_lock_take(&ledger_lock);
  struct ledger_entry **at = ledger_find(p, true);
  if (*at == NULL)
    ledger_box_crime(p == NULL ? "use of an empty box" : "use of a box that was dropped", p,
                     "it was moved from, or dropped, or copied by =", "",
                     ": move it by midden_box_move, and use the new one");
  return at;
}

static void ledger_require_unborrowed(const struct ledger_entry *e, const char *crime) {
  if (e->shared != 0 || e->exclusive)
    ledger_box_crime(crime, e->p, "it is borrowed at ", e->borrowed, ": let that scope end first");
}

void midden_debug_box_made(const void *p, const char *where) {
  if (p == NULL) return;
  mid_lock_take(&ledger_lock);
  const struct ledger_entry *e = *ledger_find(p, true);
  if (e != NULL)
    ledger_box_crime("a second box of one object", p, "the first was made at ", e->where,
                     ": move that, or make the object anew");
  mid_lock_give(&ledger_lock);
  ledger_add(p, NULL, where);
}

void midden_debug_box_moved(const void *p) {
  ledger_require_unborrowed(*ledger_box_at(p), "move of a box that is borrowed");
  mid_lock_give(&ledger_lock);
}

void midden_debug_box_dropped(const void *p) {
  if (p == NULL) return;
  struct ledger_entry **at = ledger_box_at(p);
  ledger_require_unborrowed(*at, "drop of a box that is borrowed");
  ledger_drop(at);
  mid_lock_give(&ledger_lock);
}

void midden_debug_box_borrowed(const void *p, bool exclusive, const char *where) {
  struct ledger_entry *e = *ledger_box_at(p);
  if (exclusive) ledger_require_unborrowed(e, "exclusive borrow of what is borrowed");
  if (e->exclusive)
    ledger_box_crime("borrow of what is borrowed exclusively", p, "it is borrowed at ", e->borrowed,
                     ": let that scope end first");
  e->exclusive = exclusive;
  e->shared += !exclusive;
  e->borrowed = where;
  mid_lock_give(&ledger_lock);
}

void midden_debug_box_returned(const void *p) {
  struct ledger_entry *e = *ledger_box_at(p);
  if (e->exclusive)
    e->exclusive = false;
  else
    e->shared--;
  mid_lock_give(&ledger_lock);
}
