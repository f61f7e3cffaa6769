// tests/traps/family.c -- the standard C names, whoever provides them.  The argument is the start
// of the file name of the library that must be the one.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

static const char *const names[] = {
    "malloc", "calloc", "realloc", "reallocarray", "free", "aligned_alloc", "posix_memalign",
    "memalign", "valloc", "pvalloc", "malloc_usable_size", "malloc_trim", "malloc_info", "mallinfo",
    "mallinfo2", "malloc_stats", "mallopt", "cfree", "free_sized", "free_aligned_sized",
    // operator new and delete, of each kind
    "_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t", "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm",
    "_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t", "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t", "_ZdlPvmSt11align_val_t", "_ZdaPvmSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t", "_ZdaPvSt11align_val_tRKSt9nothrow_t"};

static void each_name_is_ours(const char *library) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    Dl_info from;
    void *symbol = dlsym(RTLD_DEFAULT, names[i]);
    if (symbol == NULL || dladdr(symbol, &from) == 0 || strstr(from.dli_fname, library) == NULL) {
      dprintf(2, "%s is not %s's\n", names[i], library);
      _exit(1);
    }
  }
}

static void malloc_and_friends(void) {
  static const size_t sizes[] = {0, 1, 17, 1000, 40000, 70000, 5000000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    char *p = malloc(sizes[i]), *q = calloc(sizes[i], 1);
    CHECK(p != NULL && q != NULL && p != q);
    CHECK((uintptr_t)p % 16 == 0 && (uintptr_t)q % 16 == 0);
    CHECK(malloc_usable_size(p) >= sizes[i]);
    memset(p, 'p', sizes[i]);
    for (size_t k = 0; k < sizes[i]; k++) CHECK(q[k] == 0);
    p = realloc(p, sizes[i] * 2 + 1);
    CHECK(p != NULL);
    for (size_t k = 0; k < sizes[i]; k++) CHECK(p[k] == 'p');
    p = reallocarray(p, sizes[i] + 1, 3);
    CHECK(p != NULL && (sizes[i] == 0 || p[sizes[i] - 1] == 'p'));
    errno = 77;
    free(p), free(q), free(NULL);
    CHECK(errno == 77);
  }
  CHECK(malloc_usable_size(NULL) == 0);
}

static volatile size_t absurd = (size_t)PTRDIFF_MAX + 1;
#define REFUSED(call)                         \
  do {                                        \
    errno = 0;                                \
    CHECK((call) == NULL && errno == ENOMEM); \
  } while (0)

static void absurd_sizes_are_refused(void) {
  void *p = malloc(10);
  REFUSED(malloc(absurd));
  REFUSED(malloc(absurd * 2 - 1));
  REFUSED(calloc(1, absurd));
  REFUSED(calloc(absurd, 2));
  REFUSED(calloc(absurd / 2 + 1, 4));
  REFUSED(realloc(p, absurd));
  REFUSED(reallocarray(p, absurd, 2));
  REFUSED(aligned_alloc(64, absurd));
  REFUSED(memalign(4096, absurd * 2 - 1));
  REFUSED(valloc(absurd * 2 - 1));
  REFUSED(pvalloc(absurd * 2 - 1));
  REFUSED(pvalloc(absurd * 2 - 4095));
  free(p);
}

static void alignments(void) {
  for (size_t align = 1; align <= (size_t)1 << 30; align *= 2) {
    for (size_t bytes = 0; bytes <= 100000; bytes = bytes * 10 + 1) {
      char *p = aligned_alloc(align, bytes), *q = memalign(align, bytes), *r = q;
      CHECK(p != NULL && (uintptr_t)p % align == 0 && malloc_usable_size(p) >= bytes);
      CHECK(q != NULL && (uintptr_t)q % align == 0);
      if (align >= sizeof(void *))
        CHECK(posix_memalign((void **)&r, align, bytes) == 0 && (uintptr_t)r % align == 0);
      if (r != q) free(r);
      memset(p, 1, bytes), memset(q, 1, bytes);
      free(p), free(q);
    }
  }
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *v = valloc(10), *pv = pvalloc(10), *pw = pvalloc(page + 1);
  CHECK(v != NULL && (uintptr_t)v % page == 0);
  CHECK(pv != NULL && (uintptr_t)pv % page == 0 && malloc_usable_size(pv) >= page);
  CHECK(pw != NULL && (uintptr_t)pw % page == 0 && malloc_usable_size(pw) >= 2 * page);
  memset(pw, 1, 2 * page);
  free(v), free(pv), free(pw);
}

static void bad_alignments_are_invalid(void) {
  static const size_t bad[] = {0, 1, 2, 4, 3, 12, 24, 100, 4097, SIZE_MAX};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char here, *p = &here;
    errno = 66;
    CHECK(posix_memalign((void **)&p, bad[i], 100) == EINVAL);
    CHECK(p == &here && errno == 66);  // POSIX: the pointer is left as it was; so is errno here
  }
  char here, *p = &here;
  errno = 66;
  CHECK(posix_memalign((void **)&p, 64, absurd) == ENOMEM);
  CHECK(p == &here && errno == 66);
  volatile size_t three = 3;
  errno = 0;
  CHECK(aligned_alloc(three, 100) == NULL && errno == EINVAL);
}

static void sized_frees_and_cfree(void) {
  void (*free_sized)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
  void (*free_aligned_sized)(void *, size_t, size_t) =
      (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
  void (*old_free)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "cfree");
  for (size_t bytes = 0; bytes < 200000; bytes = bytes * 3 + 1) {
    void *p = realloc(malloc(bytes * 4 + 1), bytes + 1);
    free_sized(p, bytes + 1);
    free_sized(malloc(bytes), bytes);
    free_aligned_sized(aligned_alloc(1024, bytes), 1024, bytes);
    old_free(malloc(bytes));
  }
  free_sized(NULL, 0), free_aligned_sized(NULL, 64, 100), old_free(NULL);
}

// Every tag is closed, in order, inside one <malloc> element.
static int is_whole_xml(const char *at) {
  char open[32][32];
  int depth = 0, elements = 0;
  for (at = strchr(at, '<'); at != NULL; at = strchr(at + 1, '<')) {
    size_t n = strcspn(at + 1 + (at[1] == '/'), " />\n\t");
    const char *end = strchr(at, '>');
    if (end == NULL || n == 0 || n > 31) return 0;
    if (at[1] == '?') continue;
    elements++;
    if (at[1] == '/') {
      if (depth == 0 || strlen(open[--depth]) != n || strncmp(open[depth], at + 2, n) != 0)
        return 0;
    } else if (end[-1] != '/') {
      if (depth == 32 || (depth == 0 && strncmp(at, "<malloc", 7) != 0)) return 0;
      memcpy(open[depth], at + 1, n), open[depth++][n] = 0;
    }
  }
  return depth == 0 && elements > 1;
}

static void statistics(void) {
  enum { COUNT = 20000, BYTES = 1000 };
  static void *p[COUNT];
  struct mallinfo2 before = mallinfo2();
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(BYTES), 1, BYTES);
  struct mallinfo2 full = mallinfo2();
  for (int i = 0; i < COUNT; i++) free(p[i]);
  struct mallinfo2 after = mallinfo2();
  size_t grown = full.uordblks - before.uordblks;
  CHECK(grown >= COUNT * BYTES * 9 / 10 && grown <= COUNT * BYTES * 13 / 10);
  CHECK(full.arena + full.hblkhd >= full.uordblks);
  CHECK(after.uordblks < before.uordblks + COUNT * BYTES / 10);
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  struct mallinfo old = mallinfo();
  CHECK((size_t)old.uordblks <= after.uordblks + 1000000);

  char *words = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&words, &bytes);
  CHECK(out != NULL && malloc_info(0, out) == 0 && fclose(out) == 0);
  CHECK(is_whole_xml(words));
  free(words);
  out = tmpfile();
  errno = 0;
  CHECK(malloc_info(1, out) != 0 && errno == EINVAL);  // options are to be 0
  fclose(out);

  malloc_stats();
  CHECK(malloc_trim(0) == 0 || malloc_trim(0) == 0);
  static const int knobs[] = {M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX, M_TOP_PAD,
                              M_PERTURB};
  for (int i = 0; i < 5; i++) CHECK((mallopt(knobs[i], 1 << 20) | 1) == 1);
}

// What libc allocates, the program frees.
static void libc_uses_it(void) {
  char *words = NULL;
  CHECK(asprintf(&words, "%s %d", "a word", 7) == 8);
  free(words);
  words = strdup("another");
  free(words);
  FILE *in = fopen("/proc/self/maps", "r");
  size_t room = 0;
  words = NULL;
  CHECK(in != NULL && getline(&words, &room, in) > 0);
  free(words);
  fclose(in);
  words = realpath(".", NULL);
  CHECK(words != NULL);
  free(words);
}

int main(int count, char **words) {
  CHECK(count == 2);
  each_name_is_ours(words[1]);
  malloc_and_friends();
  absurd_sizes_are_refused();
  alignments();
  bad_alignments_are_invalid();
  sized_frees_and_cfree();
  statistics();
  libc_uses_it();
  return 0;
}
