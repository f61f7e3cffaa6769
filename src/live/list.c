// live/list.c -- see list.h.
// SPDX-License-Identifier: MIT
#include "live/list.h"

static size_t less(size_t a, size_t b) { return a > b ? a - b : 0; }  // a - b, at least 0

static bool moved(size_t at, int key, size_t page, size_t *out) {
  switch (key) {
    case 'k':
    case MID_KEY_UP:
      *out = less(at, 1);
      return true;
    case 'j':
    case MID_KEY_DOWN:
      *out = at + 1;
      return true;
    case MID_KEY_PAGE_UP:
      *out = less(at, page);
      return true;
    case MID_KEY_PAGE_DOWN:
      *out = at + page;
      return true;
    case 'g':
    case MID_KEY_HOME:
      *out = 0;
      return true;
    case 'G':
    case MID_KEY_END:
      *out = (size_t)-1 / 2;
      return true;
    default:
      return false;
  }
}

bool mid_list_move(struct mid_list *list, int key, size_t rows) {
  bool is_move = moved(list->at, key, rows, &list->at);
  mid_list_settle(list, rows);
  return is_move;
}

bool mid_list_scroll(struct mid_list *list, int key, size_t rows) {
  bool is_move = moved(list->first, key, rows, &list->first);
  size_t most = less(list->count, rows);
  if (list->first > most) list->first = most;
  return is_move;
}

void mid_list_settle(struct mid_list *list, size_t rows) {
  if (list->at >= list->count) list->at = less(list->count, 1);
  if (list->first > list->at) list->first = list->at;
  if (rows > 0 && list->at >= list->first + rows) list->first = list->at - rows + 1;
  size_t most = less(list->count, rows);
  if (list->first > most) list->first = most;
}
