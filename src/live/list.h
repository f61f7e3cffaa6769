// live/list.h -- where one is in a list that may be longer than the screen.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_LIST_H
#define MID_LIVE_LIST_H

#include <stdbool.h>
#include <stddef.h>

// What was pressed: a character as it is, or one of these.
enum mid_key {
  MID_KEY_NONE = 0,
  MID_KEY_REDRAW = 12,  // Ctrl-L
  MID_KEY_ENTER = '\n',
  MID_KEY_ESCAPE = 27,
  MID_KEY_ERASE = 127,
  MID_KEY_UP = 0x110000,  // past all characters
  MID_KEY_DOWN,
  MID_KEY_LEFT,
  MID_KEY_RIGHT,
  MID_KEY_PAGE_UP,
  MID_KEY_PAGE_DOWN,
  MID_KEY_HOME,
  MID_KEY_END
};

struct mid_list {
  size_t count, at;  // at: the row that is chosen
  size_t first;      // the row that is shown first
};

// Move by a key: arrows, j k, PgUp PgDn, Home g, End G, with `rows` of the list on the screen.
// returns  whether it was such a key
bool mid_list_move(struct mid_list *list, int key, size_t rows);
// The same for text, of which no row is chosen: what moves is what is shown.
bool mid_list_scroll(struct mid_list *list, int key, size_t rows);

// Make `at` a row of the list, and one that is on the screen.
void mid_list_settle(struct mid_list *list, size_t rows);

#endif
