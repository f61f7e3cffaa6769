// observe/page_words.h -- words and frames of a page, each once, and then named by their numbers.
// SPDX-License-Identifier: MIT
//
// Ten thousand stacks of thirty frames name few functions.
#ifndef MID_OBSERVE_PAGE_WORDS_H
#define MID_OBSERVE_PAGE_WORDS_H

#include <jansson.h>

#include "observe/profile.h"

struct mid_numbered {
  json_t *list;   // of what was added
  json_t *place;  // its place in `list`, by key
};

struct mid_numbered mid_numbered_open(void);
// The list, which is the caller's now.
json_t *mid_numbered_close(struct mid_numbered *n);
// The place of what `key` stands for; -1: it is not there yet.
json_int_t mid_numbered_find(const struct mid_numbered *n, const char *key);
// Add `value`, which is the list's now.
json_int_t mid_numbered_add(struct mid_numbered *n, const char *key, json_t *value);

// Frames come again and again, with the same words in the same places of memory: those met last are
// known by these, since looking each up by what it says would take most of the time of a page.
enum { MID_PAGE_RECENT = 256 };
struct mid_page_words {
  struct mid_numbered string, frame;
  struct {
    struct mid_profile_frame frame;  // function NULL: there is none
    json_int_t place;
  } recent[MID_PAGE_RECENT];
};

struct mid_page_words mid_page_words_open(void);
// The place of a frame, which is added where it is new.  Its words stay as and where they are until
// the last call.
json_int_t mid_page_words_frame(struct mid_page_words *w, const struct mid_profile_frame *f);

#endif
