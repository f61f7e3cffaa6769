// observe/page_words.c -- see page_words.h.
// SPDX-License-Identifier: MIT
#include "observe/page_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "observe/json.h"

struct mid_numbered mid_numbered_open(void) {
  return (struct mid_numbered){json_array(), json_object()};
}

json_t *mid_numbered_close(struct mid_numbered *n) {
  json_decref(n->place);
  return n->list;
}

json_int_t mid_numbered_find(const struct mid_numbered *n, const char *key) {
  const json_t *place = json_object_get(n->place, key);
  return place != NULL ? json_integer_value(place) : -1;
}

json_int_t mid_numbered_add(struct mid_numbered *n, const char *key, json_t *value) {
  json_int_t place = (json_int_t)json_array_size(n->list);
  json_object_set_new(n->place, key, json_integer(place));
  json_array_append_new(n->list, value);
  return place;
}

// The empty word is the first.
struct mid_page_words mid_page_words_open(void) {
  struct mid_page_words w = {.string = mid_numbered_open(), .frame = mid_numbered_open()};
  mid_numbered_add(&w.string, "", json_string(""));
  return w;
}

static json_int_t words_add(struct mid_page_words *w, const char *s) {
  json_t *value = mid_json_string(s);
  const char *key = json_string_value(value);
  json_int_t place = key != NULL ? mid_numbered_find(&w->string, key) : 0;
  if (place >= 0) {
    json_decref(value);
    return place;
  }
  return mid_numbered_add(&w->string, key, value);
}

static json_int_t words_frame(struct mid_page_words *w, const struct mid_profile_frame *f) {
  json_int_t function = words_add(w, f->function), file = words_add(w, f->file),
             module = words_add(w, f->module);
  char key[128];
  snprintf(key, sizeof key, "%" PRId64 " %" PRId64 " %u %" PRId64 " %d", (int64_t)function,
           (int64_t)file, f->line, (int64_t)module, f->inlined);
  json_int_t place = mid_numbered_find(&w->frame, key);
  if (place >= 0) return place;
  return mid_numbered_add(
      &w->frame, key,
      json_pack("[I, I, I, I, i]", function, file, (json_int_t)f->line, module, (int)f->inlined));
}

static size_t words_recent(const struct mid_profile_frame *f) {
  uintptr_t h = (uintptr_t)f->function * 31 + (uintptr_t)f->file + f->line;
  return (h * UINT64_C(0x9e3779b97f4a7c15) >> 32) % MID_PAGE_RECENT;
}

json_int_t mid_page_words_frame(struct mid_page_words *w, const struct mid_profile_frame *f) {
  size_t i = words_recent(f);
  const struct mid_profile_frame *r = &w->recent[i].frame;
  if (r->function == f->function && r->file == f->file && r->module == f->module &&
      r->line == f->line && r->inlined == f->inlined)
    return w->recent[i].place;
  w->recent[i].frame = *f;
  return w->recent[i].place = words_frame(w, f);
}
