// base/options.c -- reading the table of options.h.
// SPDX-License-Identifier: MIT
#include "base/options.h"

#include <string.h>

const struct mid_options mid_options_default = {
#define X(field, def, ...) .field = def,
    MID_OPTION_LIST(X)
#undef X
};

struct mid_options mid_options = {
#define X(field, def, ...) .field = def,
    MID_OPTION_LIST(X)
#undef X
};

const struct mid_option_row mid_option_rows[MID_OPTION_COUNT] = {
#define X(field, def, min, max, unit, words, meaning) \
  {#field, unit, words, meaning, offsetof(struct mid_options, field), def, min, max},
    MID_OPTION_LIST(X)
#undef X
};

static const char *const option_names[MID_OPTION_COUNT] = {
#define X(field, ...) #field,
    MID_OPTION_LIST(X)
#undef X
};

uint64_t mid_option_value(const struct mid_options *o, const struct mid_option_row *row) {
  uint64_t value;
  memcpy(&value, (const char *)o + row->offset, sizeof value);
  return value;
}

// The k-th word of `row`; false when it has no such.
static bool option_word(const struct mid_option_row *row, uint64_t k, const char **word,
                        size_t *bytes) {
  const char *w = row->words;
  if (*w == 0) return false;
  for (; k > 0; k--) {
    w = strchr(w, '|');
    if (w == NULL) return false;
    w++;
  }
  *word = w;
  *bytes = strcspn(w, "|");
  return true;
}

void mid_option_print(const struct mid_option_row *row, uint64_t value, struct mid_text *out) {
  const char *word;
  size_t bytes;
  if (value > row->max && option_word(row, value - row->max - 1, &word, &bytes)) {
    char room[32];
    if (bytes >= sizeof room) bytes = sizeof room - 1;
    memcpy(room, word, bytes);
    room[bytes] = 0;
    mid_text_add(out, room);
  } else if (strcmp(row->unit, "bytes") == 0) {
    mid_text_size(out, value);
  } else {
    mid_text_number(out, value);
    if (strcmp(row->unit, "%") == 0) mid_text_add(out, " %");
  }
}

static bool option_parse(const struct mid_option_row *row, const char *words, size_t bytes,
                         uint64_t *out) {
  const char *word;
  size_t word_bytes;
  for (uint64_t k = 0; option_word(row, k, &word, &word_bytes); k++) {
    if (word_bytes != bytes || memcmp(word, words, bytes) != 0) continue;
    *out = row->max + 1 + k;
    return true;
  }
  uint64_t n;
  if (!mid_text_read_size(words, bytes, &n) || n < row->min || n > row->max) return false;
  *out = n;
  return true;
}

static void add_part(struct mid_text *t, const char *words, size_t bytes) {
  char room[64];
  if (bytes >= sizeof room) bytes = sizeof room - 1;
  memcpy(room, words, bytes);
  room[bytes] = 0;
  mid_text_add(t, room);
}

static void blame_name(struct mid_text *why, const char *name, size_t bytes) {
  mid_text_add(why, "there is no option '");
  add_part(why, name, bytes);
  const char *near = mid_nearest_name(name, bytes, option_names, MID_OPTION_COUNT);
  if (near != NULL) {
    mid_text_add(why, "': did you mean '");
    mid_text_add(why, near);
  }
  mid_text_add(why, near ? "'?" : "': `midden options` lists them");
}

static void blame_value(struct mid_text *why, const struct mid_option_row *row, const char *value,
                        size_t bytes) {
  mid_text_add(why, "option ");
  mid_text_add(why, row->name);
  mid_text_add(why, " cannot be '");
  add_part(why, value, bytes);
  mid_text_add(why, "': give ");
  mid_option_print(row, row->min, why);
  mid_text_add(why, " to ");
  mid_option_print(row, row->max, why);
  if (row->words[0] != 0) mid_text_add(why, " or "), mid_text_add(why, row->words);
}

static const struct mid_option_row *option_find(const char *name, size_t bytes) {
  for (int i = 0; i < MID_OPTION_COUNT; i++)
    if (strlen(option_names[i]) == bytes && memcmp(option_names[i], name, bytes) == 0)
      return &mid_option_rows[i];
  return NULL;
}

static bool read_one(struct mid_options *o, const char *place, size_t bytes, struct mid_text *why) {
  const char *equals = memchr(place, '=', bytes);
  size_t name_bytes = equals ? (size_t)(equals - place) : bytes;
  const struct mid_option_row *row = option_find(place, name_bytes);
  if (row == NULL) return blame_name(why, place, name_bytes), false;
  const char *value = equals ? equals + 1 : "";
  size_t value_bytes = equals ? bytes - name_bytes - 1 : 0;
  uint64_t n;
  if (!option_parse(row, value, value_bytes, &n))
    return blame_value(why, row, value, value_bytes), false;
  memcpy((char *)o + row->offset, &n, sizeof n);
  return true;
}

bool mid_options_read(struct mid_options *o, const char *list, struct mid_text *why) {
  bool good = true;
  char spare_room[256];
  struct mid_text spare = mid_text_open(spare_room, sizeof spare_room);
  for (const char *p = list; *p != 0;) {
    size_t bytes = strcspn(p, ",");
    if (bytes > 0 && !read_one(o, p, bytes, good ? why : &spare)) good = false;
    p += bytes;
    if (*p == ',') p++;
  }
  return good;
}

// The letters to add, drop, change or swap with their neighbour; words over 31 letters are never
// near.  Row i of the table needs the two before it.
static size_t edit_distance(const char *a, size_t a_bytes, const char *b) {
  size_t b_bytes = strlen(b), table[3][32];
  if (a_bytes > 31 || b_bytes > 31) return SIZE_MAX;
  for (size_t j = 0; j <= b_bytes; j++) table[0][j] = j;
  for (size_t i = 1; i <= a_bytes; i++) {
    size_t *row = table[i % 3], *above = table[(i + 2) % 3], *two_above = table[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b_bytes; j++) {
      size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
      if (above[j] + 1 < best) best = above[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && two_above[j - 2] + 1 < best) best = two_above[j - 2] + 1;
      row[j] = best;
    }
  }
  return table[a_bytes % 3][b_bytes];
}

const char *mid_nearest_name(const char *word, size_t bytes, const char *const *names,
                             size_t count) {
  const char *best = NULL;
  size_t best_distance = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    size_t distance = edit_distance(word, bytes, names[i]);
    size_t longest = bytes > strlen(names[i]) ? bytes : strlen(names[i]);
    if (distance < best_distance && distance * 3 <= longest + 2)
      best = names[i], best_distance = distance;
  }
  return best;
}

void mid_options_start(const char *list) {
  char why_room[320], said_room[400];
  struct mid_text why = mid_text_open(why_room, sizeof why_room);
  if (mid_options_read(&mid_options, list, &why)) return;
  struct mid_text said = mid_text_open(said_room, sizeof said_room);
  mid_text_add(&said, "midden: MIDDEN_OPTIONS: ");
  mid_text_add(&said, why_room);
  mid_text_add(&said, "; it is left out\n");
  mid_text_say(&said);
}
