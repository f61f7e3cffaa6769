// gc/rc_list.c -- the lists of objects, and their lock where threads share them.
// SPDX-License-Identifier: MIT
#include "gc/rc.h"

// Lock order: rc_all_lock, a heap's lock.
static struct mid_lock rc_all_lock;
static midden_rc *rc_all;  // heaps that lock
static bool rc_sees_forks;

void mid_rc_list_open(struct mid_rc_list *list) {
  list->ends.next = list->ends.prev = &list->ends;
  list->count = 0;
}

void mid_rc_list_put(struct mid_rc_list *list, struct mid_rc_node *node) {
  node->next = &list->ends;
  node->prev = list->ends.prev;
  node->prev->next = node;
  list->ends.prev = node;
  list->count++;
}

static void rc_list_unlink(midden_rc *rc, struct mid_rc_node *node) {
  uint64_t word = mid_rc_word(&node->head);
  struct mid_rc_list *list = &rc->young;
  if ((word & MID_RC_WAITING) != 0) list = &rc->waiting;
  if ((word & MIDDEN_RC_OLD) != 0) list = &rc->old;
  list->count--;
  node->prev->next = node->next;
  node->next->prev = node->prev;
}

void mid_rc_list_new(midden_rc *rc, struct mid_rc_node *node) {
  if (rc->locks) mid_lock_take(&rc->lock);
  mid_rc_list_put(&rc->young, node);
  rc->made++;
  if (rc->locks) mid_lock_give(&rc->lock);
}

void mid_rc_list_touch(midden_rc *rc, struct mid_rc_node *node) {
  if (rc->locks) mid_lock_take(&rc->lock);
  uint64_t word = mid_rc_word(&node->head);
  if ((word & MIDDEN_RC_OLD) != 0) {
    rc_list_unlink(rc, node);
    mid_rc_list_put(&rc->young, node);
    if ((word & MIDDEN_RC_ATOMIC) != 0)
      __atomic_fetch_and(&node->head.xword, ~MIDDEN_RC_OLD, __ATOMIC_RELAXED);
    else
      mid_rc_set_word(&node->head, word & ~MIDDEN_RC_OLD);
  }
  if (rc->locks) mid_lock_give(&rc->lock);
}

void mid_rc_list_drop(midden_rc *rc, struct mid_rc_node *node) {
  if (rc->locks) mid_lock_take(&rc->lock);
  rc_list_unlink(rc, node);
  if (rc->locks) mid_lock_give(&rc->lock);
}

// ---- fork ----

// A forked child must not find a lock that a thread held which it does not have.
static void rc_fork_before(void) {
  mid_lock_take(&rc_all_lock);
  for (midden_rc *rc = rc_all; rc != NULL; rc = rc->next) mid_lock_take(&rc->lock);
}
static void rc_fork_after(void) {
  for (midden_rc *rc = rc_all; rc != NULL; rc = rc->next) mid_lock_give(&rc->lock);
  mid_lock_give(&rc_all_lock);
}

void mid_rc_lock_lists(midden_rc *rc) {
  if (rc->locks) return;
  rc->locks = true;
  mid_lock_take(&rc_all_lock);
  if (!rc_sees_forks) mid_os_fork_watch(rc_fork_before, rc_fork_after, rc_fork_after);
  rc_sees_forks = true;
  rc->next = rc_all;
  if (rc->next != NULL) rc->next->prev = rc;
  rc_all = rc;
  mid_lock_give(&rc_all_lock);
}

void mid_rc_forget_lists(midden_rc *rc) {
  if (!rc->locks) return;
  mid_lock_take(&rc_all_lock);
  if (rc->next != NULL) rc->next->prev = rc->prev;
  if (rc->prev != NULL)
    rc->prev->next = rc->next;
  else
    rc_all = rc->next;
  mid_lock_give(&rc_all_lock);
}
