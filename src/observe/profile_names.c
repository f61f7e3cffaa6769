// observe/profile_names.c -- the names of a profile's frames, and which of them is to blame.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // strcasestr
#include "observe/profile_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/must.h"
#include "observe/perf_map.h"
#include "observe/words.h"

enum {
  MODULE_SHIFT = 64 - MID_SAMPLES_MODULE_BITS,
  MOST_INLINED = 16,  // functions at one address
  NAME_BYTES = 512    // of a function; longer ones are cut
};

// ---- what is known already ----------------------------------------------------------------------

// A return address and the frames that it stands for: the function and those it is inlined into.
struct known {
  uint64_t raw;  // 0: free
  size_t first, frames;
};

struct mid_profile_names {
  char **word;  // a hash table of all names
  size_t words, word_room;
  struct known *known;  // a hash table by `raw`
  size_t count, known_room;
  struct mid_profile_frame *frame;  // of all known ones
  size_t frames, frame_room;
  struct mid_perf_map *jit;  // NULL until needed
};

struct mid_profile_names *mid_profile_names_open(void) {
  return mid_must(calloc(1, sizeof(struct mid_profile_names)));
}

void mid_profile_names_close(struct mid_profile_names *n) {
  if (n == NULL) return;
  for (size_t i = 0; i < n->word_room; i++) free(n->word[i]);
  free(n->word);
  free(n->known);
  free(n->frame);
  mid_perf_map_close(n->jit);
  free(n);
}

// J. H. Fowler, L. C. Noll, K.-P. Vo, FNV-1a, 64 bits, 1991.
static uint64_t hash_bytes(uint64_t h, const void *at, size_t bytes) {
  for (const unsigned char *b = at; bytes-- > 0; b++) h = (h ^ *b) * 0x100000001b3u;
  return h;
}
static const uint64_t hash_start = 0xcbf29ce484222325u;

static uint64_t hash_word(uint64_t h, const char *word) {
  return hash_bytes(h, word, strlen(word) + 1);
}

static char **word_place(char **table, size_t room, const char *word) {
  size_t i = hash_word(hash_start, word) & (room - 1);
  while (table[i] != NULL && strcmp(table[i], word) != 0) i = (i + 1) & (room - 1);
  return &table[i];
}

// Our own copy of a word, the same one for the same letters.
static const char *keep(struct mid_profile_names *n, const char *word) {
  if (2 * (n->words + 1) > n->word_room) {
    size_t room = n->word_room == 0 ? 256 : 2 * n->word_room;
    char **more = mid_must(calloc(room, sizeof *more));
    for (size_t i = 0; i < n->word_room; i++)
      if (n->word[i] != NULL) *word_place(more, room, n->word[i]) = n->word[i];
    free(n->word);
    n->word = more;
    n->word_room = room;
  }
  char **place = word_place(n->word, n->word_room, word);
  if (*place == NULL) {
    *place = mid_must(strdup(word));
    n->words++;
  }
  return *place;
}

static struct known *known_place(struct known *table, size_t room, uint64_t raw) {
  size_t i = hash_bytes(hash_start, &raw, sizeof raw) & (room - 1);
  while (table[i].raw != 0 && table[i].raw != raw) i = (i + 1) & (room - 1);
  return &table[i];
}

static struct known *known_get(struct mid_profile_names *n, uint64_t raw) {
  if (2 * (n->count + 1) > n->known_room) {
    size_t room = n->known_room == 0 ? 256 : 2 * n->known_room;
    struct known *more = mid_must(calloc(room, sizeof *more));
    for (size_t i = 0; i < n->known_room; i++)
      if (n->known[i].raw != 0) *known_place(more, room, n->known[i].raw) = n->known[i];
    free(n->known);
    n->known = more;
    n->known_room = room;
  }
  return known_place(n->known, n->known_room, raw);
}

// ---- one return address -------------------------------------------------------------------------

static void add_frame(struct mid_profile_names *n, struct mid_profile_frame f) {
  if (n->frames == n->frame_room) {
    n->frame_room = n->frame_room == 0 ? 256 : 2 * n->frame_room;
    n->frame = mid_must(realloc(n->frame, n->frame_room * sizeof *n->frame));
  }
  n->frame[n->frames++] = f;
}

static const char *keep_function(struct mid_profile_names *n, const char *function) {
  char room[NAME_BYTES];
  snprintf(room, sizeof room, "%s", function);
  mid_words_tame(room);
  return keep(n, room);
}

// The call stands before the address that it returns to.
static void name_in_module(struct mid_profile_names *n, const struct mid_sample_module *m,
                           uint64_t call, struct mid_symbols *s) {
  struct mid_symbol symbol[MOST_INLINED];
  char room[MID_SAMPLE_PATH_BYTES + 32];
  size_t count = 0;
  if (m->path[0] != 0)
    count = mid_symbols_find(s, m->path, m->id, m->id_bytes, call, symbol, MOST_INLINED);
  snprintf(room, sizeof room, "%s+0x%" PRIx64, basename(m->path), call);
  struct mid_profile_frame f = {.file = "", .module = keep(n, m->path), .address = call};
  f.function = keep_function(n, room);
  if (count == 0) add_frame(n, f);
  for (size_t i = 0; i < count; i++) {
    if (symbol[i].function[0] != 0) f.function = keep_function(n, symbol[i].function);
    f.file = keep_function(n, symbol[i].file);
    f.line = symbol[i].line;
    f.inlined = symbol[i].inlined;
    add_frame(n, f);
  }
}

static void name_alone(struct mid_profile *p, uint64_t call) {
  struct mid_profile_names *n = p->names;
  char room[32];
  if (n->jit == NULL) n->jit = mid_perf_map_open((int64_t)p->pid);
  const char *function = mid_perf_map_find(n->jit, call);
  snprintf(room, sizeof room, "0x%" PRIx64, call);
  add_frame(n, (struct mid_profile_frame){
                   .function = keep_function(n, function != NULL ? function : room),
                   .file = "",
                   .module = "",
                   .address = call});
}

static struct known name_address(struct mid_profile *p, uint64_t raw, struct mid_symbols *s) {
  struct known *known = known_get(p->names, raw);
  if (known->raw != 0) return *known;
  uint64_t module = raw >> MODULE_SHIFT, call = (raw & (((uint64_t)1 << MODULE_SHIFT) - 1)) - 1;
  size_t first = p->names->frames;
  if (module >= 1 && module <= p->modules)
    name_in_module(p->names, &p->module[module - 1], call, s);
  else
    name_alone(p, call);
  p->names->count++;
  return *known = (struct known){raw, first, p->names->frames - first};
}

// ---- whose code it is ---------------------------------------------------------------------------

static bool begins(const char *word, const char *with) {
  return strncmp(word, with, strlen(with)) == 0;
}

#define ANY(test, word, ...)                                   \
  ({                                                           \
    static const char *const any_[] = {__VA_ARGS__};           \
    bool found_ = false;                                       \
    for (size_t i_ = 0; i_ < sizeof any_ / sizeof *any_; i_++) \
      found_ = found_ || test(word, any_[i_]);                 \
    found_;                                                    \
  })

static bool is_same(const char *a, const char *b) { return strcmp(a, b) == 0; }

// Linked into a program, libmidden has its own names still.
bool mid_frame_is_allocator(const struct mid_profile_frame *f) {
  return begins(basename(f->module), "libmidden.so") ||
         ANY(is_same, f->function, "malloc", "calloc", "realloc", "reallocarray", "memalign",
             "aligned_alloc", "posix_memalign", "valloc", "pvalloc") ||
         begins(f->function, "midden_") || begins(f->function, "mid_");
}

// By where its source is, which tells what was inlined of a header or made of its template.
static bool is_of_a_header(const char *file) {
  return begins(file, "/usr/include/") || begins(file, "/rustc/") ||
         (begins(file, "/usr/lib") && strstr(file, "/include/") != NULL) ||
         strstr(file, "/include/c++/") != NULL;
}

bool mid_frame_is_runtime(const struct mid_profile_frame *f) {
  return ANY(begins, basename(f->module), "libc.so", "libc-", "libc.musl", "ld-", "ld.so",
             "libstdc++", "libc++", "libgcc_s", "libm.so", "libpthread", "libdl.", "librt.",
             "libglib-2", "libgobject-2", "[vdso]") ||
         ANY(begins, f->function, "std::", "__gnu_cxx::", "operator new", "operator delete",
             "alloc::", "core::", "<alloc::", "<core::", "<std::", "hashbrown::", "__rust_",
             "__rg_", "__rdl_") ||
         ANY(is_same, f->function, "_start", "_init", "__libc_csu_init") || is_of_a_header(f->file);
}

static bool is_in(const char *word, const char *list) {
  char blanks[80];
  snprintf(blanks, sizeof blanks, " %.64s ", word);
  return strstr(list, blanks) != NULL;
}

// A call of C for memory, in lower case, that stands in `name`; NULL: there is none.
static const char *find_call(const char *name, size_t *bytes) {
  static const char *const calls[] = {"reallocarray", "malloc", "calloc",   "realloc", "zalloc",
                                      "strndup",      "strdup", "memalign", "memdup"};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    *bytes = strlen(calls[i]);
    const char *at = strcasestr(name, calls[i]);
    if (at != NULL) return at;
  }
  return NULL;
}

// `xmalloc`, `safe_calloc`, `zmalloc_usable`, `sqlite3Malloc`, `safesysmalloc`: short or telling
// words around a call of C.  `leak_malloc` and `malloc_nodes` are no such thing.
bool mid_frame_is_wrapper(const struct mid_profile_frame *f) {
  const char *name = f->function;
  size_t bytes, length = strlen(name);
  if (is_in(name,
            " alloc allocate xalloc my_alloc mem_alloc safe_alloc checked_alloc must_alloc "
            "alloc_or_die "))
    return true;
  const char *at = find_call(name, &bytes);
  if (at == NULL || length >= 60 || strchr(name, ':') != NULL) return false;
  char before[64];
  snprintf(before, sizeof before, "%.*s", (int)(at - name), name);
  const char *after = at + bytes;
  if (at > name && *at <= 'Z') return true;  // a hump
  if (*after == 0 && at - name > 4 && at[-1] >= 'a' && at[-1] <= 'z') return true;
  bool plain = is_in(before,
                     "  my_ safe_ checked_ must_ do_ mem_ try_ app_ util_ sys_ wrap_ "
                     "wrapped_ rpl_ our_ debug_ track_ tracked_ traced_ counted_ custom_ ");
  bool brief = at > name && at - name <= 4;
  return (plain && is_in(after,
                         "  _or_die _or_exit _or_abort _or_fail _array _n 0 _bytes _checked "
                         "_safe WithAlarm ")) ||
         (brief && (*after == 0 || *after == '_'));
}

// The innermost frame of the program's own code that is no wrapper; where all of its code is
// wrappers the outermost of those, and where there is none of its own the innermost frame.
static size_t find_place(const struct mid_profile_site *site) {
  size_t place = 0;
  for (size_t i = 0; i < site->frames; i++) {
    if (mid_frame_is_runtime(&site->frame[i])) continue;
    place = i;
    if (!mid_frame_is_wrapper(&site->frame[i])) break;
  }
  return place;
}

// ---- a site -------------------------------------------------------------------------------------

void mid_profile_name(struct mid_profile *p, struct mid_profile_site *site, struct mid_symbols *s) {
  if (site->frame != NULL) return;
  size_t room = 0;
  for (uint32_t i = 0; i < site->raws; i++) room += name_address(p, site->raw[i], s).frames;
  site->frame = mid_must(calloc(room + 1, sizeof *site->frame));
  for (uint32_t i = 0; i < site->raws; i++) {
    struct known known = name_address(p, site->raw[i], s);
    for (size_t k = 0; k < known.frames; k++) {
      const struct mid_profile_frame *f = &p->names->frame[known.first + k];
      if (site->frames == 0 && mid_frame_is_allocator(f)) continue;
      site->frame[site->frames++] = *f;
    }
  }
  site->place = find_place(site);
}

void mid_profile_name_all(struct mid_profile *p, struct mid_symbols *s) {
  for (size_t i = 0; i < p->sites; i++) mid_profile_name(p, &p->site[i], s);
}

const struct mid_profile_frame *mid_profile_place(const struct mid_profile_site *site) {
  static const struct mid_profile_frame unknown = {.function = "?", .file = "", .module = ""};
  return site->frames > 0 ? &site->frame[site->place] : &unknown;
}

// The function of code whose address is all that is known is different in each run, and a build in
// another folder has other paths.
uint64_t mid_profile_key(const struct mid_profile_site *site) {
  uint64_t h = hash_start;
  for (size_t i = 0; i < site->frames; i++) {
    const struct mid_profile_frame *f = &site->frame[i];
    bool named = f->module[0] != 0 || !begins(f->function, "0x");
    h = hash_word(h, named ? f->function : "");
    h = hash_word(h, basename(f->file));
    h = hash_word(h, basename(f->module));
  }
  return h;
}
