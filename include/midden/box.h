/* midden/box.h -- one owner for each object: moved, borrowed, and dropped when its scope ends.
 * SPDX-License-Identifier: MIT
 *
 *     MIDDEN_BOX(file_box, FILE, close_file)             a type of box, and what ends what it owns
 *
 *     MIDDEN_SCOPED(file_box) log = midden_box_of(file_box, fopen("log", "w"));
 *     {
 *       MIDDEN_EXCLUSIVE(out, &log);                     FILE *const out, until the scope ends
 *       fputs("begin\n", out);
 *     }
 *     file_box kept = midden_box_move(&log);             `log` is empty now
 *
 * A box is a pointer, and all of this is what one would write by hand.  With -DMIDDEN_DEBUG, given
 * to all files that share a box, these stop the program with a sentence and the line of the borrow:
 *
 *   - an exclusive borrow of what is borrowed, or any borrow of what is borrowed exclusively
 *   - a move or a drop of what is borrowed
 *   - use of an empty box, or of a copy of one that was dropped
 *
 * and boxes that own something still are named when the program ends.  Needs gcc or clang, and C.
 *
 * threads  a box belongs to one thread at a time; shared borrows may be used by any
 */
#ifndef MIDDEN_BOX_H
#define MIDDEN_BOX_H

#include "midden/debug.h"

/* Define box type `name` for objects of `type`, and `name_drop(name *)`, which calls `end(type *)`
 * unless the box is empty, and empties it. */
#define MIDDEN_BOX(name, type, end)                                                   \
  typedef struct name {                                                               \
    type *owned;                                                                      \
  } name;                                                                             \
  __attribute__((unused)) static inline name name##_own(type *p, const char *where) { \
    MIDDEN_BOX_NOTE(midden_debug_box_made(p, where));                                 \
    (void)where;                                                                      \
    name box = {p};                                                                   \
    return box;                                                                       \
  }                                                                                   \
  __attribute__((unused)) static inline void name##_drop(name *box) {                 \
    type *p = box->owned;                                                             \
    box->owned = NULL;                                                                \
    MIDDEN_BOX_NOTE(midden_debug_box_dropped(p));                                     \
    if (p != NULL) end(p);                                                            \
  }

/* A box that owns `p`, which no other box does; empty when that is NULL. */
#define midden_box_of(name, p) name##_own(p, MIDDEN_BOX_HERE)

/* What `box` points to owns nothing afterwards; the value is a box that owns it. */
#define midden_box_move(box)                               \
  __extension__({                                          \
    __typeof__(box) from_ = (box);                         \
    __typeof__(*from_) moved_ = *from_;                    \
    MIDDEN_BOX_NOTE(midden_debug_box_moved(moved_.owned)); \
    from_->owned = NULL;                                   \
    moved_;                                                \
  })

/* A variable of box type `name` that is dropped when its scope is left, in whatever way. */
#define MIDDEN_SCOPED(name) __attribute__((unused, cleanup(name##_drop))) name

/* Declare `variable`, a pointer to what `box` points to owns, valid until its scope is left: to
 * const, beside other shared borrows; or the only one. */
#define MIDDEN_SHARED(variable, box) const MIDDEN_BOX_BORROW(variable, box, false)
#define MIDDEN_EXCLUSIVE(variable, box) MIDDEN_BOX_BORROW(variable, box, true)

#ifdef MIDDEN_DEBUG
#define MIDDEN_BOX_HERE MIDDEN_DEBUG_HERE
#define MIDDEN_BOX_NOTE(call) call
#define MIDDEN_BOX_BORROW(variable, box, exclusive)                                               \
  __typeof__(*(box)->owned) *const variable __attribute__((unused, cleanup(midden_box_return))) = \
      __extension__({                                                                             \
        __typeof__((box)->owned) owned_ = (box)->owned;                                           \
        midden_debug_box_borrowed(owned_, exclusive, MIDDEN_BOX_HERE);                            \
        owned_;                                                                                   \
      })
__attribute__((unused)) static inline void midden_box_return(const void *variable) {
  midden_debug_box_returned(*(const void *const *)variable);
}
#else
#define MIDDEN_BOX_HERE ""
#define MIDDEN_BOX_NOTE(call) (void)0
#define MIDDEN_BOX_BORROW(variable, box, exclusive) \
  __typeof__(*(box)->owned) *const variable __attribute__((unused)) = (box)->owned
#endif

#endif
